//! Starting an endpoint: role, document, model, configuration, endpoint.
//!
//! Every step can be repeated by anybody: the names are derived from what was asked for, so a
//! step that was done already, by whomever, answers "taken" and counts as done. Nothing is undone
//! here; what a failed start leaves is named, with the call that removes it.

use std::{collections::BTreeMap, time::Duration};

use longhaul::{
    context::Context,
    fault::{Fault, FaultCode},
    report::Next,
};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::{
    api::{Api, EndpointSeen},
    error::{SageMakerError, Why, if_there},
    jumpstart::{self, Manifest, Model, Names, Region, Requests, Wanted},
    names,
    operation::{Endpoint, EndpointHandle, Goal},
    states::{self, Standing},
    tools,
};

/// A start keeps trying for so long before it reports what stands in the way.
const TRY_FOR: Duration = Duration::from_secs(90);

/// A new endpoint is looked for so long before the handle goes without its time of creation.
const LOOK_FOR: Duration = Duration::from_secs(8);

/// What to start, in the caller's own words. Serialized it is what names are derived from: a new
/// field must be left out where it is absent, or older starts are not found again. No `Debug`: the environment may hold tokens.
#[derive(Clone, Default, PartialEq, Serialize)]
pub struct Start {
    /// Id of the JumpStart model.
    pub model_id: String,
    /// Version, `*` or a pattern such as `1.*`; the newest if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_version: Option<String>,
    /// Instance type; the model's default if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// Inference configuration; the best ranked if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inference_config: Option<String>,
    /// Number of instances.
    pub instance_count: u32,
    /// Whether the model's EULA is accepted.
    pub accept_eula: bool,
    /// Additional sources whose EULA is accepted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accept_additional_eulas: Vec<String>,
    /// Environment variables of the container.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Role that the model runs with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// Name of the endpoint.
    #[serde(skip)]
    pub endpoint_name: String,
    /// The tool that asks.
    #[serde(skip)]
    pub tool: &'static str,
    /// The role that the operator has set, if the caller names none.
    #[serde(skip)]
    pub default_role: Option<String>,
    /// The same call again.
    #[serde(skip)]
    pub again: Option<Next>,
}

impl Start {
    /// The name shared by configuration and model.
    #[must_use]
    pub fn parts_name(&self) -> String {
        names::parts_name(&self.endpoint_name, self)
    }

    fn again(&self) -> Next {
        self.again.clone().unwrap_or_else(|| Next::new(self.tool, "The same call again."))
    }
}

/// Starts what is asked for, or joins it where it is there already.
///
/// # Errors
/// What stands in the way, with what was made so far and the call that helps.
pub async fn start<A: Api>(endpoint: &Endpoint<A>, cx: &Context, start: &Start) -> Result<EndpointHandle, Fault> {
    let begun = begin(endpoint, cx, start).await;
    begun.map_err(|fault| tools::resumable(fault, || start.again()))
}

async fn begin<A: Api>(endpoint: &Endpoint<A>, cx: &Context, start: &Start) -> Result<EndpointHandle, Fault> {
    let config = start.parts_name();
    if let Some(handle) = stand(endpoint, start, &config).await? {
        cx.tell("it is there already; joining");
        return Ok(handle);
    }
    let requests = resolve(endpoint.api(), cx, start, &config).await?;
    create(endpoint, cx, start, &requests).await
}

/// Looks at what is there under the wanted name: its handle if it can be joined.
async fn stand<A: Api>(endpoint: &Endpoint<A>, start: &Start, config: &str) -> Result<Option<EndpointHandle>, Fault> {
    let seen = endpoint.find(&start.endpoint_name).await?;
    let ending = match &seen {
        Some(seen) => {
            if_there(endpoint.api().list_tags(&seen.arn).await)?.unwrap_or_default().remove(names::TAG_ENDING)
        }
        None => None,
    };
    match states::before_start(seen.as_ref(), config, ending.as_deref(), &start.again()) {
        Standing::Free => Ok(None),
        Standing::InTheWay(fault) => Err(*fault),
        Standing::Join => Ok(seen.map(|seen| handle(&seen, config))),
    }
}

fn handle(seen: &EndpointSeen, config: &str) -> EndpointHandle {
    EndpointHandle::of(seen, Goal::InService { config: config.to_owned() })
}

