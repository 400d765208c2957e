//! A failure, explained while it is looked at: its class, the last lines of the container's log, and
//! where AWS had no capacity the instance types that are left. What a log says is data: it is quoted,
//! never obeyed.

use std::time::{Duration, SystemTime};

use longhaul::{fault::Fault, report::Next};
use tokio::time::timeout;

use crate::{
    api::{Api, EndpointSeen},
    calls,
    failure::{FailureClass, class},
    library, names,
    operation::result::EndpointResult,
};

/// So many lines of the log are told with a failure.
const LINES: u32 = 20;

/// A failure is told without its log rather than late.
const LOOK_LIMIT: Duration = Duration::from_secs(3);

/// The fault of an endpoint that has failed, with its class, fitting advice, the last lines of the
/// container's log and, where AWS had no capacity, the types that are left. All of it is a courtesy
/// in the time of one look: without it the failure is told all the same.
///
/// Lines older than `since` are another endpoint's, or tell of another time.
pub async fn explained(api: &impl Api, fault: Fault, seen: &EndpointSeen, since: SystemTime) -> Fault {
    let reason = seen.failure_reason.as_deref().unwrap_or_default();
    let (log, left) = futures_util::join!(
        timeout(LOOK_LIMIT, api.log_tail(&seen.name, Some(since), LINES)),
        timeout(LOOK_LIMIT, async {
            // After an update that was taken back the old configuration serves.
            if seen.status == "Failed" && class(reason, &[]) == FailureClass::Capacity {
                elsewhere(api, seen).await
            } else {
                None
            }
        })
    );
    let log = log.ok().and_then(Result::ok).unwrap_or_default();
    let class = class(reason, &log);
    let result = EndpointResult {
        endpoint_name: seen.name.clone(),
        status: seen.status.clone(),
        message: fault.message.clone(),
        failure_class: Some(class),
        log_lines: log.into_iter().map(|line| longhaul::text::clean(&line.text)).collect(),
        ..EndpointResult::default()
    };
    // What serves all the same has its own advice.
    let serves = matches!(seen.status.as_str(), "InService" | "UpdateRollbackFailed");
    let troubleshooting = if serves { fault.troubleshooting.clone() } else { class.advice(&seen.name) };
    let fault = Fault { partial: serde_json::to_value(result).ok(), troubleshooting, ..fault };
    match left.ok().flatten() {
        Some(next) => fault.with_next(next),
        None => fault,
    }
}

/// The call that plans the same model on one of the types that are left.
async fn elsewhere(api: &impl Api, seen: &EndpointSeen) -> Option<Next> {
    let tags = library::tags(api, seen).await.ok()?;
    let (id, version) = (tags.get(names::TAG_MODEL_ID)?, tags.get(names::TAG_MODEL_VERSION));
    let inference_config = tags.get(names::TAG_INFERENCE_CONFIG);
    let model = library::model(api, id, version.map(String::as_str)).await.ok()?;
    let config =
        model.configs.iter().find(|config| inference_config.is_none() || config.name.as_ref() == inference_config)?;
    let tried = api.describe_config(&seen.config).await.ok()?.instance_types();
    let left: Vec<&str> =
        config.supported_instance_types.iter().filter(|left| !tried.contains(left)).map(String::as_str).collect();
    let first = *left.first()?;
    let why = format!("AWS had no capacity for {}; the model also runs on {}.", tried.join(", "), left.join(", "));
    let mut next = Next::new(calls::PLAN, why).with("model_id", id.as_str()).with("instance_type", first);
    for (argument, value) in [("model_version", version), ("inference_config", inference_config)] {
        if let Some(value) = value {
            next = next.with(argument, value.as_str());
        }
    }
    Some(next)
}
