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

pub use crate::operation::handle::{millis, named};
use crate::{
    api::EndpointSeen,
    calls, failure, names,
    operation::{
        handle::{EndpointHandle, Goal, Parts, Serving},
        result::EndpointResult,
    },
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

/// What an endpoint that was asked to serve means.
#[must_use]
pub fn serving(
    asked: &EndpointHandle,
    wanted: &Serving,
    seen: Option<&EndpointSeen>,
    now: SystemTime,
) -> Observation<EndpointResult> {
    let Some(seen) = seen else { return absent(asked, now) };
    if let Some(fault) = other_identity(asked, seen) {
        return Observation::Failed(fault);
    }
    // The start could not see whose name it is.
    if asked.created_ms.is_none() && serves_another(seen, &wanted.config) {
        return Observation::Failed(conflict(seen));
    }
    // SageMaker's reads are eventually consistent: what was asked for may not be visible yet.
    let still = matches!(seen.status.as_str(), "InService" | "OutOfService" | "UpdateRollbackFailed");
    if still && wanted.before_ms == Some(millis(seen.modified)) && !as_asked(wanted, seen) && young(asked, now) {
        return Observation::Running(Running::new("Updating", "the change is not visible yet"));
    }
    let fail = |message: String| Observation::Failed(failure(asked, seen, message));
    match seen.status.as_str() {
        "InService" => in_service(asked, wanted, seen),
        "Failed" => fail(format!("SageMaker could not bring {} into service", seen.name)),
        "OutOfService" => fail(format!("{} is out of service", seen.name)),
        "UpdateRollbackFailed" => Observation::Failed(serves_otherwise(
            seen,
            format!("{} failed to update and to roll back: it serves, with a mix of old and new", seen.name),
        )),
        "Deleting" => Observation::Failed(
            Fault::new(FaultCode::Aborted, format!("{} is being deleted", seen.name))
                .with_status(&seen.status)
                .with_next(calls::wait_until_deleted(&seen.name)),
        ),
        _ => Observation::Running(under_way(seen)),
    }
}

/// It serves: as it was asked to, or otherwise.
fn in_service(asked: &EndpointHandle, wanted: &Serving, seen: &EndpointSeen) -> Observation<EndpointResult> {
    if as_asked(wanted, seen) {
        let since = if wanted.before_ms.is_some() { asked.since() } else { seen.created };
        let mut result = EndpointResult::serving(seen, since);
        result.replaced = wanted.before_ms.is_some() && wanted.instances.is_none();
        if let Some(told) = &wanted.told {
            result.message.clone_from(told);
        }
        return Observation::Succeeded(result);
    }
    let (name, config) = (&seen.name, &wanted.config);
    let message = match (&wanted.instances, wanted.before_ms) {
        (Some((variant, count)), _) if seen.config == *config => {
            format!("{name} is InService, but {variant} has not {count} instances: the change did not come through")
        }
        (_, Some(_)) => {
            format!("{name} is InService, but serves {} and not {config}: the update did not come through", seen.config)
        }
        (_, None) => format!("{name} is InService, and serves {}, not {config}", seen.config),
    };
    let fault = serves_otherwise(seen, message);
    // What the update was made of serves nothing now.
    let part = (seen.config != *config && wanted.before_ms.is_some()).then(|| config.clone());
    let made = Parts { configs: part.iter().cloned().collect(), models: part.into_iter().collect(), others: vec![] };
    Observation::Failed(fault.with_leftovers(named(None, &made)))
}

fn as_asked(wanted: &Serving, seen: &EndpointSeen) -> bool {
    let instances = wanted.instances.as_ref();
    seen.config == wanted.config && instances.is_none_or(|(variant, count)| has_instances(seen, variant, *count))
}

/// Whether the handle is so young that what it began may not be visible yet.
fn young(asked: &EndpointHandle, now: SystemTime) -> bool {
    let begun = SystemTime::UNIX_EPOCH + Duration::from_millis(asked.begun_ms);
    now.duration_since(begun).unwrap_or_default() < VISIBLE_WITHIN
}

fn has_instances(seen: &EndpointSeen, variant: &str, count: u32) -> bool {
    let count = i32::try_from(count).ok();
    let found = seen.variants.iter().find(|seen| seen.name == variant);
    found.is_some_and(|seen| seen.current_instances == count && seen.desired_instances == count)
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
        _ => Observation::Running(running.waiting_for(calls::go_on_deleting(&asked.name))),
    }
}

