//! What SageMaker's words mean. Pure: the file to review first.
//!
//! AWS's nine `EndpointStatus` values and every word that it may add are judged against what was
//! asked for. A word that nobody knows is work under way, with its text kept.

use std::time::{Duration, SystemTime};

use longhaul::{
    fault::{Backend, Fault, FaultCode},
    operation::{Observation, Running},
    report::Next,
};

use crate::{
    api::EndpointSeen,
    operation::{EndpointHandle, EndpointResult, Goal, Parts},
    tools,
};

/// The values of `EndpointStatus` (API model of 2026-11).
pub const STATUSES: [&str; 9] = [
    "OutOfService",
    "Creating",
    "Updating",
    "SystemUpdating",
    "RollingBack",
    "InService",
    "Deleting",
    "Failed",
    "UpdateRollbackFailed",
];

/// A new endpoint may not be visible at once: SageMaker's reads are eventually consistent.
pub const VISIBLE_WITHIN: Duration = Duration::from_secs(60);

/// What an endpoint that was asked to serve a configuration means.
#[must_use]
pub fn serving(
    asked: &EndpointHandle,
    config: &str,
    seen: Option<&EndpointSeen>,
    now: SystemTime,
) -> Observation<EndpointResult> {
    let Some(seen) = seen else { return absent(asked, now) };
    if let Some(fault) = other_identity(asked, seen) {
        return Observation::Failed(fault);
    }
    // The start could not see whose name it is.
    if asked.created_ms.is_none() && serves_another(seen, config) {
        return Observation::Failed(conflict(seen));
    }
    let fail = |message: String| Observation::Failed(failure(asked, seen, message));
    match seen.status.as_str() {
        "InService" if seen.config == config => Observation::Succeeded(EndpointResult::serving(seen)),
        "InService" => Observation::Failed(serves_otherwise(
            seen,
            format!(
                "{} is InService, but serves {} and not {config}: the update did not come through",
                seen.name, seen.config
            ),
        )),
        "Failed" => fail(format!("SageMaker could not bring {} into service", seen.name)),
        "OutOfService" => fail(format!("{} is out of service", seen.name)),
        "UpdateRollbackFailed" => Observation::Failed(serves_otherwise(
            seen,
            format!("{} failed to update and to roll back: it serves, with a mix of old and new", seen.name),
        )),
        "Deleting" => Observation::Failed(
            Fault::new(FaultCode::Aborted, format!("{} is being deleted", seen.name))
                .with_status(&seen.status)
                .with_next(tools::wait_until_deleted(&seen.name)),
        ),
        _ => Observation::Running(under_way(seen)),
    }
}

/// What an endpoint that was asked to go away means. `parts` are those that are still there.
#[must_use]
pub fn going(asked: &EndpointHandle, seen: Option<&EndpointSeen>, parts: &Parts) -> Observation<EndpointResult> {
    let Some(seen) = seen else { return parts_going(asked, parts) };
    // A namesake is not the one that was asked to go, and may use the same parts.
    if asked.created_ms != Some(millis(seen.created)) {
        return going_under(asked, seen, parts);
    }
    let running = under_way(seen).with_leftovers(named(Some(&seen.name), parts));
    match seen.status.as_str() {
        "Deleting" => Observation::Running(running),
        _ => Observation::Running(running.waiting_for(tools::delete(&asked.name))),
    }
}

/// Somebody's endpoint is there under the name, and not the one that was asked to go.
fn going_under(asked: &EndpointHandle, seen: &EndpointSeen, parts: &Parts) -> Observation<EndpointResult> {
    let name = &asked.name;
    let superseded = |message: String| Fault::new(FaultCode::Superseded, message).with_status(&seen.status);
    // It was too young to be visible, or came meanwhile: in either case it is there.
    if asked.created_ms.is_none() {
        let fault = superseded(format!("{name} was not to be seen at first, and is there now"));
        return Observation::Failed(fault.with_next(tools::delete(name)));
    }
    if parts.nothing() {
        return Observation::Succeeded(EndpointResult::replaced(name));
    }
    let message = format!("{name} is gone, but another one of that name was created since; nothing of it was touched");
    Observation::Failed(superseded(message).with_leftovers(named(None, parts)).with_next(tools::find_leftovers()))
}

