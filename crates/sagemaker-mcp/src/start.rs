//! Starting an endpoint, or changing one: model, configuration, endpoint.
//!
//! Every step can be repeated by anybody: the names are derived from what was asked for, so a
//! step that was done already, by whomever, answers "taken" and counts as done. Nothing is undone
//! here; what a failed start leaves is named, with the call that removes it.

use std::time::Duration;

use longhaul::{
    context::Context,
    fault::{Fault, FaultCode},
    report::Next,
};
use tokio::time::{Instant, sleep};

pub use crate::plan::Start;
use crate::{
    api::{Api, EndpointSeen},
    calls,
    error::{SageMakerError, Why, if_there},
    jumpstart::Requests,
    names,
    operation::{Endpoint, EndpointHandle, Goal, Serving},
    plan::plan,
    states::{self, Standing},
    tools,
};

/// A start keeps trying for so long before it reports what stands in the way.
const TRY_FOR: Duration = Duration::from_secs(90);

/// A new endpoint is looked for so long before the handle goes without its time of creation.
const LOOK_FOR: Duration = Duration::from_secs(8);

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
    let seen = match stand(endpoint, start, &config).await? {
        Stand::Join(handle) => {
            cx.tell("it is there already; joining");
            return Ok(handle);
        }
        Stand::Free(seen) => seen,
    };
    let plan = plan(endpoint.api(), cx, start, &config, false).await;
    match (plan.blocked(), &plan.requests) {
        (None, Some(requests)) => {
            for warning in &requests.warnings {
                tracing::warn!(model = start.model_id, warning);
            }
            create(endpoint, cx, start, requests, seen.as_deref()).await
        }
        // Meanwhile the same words may have come to it: what stands in the way is then its own.
        (Some(fault), _) => match stand(endpoint, start, &config).await {
            Ok(Stand::Join(handle)) => Ok(handle),
            Ok(Stand::Free(_)) | Err(_) => Err(fault.clone()),
        },
        (None, None) => Err(Fault::new(FaultCode::Internal, "a start without requests and without a reason")),
    }
}

/// What is there under the wanted name, to a start that nothing stands in the way of.
enum Stand {
    /// What is wanted, under way or in service.
    Join(EndpointHandle),
    /// Nothing, or what is to be changed.
    Free(Option<Box<EndpointSeen>>),
}

/// Looks at what is there under the wanted name.
async fn stand<A: Api>(endpoint: &Endpoint<A>, start: &Start, config: &str) -> Result<Stand, Fault> {
    let seen = endpoint.find(&start.endpoint_name).await?;
    let ending = match &seen {
        Some(seen) => {
            if_there(endpoint.api().list_tags(&seen.arn).await)?.unwrap_or_default().remove(names::TAG_ENDING)
        }
        None => None,
    };
    let standing = if start.update {
        states::before_update(&start.endpoint_name, seen.as_ref(), config, ending.as_deref(), &start.again())
    } else {
        states::before_start(seen.as_ref(), config, ending.as_deref(), &start.again())
    };
    match (standing, seen) {
        (Standing::InTheWay(fault), _) => Err(*fault),
        (Standing::Join, Some(seen)) => Ok(Stand::Join(handle(&seen, config))),
        (Standing::Free | Standing::Join, seen) => Ok(Stand::Free(seen.map(Box::new))),
    }
}

fn handle(seen: &EndpointSeen, config: &str) -> EndpointHandle {
    EndpointHandle::of(seen, Goal::in_service(config))
}

/// The handle of an endpoint that was asked to change.
fn changing(before: &EndpointSeen, config: &str) -> EndpointHandle {
    let serving = Serving { before_ms: Some(states::millis(before.modified)), ..Serving::new(config) };
    EndpointHandle::of(before, Goal::InService(serving))
}

/// Model, configuration and endpoint, each until it is there.
async fn create<A: Api>(
    endpoint: &Endpoint<A>,
    cx: &Context,
    start: &Start,
    requests: &Requests,
    before: Option<&EndpointSeen>,
) -> Result<EndpointHandle, Fault> {
    let began = Instant::now();
    let name = &start.endpoint_name;
    let config = &requests.config.endpoint_config_name;
    let mut made = Made::default();
    let mut pause = Duration::from_millis(500);
    loop {
        let error = match attempt(endpoint, cx, start, requests, &mut made).await {
            Ok(()) => {
                return Ok(match before {
                    Some(before) => changing(before, config),
                    None => sight(endpoint, name, config).await,
                });
            }
            // Somebody else was faster, or an earlier attempt was carried out although no answer
            // came: what is there decides.
            Err(error) if error.why() == Some(Why::Taken) => {
                return match stand(endpoint, start, config).await {
                    Ok(Stand::Join(handle)) => Ok(handle),
                    Ok(Stand::Free(_)) => Ok(EndpointHandle::unseen(name, Goal::in_service(config))),
                    Err(fault) => Err(made.told(fault)),
                };
            }
            Err(error) => error,
        };
        // What is missing is a configuration or model that is not visible yet, or was just removed.
        // What CreateModel misses is the model's data or the role, and does not come by waiting.
        let passing = match error.why() {
            Some(Why::Missing) => error.doing() != Some("CreateModel"),
            why => matches!(why, Some(Why::Throttled | Why::Unreachable | Why::Busy)),
        };
        if !passing || began.elapsed() >= TRY_FOR {
            return Err(made.told(explained(error, start)));
        }
        cx.tell(&format!("{error}; trying again"));
        sleep(pause.mul_f64(fastrand::f64() + 0.5)).await;
        pause = (pause * 2).min(Duration::from_secs(8));
    }
}

