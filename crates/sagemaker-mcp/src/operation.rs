//! [`Endpoint`]: the operation of this server. An endpoint and what it is to become.

pub(crate) mod handle;
pub(crate) mod result;

use std::sync::Arc;

use longhaul::{
    clock,
    context::Context,
    fault::{Fault, FaultCode},
    operation::{Observation, Operation, Subject},
    report::Next,
};

pub use handle::{EndpointHandle, Goal, Parts, Serving};
use result::NOT_FOUND;
pub use result::{EndpointResult, PredictorInfo};

use crate::{
    api::{Api, EndpointSeen, PartKind, Tags},
    calls, diagnosis,
    error::{SageMakerError, Why, if_there},
    library, names, parts, states,
};

/// An endpoint as an operation.
pub struct Endpoint<A> {
    api: Arc<A>,
}

impl<A: Api> Endpoint<A> {
    /// Endpoints of one account and region.
    #[must_use]
    pub fn new(api: Arc<A>) -> Self {
        Self { api }
    }

    /// AWS.
    #[must_use]
    pub fn api(&self) -> &A {
        &self.api
    }

    /// The endpoint called `name`, if it is there.
    ///
    /// # Errors
    /// AWS could not be asked.
    pub async fn find(&self, name: &str) -> Result<Option<EndpointSeen>, SageMakerError> {
        if_there(self.api.describe_endpoint(name).await)
    }

    /// Those of `parts` that are still there.
    async fn remaining(&self, parts: &Parts) -> Result<Parts, SageMakerError> {
        let mut left = Parts { others: parts.others.clone(), ..Parts::default() };
        for config in &parts.configs {
            if if_there(self.api.describe_config(config).await)?.is_some() {
                left.configs.push(config.clone());
            }
        }
        for model in &parts.models {
            if if_there(self.api.describe_model(model).await)?.is_some() {
                left.models.push(model.clone());
            }
        }
        Ok(left)
    }

    /// What the endpoint's tags add to a success. They are a courtesy: if they cannot be read,
    /// the success stands.
    async fn with_tags(&self, mut result: EndpointResult, seen: &EndpointSeen) -> EndpointResult {
        let tags = library::tags(self.api(), seen).await.unwrap_or_default();
        result.take_tags(&tags);
        result
    }
}

impl<A: Api> Operation for Endpoint<A> {
    const KIND: &'static str = "sagemaker.endpoint";
    type Handle = EndpointHandle;
    type Output = EndpointResult;

    fn subject(&self, handle: &EndpointHandle) -> Subject {
        let resume = match &handle.goal {
            Goal::InService(Serving { instances: Some((variant, count)), .. }) => {
                calls::scale(&handle.name, variant, *count)
            }
            Goal::InService(serving) => {
                calls::wait_until_in_service(&handle.name).with("endpoint_config_name", serving.config.as_str())
            }
            Goal::Gone { parts } if *parts == Parts::default() => calls::wait_until_deleted(&handle.name),
            Goal::Gone { .. } | Goal::Shown { .. } => calls::go_on_deleting(&handle.name),
        };
        Subject {
            target: target(&handle.arn, self.api.region()),
            resource: handle.name.clone(),
            since: Some(handle.since()),
            resume,
        }
    }

    fn sentence(&self, _: &Subject, result: &EndpointResult) -> String {
        result.message.clone()
    }

    fn afterwards(&self, result: &EndpointResult) -> (Vec<String>, Option<Next>) {
        if result.ending_since.is_some() {
            let endpoint = format!("endpoint {}", result.endpoint_name);
            return (vec![endpoint], Some(calls::go_on_deleting(&result.endpoint_name)));
        }
        if result.replaced {
            return (Vec::new(), Some(calls::find_leftovers()));
        }
        if result.still_there.is_empty() {
            return (Vec::new(), result.status.eq(NOT_FOUND).then(calls::list));
        }
        (result.still_there.clone(), Some(calls::go_on_deleting(&result.endpoint_name)))
    }