/// The three requests, from the model's document and the account's role. Changes nothing.
async fn resolve<A: Api>(api: &A, cx: &Context, start: &Start, config: &str) -> Result<Requests, Fault> {
    cx.tell(&format!("reading the model document of {}", start.model_id));
    let model = document(api, start).await?;
    let wanted = Wanted {
        instance_type: start.instance_type.clone(),
        inference_config: start.inference_config.clone(),
        instance_count: start.instance_count,
        accept_eula: start.accept_eula,
        accept_additional_eulas: start.accept_additional_eulas.clone(),
        environment: start.environment.clone(),
        tags: tags(start, &model),
        names: Names { model: config.to_owned(), config: config.to_owned(), endpoint: start.endpoint_name.clone() },
        ..Wanted::default()
    };
    // A refusal costs no look at IAM; the role is found only for what could be deployed.
    jumpstart::resolve(
        &model,
        &Wanted { role_arn: "arn:aws:iam::000000000000:role/unknown".to_owned(), ..wanted.clone() },
    )
    .map_err(SageMakerError::from)?;
    let role_arn = role(api, start).await?;
    let mut requests = jumpstart::resolve(&model, &Wanted { role_arn, ..wanted }).map_err(SageMakerError::from)?;
    let [variant] = &requests.config.production_variants;
    cx.tell(&format!(
        "{} {} on {} × {}",
        model.id, model.version, variant.initial_instance_count, variant.instance_type
    ));
    for warning in requests.warnings.drain(..) {
        tracing::warn!(model = model.id, warning);
    }
    Ok(requests)
}

/// This server's tags, with what a caller will want to know of the model later.
fn tags(start: &Start, model: &Model) -> Vec<(String, String)> {
    let mut tags = names::tags(start.tool, &start.endpoint_name);
    let asked = start.inference_config.as_ref();
    let config = model.configs.iter().find(|config| asked.is_none() || config.name.as_ref() == asked);
    let content_type = config.and_then(|config| config.content_type.as_ref());
    let accept_type = config.and_then(|config| config.accept_type.as_ref());
    for (tag, mime) in [(names::TAG_CONTENT_TYPE, content_type), (names::TAG_ACCEPT_TYPE, accept_type)] {
        // SageMaker takes no `;` in a tag's value.
        let fits = |mime: &&String| {
            mime.len() <= 256 && mime.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-=._:/@ ".contains(&b))
        };
        if let Some(mime) = mime.filter(fits) {
            tags.insert(tag.to_owned(), mime.clone());
        }
    }
    tags.into_iter().collect()
}