/// Phase of a removal whose endpoint is gone and whose configuration is next.
pub const REMOVING_CONFIG: &str = "RemovingEndpointConfig";
/// Phase of a removal whose endpoint and configuration are gone and whose models are next.
pub const REMOVING_MODELS: &str = "RemovingModels";

fn parts_going(asked: &EndpointHandle, parts: &Parts) -> Observation<EndpointResult> {
    let leftovers = named(None, parts);
    let phase = match (parts.configs.is_empty(), parts.models.is_empty()) {
        (false, _) => REMOVING_CONFIG,
        (true, false) => REMOVING_MODELS,
        (true, true) if asked.created_ms.is_some() => {
            return Observation::Succeeded(EndpointResult::gone(&asked.name).and_still_there(&parts.others));
        }
        (true, true) => return Observation::Succeeded(EndpointResult::absent(&asked.name)),
    };
    let detail = format!("the endpoint is gone; still there: {}", leftovers.join(", "));
    Observation::Running(Running::new(phase, detail).with_leftovers(leftovers).waiting_for(tools::delete(&asked.name)))
}

/// Whether SageMaker would refuse to delete the endpoint now.
#[must_use]
pub fn undeletable(status: &str) -> bool {
    matches!(status, "Creating" | "SystemUpdating")
}

/// Names with what they are, for people.
#[must_use]
pub fn named(endpoint: Option<&str>, parts: &Parts) -> Vec<String> {
    let endpoint = endpoint.map(|name| format!("endpoint {name}"));
    let configs = parts.configs.iter().map(|name| format!("endpoint-config {name}"));
    let models = parts.models.iter().map(|name| format!("model {name}"));
    endpoint.into_iter().chain(configs).chain(models).collect()
}

fn absent(asked: &EndpointHandle, now: SystemTime) -> Observation<EndpointResult> {
    let begun = SystemTime::UNIX_EPOCH + Duration::from_millis(asked.begun_ms);
    if now.duration_since(begun).unwrap_or_default() < VISIBLE_WITHIN {
        return Observation::Running(Running::new("Creating", "not visible yet"));
    }
    let message = format!("{} is no more: somebody deleted it", asked.name);
    Observation::Failed(Fault::new(FaultCode::Gone, message).with_next(tools::find_leftovers()))
}

/// A name can be used again; the time of creation tells a namesake.
fn other_identity(asked: &EndpointHandle, seen: &EndpointSeen) -> Option<Fault> {
    let created = asked.created_ms?;
    (created != millis(seen.created)).then(|| {
        Fault::new(FaultCode::Superseded, format!("{} was deleted and created anew since", asked.name))
            .with_status(&seen.status)
            .with_next(tools::wait_until_in_service(&asked.name))
    })
}

/// The endpoint serves, and not as it was asked to: nothing that should be removed for it.
fn serves_otherwise(seen: &EndpointSeen, message: String) -> Fault {
    let backend = Backend { text: seen.failure_reason.clone(), ..Backend::default() };
    Fault::new(FaultCode::OperationFailed, message)
        .with_status(&seen.status)
        .with_backend(backend)
        .with_advice("Read the reason; an update can be repeated. The endpoint goes on serving meanwhile.")
        .with_advice(format!("Read the container's log: CloudWatch, group /aws/sagemaker/Endpoints/{}.", seen.name))
        .with_next(Next::new(tools::DESCRIBE, "Shows what it serves now.").with("endpoint_name", seen.name.as_str()))
}

fn failure(asked: &EndpointHandle, seen: &EndpointSeen, message: String) -> Fault {
    let said = seen.failure_reason.clone();
    let fault = Fault::new(FaultCode::OperationFailed, message)
        .with_status(&seen.status)
        .with_backend(Backend { text: said, ..Backend::default() })
        .with_leftovers(vec![format!("endpoint {}", seen.name)])
        .with_next(tools::delete(&asked.name));
    troubleshooting(seen).into_iter().fold(fault, Fault::with_advice)
}