/// Somebody's endpoint is there under the name, and not the one that was asked to go.
fn going_under(asked: &EndpointHandle, seen: &EndpointSeen, parts: &Parts) -> Observation<EndpointResult> {
    let name = &asked.name;
    let superseded = |message: String| Fault::new(FaultCode::Superseded, message).with_status(&seen.status);
    // It was too young to be visible, or came meanwhile: in either case it is there.
    if asked.created_ms.is_none() {
        let fault = superseded(format!("{name} was not to be seen at first, and is there now"));
        return Observation::Failed(fault.with_next(calls::delete(name)));
    }
    if parts.nothing() {
        return Observation::Succeeded(EndpointResult::replaced(name));
    }
    let message = format!("{name} is gone, but another one of that name was created since; nothing of it was touched");
    Observation::Failed(superseded(message).with_leftovers(named(None, parts)).with_next(calls::find_leftovers()))
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
            return Observation::Succeeded(EndpointResult::gone(&asked.name).but_not(&parts.others));
        }
        (true, true) => return Observation::Succeeded(unseen_gone(asked)),
    };
    let detail = format!("the endpoint is gone; still there: {}", leftovers.join(", "));
    let running = Running::new(phase, detail).with_leftovers(leftovers);
    Observation::Running(running.waiting_for(calls::go_on_deleting(&asked.name)))
}

/// The end of what was removed without its endpoint having been seen.
fn unseen_gone(asked: &EndpointHandle) -> EndpointResult {
    match &asked.goal {
        Goal::Gone { parts } if !parts.nothing() => EndpointResult::remains_gone(&asked.name, &named(None, parts)),
        Goal::Gone { .. } | Goal::InService(_) | Goal::Shown { .. } => EndpointResult::absent(&asked.name),
    }
}

/// Whether SageMaker would refuse to delete the endpoint now.
#[must_use]
pub fn undeletable(status: &str) -> bool {
    matches!(status, "Creating" | "SystemUpdating")
}

fn absent(asked: &EndpointHandle, now: SystemTime) -> Observation<EndpointResult> {
    if young(asked, now) {
        return Observation::Running(Running::new("Creating", "not visible yet"));
    }
    let message = format!("{} is no more: somebody deleted it", asked.name);
    Observation::Failed(Fault::new(FaultCode::Gone, message).with_next(calls::find_leftovers()))
}

/// A name can be used again; the time of creation tells a namesake.
fn other_identity(asked: &EndpointHandle, seen: &EndpointSeen) -> Option<Fault> {
    let created = asked.created_ms?;
    (created != millis(seen.created)).then(|| {
        Fault::new(FaultCode::Superseded, format!("{} was deleted and created anew since", asked.name))
            .with_status(&seen.status)
            .with_next(calls::wait_until_in_service(&asked.name))
    })
}

/// The endpoint serves, and not as it was asked to: nothing that should be removed for it.
fn serves_otherwise(seen: &EndpointSeen, message: String) -> Fault {
    let backend = Backend { text: seen.failure_reason.clone(), ..Backend::default() };
    Fault::new(FaultCode::OperationFailed, message)
        .with_status(&seen.status)
        .with_backend(backend)
        .with_advice("The endpoint goes on serving meanwhile. An update can be repeated.")
        .with_advice(format!("Read the container's log with {}.", calls::LOGS))
        .with_next(Next::new(calls::DESCRIBE, "Shows what it serves now.").with("endpoint_name", seen.name.as_str()))
}