/// The model's document: from the public hub, or from the bucket where the hub has none or the
/// caller may not read it.
async fn document<A: Api>(api: &A, start: &Start) -> Result<Model, Fault> {
    let asked = start.model_version.as_deref().map(str::trim).filter(|asked| !matches!(*asked, "" | "*"));
    // The hub knows whole versions only.
    if asked.is_none_or(|asked| !asked.contains('*')) {
        match api.hub_document(&start.model_id, asked).await {
            Ok(found) => {
                let region = Region::new(api.region());
                let model = Model::from_hub(&start.model_id, &found.version, &found.text, &region);
                let model = model.map_err(SageMakerError::from)?;
                return Ok(Model { deprecated: model.deprecated || found.deprecated, ..model });
            }
            Err(error) if matches!(error.why(), Some(Why::Missing | Why::Denied)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if api.region().is_empty() {
        // The AWS profile may name the region; it is read with the first request.
        api.identity().await?;
    }
    let region = Region::new(api.region());
    let manifest = api.public_object(&region.content_bucket, "models_manifest.json").await?;
    let manifest = Manifest::read(&manifest).map_err(SageMakerError::from)?;
    let entry = manifest.pick(&start.model_id, asked).map_err(SageMakerError::from)?;
    let spec = api.public_object(&region.content_bucket, &entry.spec_key).await?;
    Ok(Model::from_spec(&spec, &region).map_err(SageMakerError::from)?)
}

/// The role that the model runs with: named, set, the caller's own, or the only candidate. Never
/// created, never guessed among several.
async fn role<A: Api>(api: &A, start: &Start) -> Result<String, Fault> {
    if let Some(role) = start.role_arn.clone().or_else(|| start.default_role.clone()) {
        return Ok(role);
    }
    let caller = api.identity().await?.arn;
    let candidates = match api.sagemaker_roles().await {
        Ok(candidates) => candidates,
        Err(error) if error.why() == Some(Why::Denied) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    choose_role(&caller, &candidates)
}

/// Inside SageMaker the caller's own role is the one; elsewhere only a single candidate is.
fn choose_role(caller: &str, candidates: &[String]) -> Result<String, Fault> {
    let own = caller.split_once(":assumed-role/").and_then(|(_, rest)| rest.split('/').next());
    let own = own.and_then(|own| candidates.iter().find(|candidate| candidate.rsplit('/').next() == Some(own)));
    if let Some(role) = own {
        return Ok(role.clone());
    }
    match candidates {
        [only] => Ok(only.clone()),
        [] => Err(Fault::invalid("role_arn", "no role was found that SageMaker may assume")
            .with_advice("Name one in `role_arn`, or have the operator set SAGEMAKER_ROLE_ARN.")
            .with_advice("The role must trust sagemaker.amazonaws.com and be able to read the model's bucket; the caller needs iam:PassRole on it.")),
        several => Err(Fault::invalid("role_arn", "several roles could be meant; name one")
            .with_advice(format!("Candidates: {}.", several.join(", ")))
            .with_advice("Or have the operator set SAGEMAKER_ROLE_ARN.")),
    }
}

/// Model, configuration and endpoint, each until it is there.
async fn create<A: Api>(
    endpoint: &Endpoint<A>,
    cx: &Context,
    start: &Start,
    requests: &Requests,
) -> Result<EndpointHandle, Fault> {
    let began = Instant::now();
    let name = &start.endpoint_name;
    let config = &requests.config.endpoint_config_name;
    let mut made = Made::default();
    let mut pause = Duration::from_millis(500);
    loop {
        let error = match attempt(endpoint.api(), cx, requests, &mut made).await {
            Ok(()) => return Ok(sight(endpoint, name, config).await),
            // Somebody else was faster, or an earlier attempt was carried out although no answer
            // came: what is there decides.
            Err(error) if error.why() == Some(Why::Taken) => {
                return match stand(endpoint, start, config).await {
                    Ok(Some(handle)) => Ok(handle),
                    Ok(None) => Ok(EndpointHandle::unseen(name, Goal::InService { config: config.clone() })),
                    Err(fault) => Err(made.told(fault)),
                };
            }
            Err(error) => error,
        };
        // What is missing is a configuration or model that is not visible yet, or was just removed.
        let passing = matches!(error.why(), Some(Why::Missing | Why::Throttled | Why::Unreachable | Why::Busy));
        if !passing || began.elapsed() >= TRY_FOR {
            return Err(made.told(explained(error, start)));
        }
        cx.tell(&format!("{error}; trying again"));
        sleep(pause.mul_f64(fastrand::f64() + 0.5)).await;
        pause = (pause * 2).min(Duration::from_secs(8));
    }
}

/// One attempt at all three; what is taken already counts as made, but for the endpoint.
async fn attempt<A: Api>(api: &A, cx: &Context, requests: &Requests, made: &mut Made) -> Result<(), SageMakerError> {
    let (model, config) = (&requests.model.model_name, &requests.config.endpoint_config_name);
    cx.tell(&format!("1 of 3: model {model}"));
    let answer = done_if_taken(api.create_model(&requests.model).await);
    made.model = made.model.take().or_else(|| perhaps_made(&answer, model));
    answer?;
    cx.tell(&format!("2 of 3: endpoint configuration {config}"));
    let answer = done_if_taken(create_config(api, requests).await);
    made.config = made.config.take().or_else(|| perhaps_made(&answer, config));
    answer?;
    // SageMaker advises to look first: a new configuration may not be visible to CreateEndpoint.
    api.describe_config(config).await?;
    cx.tell(&format!("3 of 3: endpoint {}", requests.endpoint.endpoint_name));
    api.create_endpoint(&requests.endpoint).await
}

/// Instance families newer than the rule for `VolumeSizeInGB` are refused with it.
async fn create_config<A: Api>(api: &A, requests: &Requests) -> Result<(), SageMakerError> {
    let refused = match api.create_config(&requests.config).await {
        Err(error) if error.why() == Some(Why::Refused) && error.said().contains("VolumeSizeInGB") => error,
        answer => return answer,
    };
    let mut config = requests.config.clone();
    let [variant] = &mut config.production_variants;
    if variant.volume_size_in_gb.take().is_none() {
        return Err(refused);
    }
    api.create_config(&config).await
}

/// The name of what was made, or may have been made although no answer came.
fn perhaps_made(answer: &Result<(), SageMakerError>, name: &str) -> Option<String> {
    let perhaps = answer.as_ref().map_or_else(|error| error.why() == Some(Why::Unreachable), |()| true);
    perhaps.then(|| name.to_owned())
}

fn done_if_taken(answer: Result<(), SageMakerError>) -> Result<(), SageMakerError> {
    match answer {
        Err(error) if error.why() == Some(Why::Taken) => Ok(()),
        answer => answer,
    }
}

/// The handle of the new endpoint, with its time of creation if it becomes visible soon.
async fn sight<A: Api>(endpoint: &Endpoint<A>, name: &str, config: &str) -> EndpointHandle {
    let began = Instant::now();
    loop {
        if let Ok(Some(seen)) = endpoint.find(name).await {
            return handle(&seen, config);
        }
        if began.elapsed() >= LOOK_FOR {
            return EndpointHandle::unseen(name, Goal::InService { config: config.to_owned() });
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// What a start has made, or may have made.
#[derive(Default)]
struct Made {
    model: Option<String>,
    config: Option<String>,
}

impl Made {
    /// The fault with what may be there and the call that removes it.
    fn told(self, fault: Fault) -> Fault {
        let model = self.model.map(|name| format!("model {name}"));
        let config = self.config.map(|name| format!("endpoint-config {name}"));
        let leftovers = model.into_iter().chain(config).chain(fault.leftovers.iter().cloned()).collect();
        let fault = fault.with_leftovers(leftovers);
        if fault.next.is_some() { fault } else { fault.with_next(tools::find_leftovers()) }
    }
}

/// The fault of a start that came to nothing: worth the same call again, or not.
fn explained(error: SageMakerError, start: &Start) -> Fault {
    let unknown = matches!(error.why(), Some(Why::Unreachable));
    let fault = Fault::from(error);
    if fault.retryable {
        let why = if unknown {
            "It finds out whether the last step was carried out, and goes on."
        } else {
            "It goes on where this one ended."
        };
        return fault.with_next(Next { why: why.to_owned(), after_seconds: Some(30), ..start.again() });
    }
    if fault.code == FaultCode::NotFound {
        return Fault { code: FaultCode::NotYet, retryable: true, ..fault }.with_next(start.again());
    }
    fault
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(caller: &str, candidates: &[&str], chosen: Option<&str>) {
        let candidates: Vec<String> = candidates.iter().map(|arn| (*arn).to_owned()).collect();
        assert_eq!(choose_role(caller, &candidates).ok().as_deref(), chosen);
    }

    const USER: &str = "arn:aws:iam::1:user/me";
    const STUDIO: &str = "arn:aws:sts::1:assumed-role/Studio/SageMaker";

    #[test]
    fn the_only_role_that_sagemaker_may_assume_is_taken() {
        check(USER, &["arn:aws:iam::1:role/a"], Some("arn:aws:iam::1:role/a"));
    }

    #[test]
    fn the_callers_own_role_is_taken_inside_sagemaker() {
        let roles = ["arn:aws:iam::1:role/a", "arn:aws:iam::1:role/service-role/Studio"];
        check(STUDIO, &roles, Some("arn:aws:iam::1:role/service-role/Studio"));
    }

    #[test]
    fn among_several_roles_none_is_guessed_and_all_are_named() {
        check(USER, &["arn:aws:iam::1:role/a", "arn:aws:iam::1:role/b"], None);
        let fault = choose_role(USER, &["role/a".into(), "role/b".into()]).unwrap_err();
        assert!(fault.troubleshooting[0].contains("role/a, role/b"), "{fault:?}");
    }

    #[test]
    fn without_a_role_the_fault_says_what_a_role_needs() {
        check(USER, &[], None);
    }
}