/// One attempt at all of them; what is taken already counts as made, but for the endpoint.
async fn attempt<A: Api>(
    endpoint: &Endpoint<A>,
    cx: &Context,
    start: &Start,
    requests: &Requests,
    made: &mut Made,
) -> Result<(), SageMakerError> {
    let api = endpoint.api();
    let (name, config) = (&start.endpoint_name, &requests.config.endpoint_config_name);
    for model in std::iter::once(&requests.model).chain(&requests.pool_models) {
        cx.tell(&format!("1 of 3: model {}", model.model_name));
        let answer = done_if_taken(api.create_model(model).await);
        made.note(format!("model {}", model.model_name), &answer);
        answer?;
    }
    cx.tell(&format!("2 of 3: endpoint configuration {config}"));
    let answer = done_if_taken(create_config(api, requests).await);
    made.note(format!("endpoint-config {config}"), &answer);
    answer?;
    // SageMaker advises to look first: a new configuration may not be visible to CreateEndpoint.
    api.describe_config(config).await?;
    cx.tell(&format!("3 of 3: endpoint {name}"));
    if !start.update {
        return api.create_endpoint(&requests.endpoint).await;
    }
    // An update whose answer was lost has happened all the same.
    let seen = api.describe_endpoint(name).await?;
    if !states::serves_another(&seen, config) {
        return Ok(());
    }
    api.update_endpoint(name, config).await?;
    if let Some(at) = &start.expires_at
        && let Err(error) = api.add_tags(&seen.arn, &[(names::TAG_EXPIRES.to_owned(), at.clone())].into()).await
    {
        // Only shown, so the update stands without it.
        tracing::warn!(%error, "expires_at could not be written");
    }
    Ok(())
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
            return created(EndpointHandle::of(&seen, Goal::in_service(config)));
        }
        if began.elapsed() >= LOOK_FOR {
            return created(EndpointHandle::unseen(name, Goal::in_service(config)));
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// The handle of an endpoint that this start has created.
fn created(mut handle: EndpointHandle) -> EndpointHandle {
    if let Goal::InService(serving) = &mut handle.goal {
        serving.created_here = true;
    }
    handle
}

/// What a start has made, or may have made.
#[derive(Default)]
struct Made(Vec<String>);

impl Made {
    /// Notes what was made, or may have been made although no answer came.
    fn note(&mut self, what: String, answer: &Result<(), SageMakerError>) {
        let perhaps = answer.as_ref().map_or_else(|error| error.why() == Some(Why::Unreachable), |()| true);
        if perhaps && !self.0.contains(&what) {
            self.0.push(what);
        }
    }

    /// The fault with what may be there and the call that removes it.
    fn told(self, fault: Fault) -> Fault {
        if self.0.is_empty() {
            return fault;
        }
        let leftovers = self.0.into_iter().chain(fault.leftovers.iter().cloned()).collect();
        let fault = fault.with_leftovers(leftovers);
        if fault.next.is_some() { fault } else { fault.with_next(calls::find_leftovers()) }
    }
}

/// The fault of a start that came to nothing: worth the same call again, or not.
fn explained(error: SageMakerError, start: &Start) -> Fault {
    let unknown = matches!(error.why(), Some(Why::Unreachable));
    let of_model = error.doing() == Some("CreateModel");
    let fault = Fault::from(error);
    if fault.retryable {
        let why = if unknown {
            "It finds out whether the last step was carried out, and goes on."
        } else {
            "It goes on where this one ended."
        };
        return fault.with_next(Next { why: why.to_owned(), after_seconds: Some(30), ..start.again() });
    }
    if fault.code == FaultCode::NotFound && of_model {
        let advice = "The model's data or the execution role is not there, or the role may not read it.";
        return Fault { code: FaultCode::InvalidArgument, troubleshooting: vec![advice.to_owned()], ..fault };
    }
    if fault.code == FaultCode::NotFound {
        return Fault { code: FaultCode::NotYet, retryable: true, ..fault }.with_next(start.again());
    }
    fault
}