fn failure(asked: &EndpointHandle, seen: &EndpointSeen, message: String) -> Fault {
    let said = seen.failure_reason.clone();
    let fault = Fault::new(FaultCode::OperationFailed, message)
        .with_status(&seen.status)
        .with_backend(Backend { text: said, ..Backend::default() })
        .with_leftovers(remains(seen))
        .with_next(calls::delete(&asked.name));
    let class = failure::class(seen.failure_reason.as_deref().unwrap_or_default(), &[]);
    class.advice(&seen.name).into_iter().fold(fault, Fault::with_advice)
}

/// An endpoint, with the parts behind it if their name tells that this server made them.
fn remains(seen: &EndpointSeen) -> Vec<String> {
    let part = seen.config.contains(names::MARK).then(|| seen.config.clone());
    let parts = Parts { configs: part.iter().cloned().collect(), models: part.into_iter().collect(), others: vec![] };
    named(Some(&seen.name), &parts)
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

/// Work under way whose end was asked for says so.
#[must_use]
pub fn with_wish(mut running: Running, ending: Option<&String>) -> Running {
    if let Some(since) = ending {
        let separator = if running.detail.is_empty() { "" } else { "; " };
        running.detail =
            format!("{}{separator}its end was asked for at {since}, {} carries it out", running.detail, calls::DELETE);
    }
    running
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
        return stop(Fault::new(FaultCode::FailedBefore, message).with_next(calls::delete(name)));
    }
    if matches!(seen.status.as_str(), "Failed" | "OutOfService" | "UpdateRollbackFailed") {
        let asked = EndpointHandle::of(seen, Goal::in_service(config));
        let mut fault = failure(&asked, seen, format!("the same deployment failed before: {name} is {}", seen.status));
        fault.code = FaultCode::FailedBefore;
        return stop(fault);
    }
    Standing::Join
}

/// What an endpoint means to a change that wants it to serve `config`.
#[must_use]
pub fn before_update(
    name: &str,
    seen: Option<&EndpointSeen>,
    config: &str,
    ending: Option<&str>,
    again: &Next,
) -> Standing {
    let Some(seen) = seen else {
        let fault = Fault::new(FaultCode::NotFound, format!("there is no endpoint called {name} to update"));
        return Standing::InTheWay(Box::new(fault.with_next(calls::list())));
    };
    match seen.status.as_str() {
        _ if ending.is_some() && !serves_another(seen, config) => before_start(Some(seen), config, ending, again),
        _ if ending.is_some() => {
            let message = format!("the end of {name} was asked for at {}", ending.unwrap_or_default());
            let fault = Fault::new(FaultCode::FailedBefore, message).with_next(calls::delete(name));
            Standing::InTheWay(Box::new(fault.with_status(&seen.status)))
        }
        // AWS's way out of a failed rollback is another update.
        "InService" | "UpdateRollbackFailed" | "OutOfService" if serves_another(seen, config) => Standing::Free,
        "Deleting" | "Failed" => {
            let asked = EndpointHandle::of(seen, Goal::in_service(config));
            let mut fault = failure(&asked, seen, format!("{name} is {} and cannot be updated", seen.status));
            fault.code = FaultCode::FailedBefore;
            Standing::InTheWay(Box::new(fault))
        }
        status if serves_another(seen, config) => {
            let fault = Fault::new(FaultCode::NotYet, format!("{name} is {status}; it can be updated afterwards"));
            Standing::InTheWay(Box::new(fault.with_status(status).with_next(calls::wait_until_in_service(name))))
        }
        _ => before_start(Some(seen), config, ending, again),
    }
}

/// Whether an endpoint neither serves a configuration nor is about to.
#[must_use]
pub fn serves_another(seen: &EndpointSeen, config: &str) -> bool {
    seen.config != config && seen.pending_config.as_deref() != Some(config)
}

/// Somebody has asked for the same name in other words.
fn conflict(seen: &EndpointSeen) -> Fault {
    let name = &seen.name;
    let message = format!("{name} exists and was asked for differently: it serves {}", seen.config);
    Fault::new(FaultCode::Conflict, message)
        .with_status(&seen.status)
        .with_advice("Choose another `endpoint_name`, or delete this one first if it is no longer needed.")
        .with_next(Next::new(calls::DESCRIBE, "Shows what is there.").with("endpoint_name", name.as_str()))
}

#[cfg(test)]
mod tests;
