//! What a start would do: the requests, and what stands in their way. Changes nothing.

use std::collections::BTreeMap;

use longhaul::{context::Context, fault::Fault, report::Next};
use serde::Serialize;

use crate::{
    api::Api,
    error::{SageMakerError, Why},
    jumpstart::{self, Model, Names, Refusal, Requests, Wanted},
    library, names,
    preflight::{self, Check},
};

/// What to start, in the caller's own words. Serialized it is what names are derived from: a new
/// field must be left out where it is absent, or older starts are not found again. Consents and
/// what is only shown change no endpoint, so they are not part of it. No `Debug`: the environment
/// may hold tokens.
#[derive(Clone, Default, PartialEq, Serialize)]
pub struct Start {
    /// Id of the JumpStart model.
    pub model_id: String,
    /// Version, or a pattern such as `1.*`; the newest if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_version: Option<String>,
    /// Instance type; the model's default if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// Types to be tried next where AWS has no capacity.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fallback_instance_types: Vec<String>,
    /// Inference configuration; the best ranked if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inference_config: Option<String>,
    /// Number of instances.
    pub instance_count: u32,
    /// Whether the model's EULA is accepted.
    #[serde(skip)]
    pub accept_eula: bool,
    /// Additional sources whose EULA is accepted.
    #[serde(skip)]
    pub accept_additional_eulas: Vec<String>,
    /// Environment variables of the container.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Role that the model runs with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// When its owner will no longer need it, RFC 3339; written into a tag.
    #[serde(skip)]
    pub expires_at: Option<String>,
    /// Whether an endpoint that is there is changed, instead of a new one created.
    #[serde(skip)]
    pub update: bool,
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

    pub(crate) fn again(&self) -> Next {
        self.again.clone().unwrap_or_else(|| Next::new(self.tool, "The same call again."))
    }
}

/// A start, thought through.
pub struct Plan {
    /// What was looked at.
    pub checks: Vec<Check>,
    /// What would be sent; `None` as long as the document or the role stand in the way.
    pub requests: Option<Requests>,
}

impl Plan {
    /// The first thing that stands in the way.
    #[must_use]
    pub fn blocked(&self) -> Option<&Fault> {
        self.checks.iter().find_map(|check| check.fault.as_ref())
    }
}

/// Thinks a start through. Unless it is to be `thorough`, it ends with the first thing that stands
/// in the way: a refusal then costs no look at the account.
pub async fn plan<A: Api>(api: &A, cx: &Context, start: &Start, config: &str, thorough: bool) -> Plan {
    let mut plan = Plan { checks: Vec::new(), requests: None };
    cx.tell(&format!("reading the model document of {}", start.model_id));
    let model = match library::model(api, &start.model_id, start.model_version.as_deref()).await {
        Ok(model) => Some(model),
        Err(fault) => {
            plan.checks.push(Check::blocked("model", fault));
            None
        }
    };
    let requests = model.as_ref().and_then(|model| match resolved(start, model, config, PLACEHOLDER) {
        Ok(requests) => {
            let [variant] = &requests.config.production_variants;
            let (count, first) = (variant.initial_instance_count, variant.first_type());
            plan.checks.push(Check::ok("model", format!("{} {} on {count} × {first}", model.id, model.version)));
            Some(requests)
        }
        Err(refusal) => {
            let check = subject(&refusal);
            plan.checks.push(Check::blocked(check, SageMakerError::from(refusal).into()));
            None
        }
    });
    if plan.blocked().is_some() && !thorough {
        return plan;
    }
    let role = match role(api, start).await {
        Ok(role) => role,
        Err(fault) => {
            plan.checks.push(Check::blocked("role", fault));
            return plan;
        }
    };
    let planned = requests.as_ref().map(|requests| requests.config.production_variants[0].first_type().to_owned());
    match planned.or_else(|| start.instance_type.clone()) {
        // With pools, any of the types will do.
        Some(first) if start.fallback_instance_types.is_empty() => {
            cx.tell(&format!("checking role and quota for {} × {first}", start.instance_count));
            plan.checks.extend(preflight::checks(api, &role, Some(&first), start.instance_count).await);
        }
        _ => plan.checks.extend(preflight::checks(api, &role, None, start.instance_count).await),
    }
    plan.requests = model.filter(|_| requests.is_some()).and_then(|model| resolved(start, &model, config, &role).ok());
    plan
}

/// A refusal needs no role; it is found only for what could be deployed.
const PLACEHOLDER: &str = "arn:aws:iam::000000000000:role/unknown";

fn resolved(start: &Start, model: &Model, config: &str, role_arn: &str) -> Result<Requests, Refusal> {
    let pool_models = start.fallback_instance_types.iter();
    let pool_models = pool_models.map(|pool| names::parts_name(&start.endpoint_name, &(start, pool))).collect();
    let wanted = Wanted {
        instance_type: start.instance_type.clone(),
        fallback_instance_types: start.fallback_instance_types.clone(),
        inference_config: start.inference_config.clone(),
        instance_count: start.instance_count,
        accept_eula: start.accept_eula,
        accept_additional_eulas: start.accept_additional_eulas.clone(),
        environment: start.environment.clone(),
        tags: tags(start, model),
        role_arn: role_arn.to_owned(),
        names: Names {
            model: config.to_owned(),
            config: config.to_owned(),
            endpoint: start.endpoint_name.clone(),
            pool_models,
        },
        ..Wanted::default()
    };
    jumpstart::resolve(model, &wanted)
}

/// What a refusal is about.
fn subject(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::EulaNotAccepted { .. } => "eula",
        Refusal::UnsupportedInstance { .. } | Refusal::NoImage { .. } => "instance_type",
        Refusal::Malformed { .. }
        | Refusal::UnknownModel { .. }
        | Refusal::UnknownVersion { .. }
        | Refusal::Deprecated { .. }
        | Refusal::Vulnerable { .. }
        | Refusal::UnknownInferenceConfig { .. }
        | Refusal::Proprietary { .. }
        | Refusal::NotDeployable { .. }
        | Refusal::BadArgument { .. } => "model",
    }
}

/// This server's tags, with what a caller will want to know of the model later.
fn tags(start: &Start, model: &Model) -> Vec<(String, String)> {
    let mut tags = names::tags(start.tool, &start.endpoint_name);
    let asked = start.inference_config.as_ref();
    let config = model.configs.iter().find(|config| asked.is_none() || config.name.as_ref() == asked);
    let content_type = config.and_then(|config| config.content_type.as_ref());
    let accept_type = config.and_then(|config| config.accept_type.as_ref());
    let expires_at = start.expires_at.as_ref();
    let known = [
        (names::TAG_CONTENT_TYPE, content_type),
        (names::TAG_ACCEPT_TYPE, accept_type),
        (names::TAG_EXPIRES, expires_at),
    ];
    for (tag, mime) in known {
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