/// What to check after a failed deployment, fitting AWS's reason where it can be told.
fn troubleshooting(seen: &EndpointSeen) -> Vec<String> {
    let reason = seen.failure_reason.as_deref().unwrap_or_default().to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    let capacity = "AWS may have no capacity: try another instance type, another region, or later.".to_owned();
    let instance = "Check that the instance type is offered in this region and fits the model.".to_owned();
    let limits = "Check the account's limits: Service Quotas, Amazon SageMaker, `<instance type> for endpoint usage`."
        .to_owned();
    let model = "Check the model id and version, and whether its EULA had to be accepted.".to_owned();
    let logs = format!("Read the container's log: CloudWatch, group /aws/sagemaker/Endpoints/{}.", seen.name);
    let mut advice = if says(&["capacity"]) {
        vec![capacity, limits, instance, logs, model]
    } else if says(&["limit", "quota"]) {
        vec![limits, instance, logs, model]
    } else if says(&["s3", "403", "eula", "access denied"]) {
        vec![model, "Check that the execution role may read the model's bucket.".to_owned(), logs, instance, limits]
    } else if says(&["health check", "memory", "container"]) {
        vec![logs, instance, model, limits]
    } else {
        vec![instance, limits, model, logs]
    };
    advice.push("Delete the failed endpoint before you try again; it does not heal.".to_owned());
    advice
}

fn under_way(seen: &EndpointSeen) -> Running {
    let variants = seen.variants.iter().filter_map(|variant| {
        let status = variant.status.as_deref()?;
        let instances = variant.current_instances.zip(variant.desired_instances);
        let instances =
            instances.map(|(current, desired)| format!(", {current} of {desired} instances")).unwrap_or_default();
        Some(format!("{} {status}{instances}", variant.name))
    });
    let mut detail: Vec<String> = variants.collect();
    if seen.status == "RollingBack" {
        detail.push("the update failed and is being taken back".to_owned());
    }
    Running::new(&seen.status, detail.join("; "))
}

/// What a start finds under the name that it wants.
#[derive(Debug, PartialEq)]
pub enum Standing {
    /// Nothing.
    Free,
    /// What it wants, under way or in service.
    Join,
    /// Something that stands in the way.
    InTheWay(Box<Fault>),
}

/// What an endpoint under the wanted name means to a start that wants it to serve `config`.
/// `ending` tells when somebody asked for its end. `again` is the same call.
#[must_use]
pub fn before_start(seen: Option<&EndpointSeen>, config: &str, ending: Option<&str>, again: &Next) -> Standing {
    let Some(seen) = seen else { return Standing::Free };
    let stop = |fault: Fault| Standing::InTheWay(Box::new(fault.with_status(&seen.status)));
    let name = &seen.name;
    if seen.status == "Deleting" {
        let next = Next { after_seconds: Some(60), ..again.clone() };
        return stop(
            Fault::new(FaultCode::NotYet, format!("{name} is being deleted; the name is free afterwards"))
                .with_next(next),
        );
    }
    if serves_another(seen, config) {
        return stop(conflict(seen));
    }
    if let Some(since) = ending {
        let message = format!("{name} exists, but its end was asked for at {since} and has not been carried out");
        return stop(Fault::new(FaultCode::FailedBefore, message).with_next(tools::delete(name)));
    }
    if matches!(seen.status.as_str(), "Failed" | "OutOfService" | "UpdateRollbackFailed") {
        let asked = EndpointHandle::of(seen, Goal::InService { config: config.to_owned() });
        let mut fault = failure(&asked, seen, format!("the same deployment failed before: {name} is {}", seen.status));
        fault.code = FaultCode::FailedBefore;
        return stop(fault);
    }
    Standing::Join
}

fn serves_another(seen: &EndpointSeen, config: &str) -> bool {
    seen.config != config && seen.pending_config.as_deref() != Some(config)
}

/// Somebody has asked for the same name in other words.
fn conflict(seen: &EndpointSeen) -> Fault {
    let name = &seen.name;
    let message = format!("{name} exists and was asked for differently: it serves {}", seen.config);
    Fault::new(FaultCode::Conflict, message)
        .with_status(&seen.status)
        .with_advice("Choose another `endpoint_name`, or delete this one first if it is no longer needed.")
        .with_next(Next::new(tools::DESCRIBE, "Shows what is there.").with("endpoint_name", name.as_str()))
}

/// Milliseconds since 1970: SageMaker's times have no finer digits.
#[must_use]
pub fn millis(at: SystemTime) -> u64 {
    at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