    async fn observe(&self, _: &Context, handle: &EndpointHandle) -> Result<Observation<EndpointResult>, Fault> {
        let seen = self.find(&handle.name).await?;
        match &handle.goal {
            Goal::InService(serving) => {
                match (states::serving(handle, serving, seen.as_ref(), clock::now()), seen) {
                    (Observation::Succeeded(result), Some(seen)) => {
                        Ok(Observation::Succeeded(self.with_tags(result, &seen).await))
                    }
                    (Observation::Failed(fault), Some(seen)) if fault.code == FaultCode::OperationFailed => {
                        Ok(Observation::Failed(diagnosis::explained(self.api(), fault, &seen, handle.since()).await))
                    }
                    // A wish that SageMaker could not carry out yet must not be forgotten.
                    (Observation::Running(running), Some(seen)) => {
                        let tags = self.api.list_tags(&seen.arn).await.unwrap_or_default();
                        Ok(Observation::Running(states::with_wish(running, tags.get(names::TAG_ENDING))))
                    }
                    (other, _) => Ok(other),
                }
            }
            Goal::Gone { parts } => {
                let left = if seen.is_some() { parts.clone() } else { self.remaining(parts).await? };
                let mut told = states::going(handle, seen.as_ref(), &left);
                if let Observation::Succeeded(result) = &mut told
                    && seen.is_none()
                    && parts.nothing()
                {
                    // Who only waited for the endpoint is told of what stands behind it still.
                    let behind = parts::behind(self.api(), &handle.name).await?;
                    *result = std::mem::take(result).and_still_there(&states::named(None, &behind));
                }
                Ok(told)
            }
            Goal::Shown { parts } => Ok(Observation::Succeeded(EndpointResult::shown(handle, seen.as_ref(), parts))),
        }
    }

    /// Records the wish in the endpoint's tags, then asks SageMaker to delete it. An endpoint
    /// that is being created cannot be deleted: the wish stays, a new start will not join it, and
    /// its description shows it with the call that removes it.
    async fn abort(&self, _: &Context, handle: &EndpointHandle) -> Result<(), Fault> {
        let Goal::InService(serving) = &handle.goal else {
            return Err(Fault::new(FaultCode::Unsupported, "only a deployment can be asked to end"));
        };
        let Some(seen) = self.find(&handle.name).await? else { return Ok(()) };
        let ours =
            handle.created_ms.map_or(seen.config == serving.config, |created| created == states::millis(seen.created));
        if !ours {
            return Ok(());
        }
        // An endpoint that has served, or that somebody else has started, ends only by the tool for it.
        let has_served = matches!(seen.status.as_str(), "Updating" | "SystemUpdating" | "RollingBack");
        if seen.status != "Creating" && (has_served || !serving.created_here) {
            let message = format!(
                "this task did not create {}, or it has served since; {} removes it",
                handle.name,
                calls::DELETE
            );
            return Err(Fault::new(FaultCode::Unsupported, message));
        }
        mark_ending(self.api(), &seen.arn).await?;
        match if_there(self.api.delete_endpoint(&handle.name).await) {
            Ok(_) => Ok(()),
            Err(error) => Err(unmarked(self.api(), &seen.arn, error).await),
        }
    }
}

/// Writes into the endpoint that its end was asked for, before anything is removed.
pub(crate) async fn mark_ending(api: &impl Api, arn: &str) -> Result<(), SageMakerError> {
    let now = longhaul::report::timestamp(clock::now());
    api.add_tags(arn, &Tags::from([(names::TAG_ENDING.to_owned(), now)])).await
}

/// The fault of a deletion that was refused. Where it was refused for good, the wish is taken back:
/// it would stand in the way of every start for ever.
pub(crate) async fn unmarked(api: &impl Api, arn: &str, error: SageMakerError) -> Fault {
    let for_good = matches!(error.why(), Some(Why::Denied | Why::Refused));
    if for_good && let Err(kept) = api.remove_tag(arn, names::TAG_ENDING).await {
        tracing::warn!(%kept, arn, "the mark of an end that was refused could not be taken away");
    }
    Fault::from(error).with_leftovers(vec![format!("endpoint {}", arn.rsplit('/').next().unwrap_or_default())])
}

/// Asks for the deletion of a configuration or model; what is not there counts as deleted.
pub(crate) async fn delete_part(api: &impl Api, kind: PartKind, name: &str) -> Result<(), SageMakerError> {
    if_there(api.delete_part(kind, name).await).map(drop)
}

/// `123456789012/us-east-2`, as far as the ARN tells.
fn target(arn: &str, region: &str) -> String {
    let mut parts = arn.split(':').skip(3);
    match (parts.next(), parts.next()) {
        (Some(region), Some(account)) if !account.is_empty() => format!("{account}/{region}"),
        _ => region.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn the_target_is_account_and_region_as_far_as_they_are_known() {
        assert_eq!(
            target("arn:aws:sagemaker:eu-west-1:123456789012:endpoint/x", "us-east-1"),
            "123456789012/eu-west-1"
        );
        assert_eq!(target("", "us-east-1"), "us-east-1");
        for odd in ["x", "arn:aws:sagemaker", "arn:aws:sagemaker:eu-west-1:", ":::::", "arn:aws:sagemaker:eu-west-1"] {
            assert_eq!(target(odd, "us-east-1"), "us-east-1", "{odd}");
        }
    }

    fn seen(took: i64) -> EndpointSeen {
        let created = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let after = Duration::from_secs(took.unsigned_abs());
        EndpointSeen {
            name: "llama".into(),
            arn: "arn:aws:sagemaker:us-east-2:123456789012:endpoint/llama".into(),
            status: "InService".into(),
            config: "c".into(),
            pending_config: None,
            created,
            modified: if took < 0 { created - after } else { created + after },
            failure_reason: None,
            variants: vec![],
        }
    }

    #[test]
    fn the_time_that_a_deployment_took_is_told_in_minutes_and_never_negative() {
        for (seconds, minutes) in [(0, 0.0), (3, 0.1), (754, 12.6), (3600, 60.0), (-5, 0.0)] {
            assert_eq!(
                EndpointResult::serving(&seen(seconds), seen(seconds).created).deployment_time_minutes,
                Some(minutes),
                "{seconds} s"
            );
        }
    }

    #[test]
    fn tags_add_the_types_and_that_somebody_wants_its_end() {
        let mut result = EndpointResult::serving(&seen(60), seen(60).created);
        let tags = [(names::TAG_ACCEPT_TYPE, "text/csv"), (names::TAG_ENDING, "2026-11-20T10:00:00Z")];
        result.take_tags(&tags.map(|(tag, value)| (tag.to_owned(), value.to_owned())).into());
        let info = result.predictor_info.unwrap();
        assert_eq!((info.content_type.as_str(), info.accept_type.as_str()), ("application/json", "text/csv"));
        assert!(
            result.message.contains("although its end was asked for at 2026-11-20T10:00:00Z"),
            "{}",
            result.message
        );
    }

    #[test]
    fn a_handle_travels_and_holds_names_only() {
        for goal in [
            Goal::in_service("c"),
            Goal::Gone { parts: Parts { configs: vec!["c".into()], models: vec!["m".into()], others: vec![] } },
            Goal::Shown { parts: Parts::default() },
        ] {
            let handle = EndpointHandle::of(&seen(60), goal);
            let json = serde_json::to_string(&handle).unwrap();
            assert_eq!(serde_json::from_str::<EndpointHandle>(&json).unwrap(), handle);
            assert!(json.len() < 512, "{json}");
        }
    }
}
