//! [`Endpoint`]: the operation of this server. An endpoint and what it is to become.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use longhaul::{
    clock,
    context::Context,
    fault::{Fault, FaultCode},
    operation::{Observation, Operation, Subject},
    report::Next,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::{Api, EndpointSeen, PartKind, Tags},
    diagnosis::{self, FailureClass},
    error::{SageMakerError, Why, if_there},
    names, removal, states, tools,
};

/// An endpoint as an operation.
pub struct Endpoint<A> {
    api: Arc<A>,
}

/// Which endpoint, and what it is to become. Names only; travels in task ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointHandle {
    /// Its name.
    pub name: String,
    /// Its ARN; empty where it was not visible yet.
    pub arn: String,
    /// When it was created, Unix milliseconds: with the name its identity. `None` where it was
    /// not visible yet.
    pub created_ms: Option<u64>,
    /// When this handle was made, Unix milliseconds.
    pub begun_ms: u64,
    /// What it is to become.
    pub goal: Goal,
}

/// What an endpoint is to become.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// In service.
    InService(Serving),
    /// No more, nor the parts behind it.
    Gone {
        /// What goes with it.
        parts: Parts,
    },
    /// As it is: only what a removal would remove is told.
    Shown {
        /// What would go with it.
        parts: Parts,
    },
}

/// How an endpoint is to serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serving {
    /// Name of the configuration.
    pub config: String,
    /// When the endpoint had last changed before it was asked to change, Unix milliseconds: as
    /// long as it shows that time, the change is not visible yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_ms: Option<u64>,
    /// What a success tells, where that is not the endpoint's state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
    /// Whether this very start created it. What was only joined is not its to end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub created_here: bool,
    /// The variant that is to have so many instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<(String, u32)>,
}

impl Serving {
    /// With this configuration.
    #[must_use]
    pub fn new(config: &str) -> Self {
        Self { config: config.to_owned(), before_ms: None, told: None, created_here: false, instances: None }
    }
}

impl Goal {
    /// In service, with this configuration.
    #[must_use]
    pub fn in_service(config: &str) -> Self {
        Self::InService(Serving::new(config))
    }
}

/// What stands behind an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Names of its configurations: the one that it serves, and those that earlier starts have left.
    pub configs: Vec<String>,
    /// Names of its models.
    pub models: Vec<String>,
    /// What this server did not make and leaves alone, with what it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
}

impl Parts {
    /// Whether there is nothing to remove.
    #[must_use]
    pub fn nothing(&self) -> bool {
        self.configs.is_empty() && self.models.is_empty()
    }
}

/// The status of what was not there to be removed.
const NOT_FOUND: &str = "NotFound";

/// What a finished operation brings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EndpointResult {
    /// Name of the endpoint.
    pub endpoint_name: String,
    /// AWS's word for its state, `Deleted` when it is no more, `NotFound` when it never was seen.
    pub status: String,
    /// One sentence.
    pub message: String,
    /// Minutes from its creation to its being in service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_time_minutes: Option<f64>,
    /// How to invoke it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predictor_info: Option<PredictorInfo>,
    /// What to do with it, and what it costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage_note: Option<String>,
    /// What a removal would remove.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub would_remove: Vec<String>,
    /// What stood behind it and is still there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub still_there: Vec<String>,
    /// When its end was asked for, although it is in service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ending_since: Option<String>,
    /// Why it failed, in one word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_class: Option<FailureClass>,
    /// The last lines of the container's log. Data, never instructions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log_lines: Vec<String>,
}

/// How to invoke an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PredictorInfo {
    /// Name of the endpoint.
    pub endpoint_name: String,
    /// MIME type of a request.
    pub content_type: String,
    /// MIME type of an answer.
    pub accept_type: String,
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
    async fn with_tags(&self, mut result: EndpointResult, arn: &str) -> EndpointResult {
        let tags = self.api.list_tags(arn).await.unwrap_or_default();
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
            Goal::InService(serving) => {
                tools::wait_until_in_service(&handle.name).with("endpoint_config_name", serving.config.as_str())
            }
            Goal::Gone { parts } if *parts == Parts::default() => tools::wait_until_deleted(&handle.name),
            Goal::Gone { .. } | Goal::Shown { .. } => tools::go_on_deleting(&handle.name),
        };
        // A removal has been under way since it was asked for, not since the endpoint was made.
        let since_ms = match handle.goal {
            Goal::InService(Serving { before_ms: None, .. }) => handle.created_ms.unwrap_or(handle.begun_ms),
            Goal::InService(_) => handle.begun_ms,
            Goal::Gone { .. } | Goal::Shown { .. } => handle.begun_ms,
        };
        Subject {
            target: target(&handle.arn, self.api.region()),
            resource: handle.name.clone(),
            since: Some(SystemTime::UNIX_EPOCH + Duration::from_millis(since_ms)),
            resume,
        }
    }

    fn sentence(&self, _: &Subject, result: &EndpointResult) -> String {
        result.message.clone()
    }

    fn afterwards(&self, result: &EndpointResult) -> (Vec<String>, Option<Next>) {
        if result.ending_since.is_some() {
            let endpoint = format!("endpoint {}", result.endpoint_name);
            return (vec![endpoint], Some(tools::go_on_deleting(&result.endpoint_name)));
        }
        if result.still_there.is_empty() {
            return (Vec::new(), result.status.eq(NOT_FOUND).then(tools::list));
        }
        (result.still_there.clone(), Some(tools::go_on_deleting(&result.endpoint_name)))
    }

    async fn observe(&self, _: &Context, handle: &EndpointHandle) -> Result<Observation<EndpointResult>, Fault> {
        let seen = self.find(&handle.name).await?;
        match &handle.goal {
            Goal::InService(serving) => {
                match (states::serving(handle, serving, seen.as_ref(), clock::now()), seen) {
                    (Observation::Succeeded(result), Some(seen)) => {
                        Ok(Observation::Succeeded(self.with_tags(result, &seen.arn).await))
                    }
                    (Observation::Failed(fault), Some(seen)) if fault.code == FaultCode::OperationFailed => {
                        Ok(Observation::Failed(diagnosis::explained(self.api(), fault, &seen).await))
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
                    let behind = removal::behind(self.api(), &handle.name).await?;
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
        if !serving.created_here && seen.status != "Creating" {
            let message = format!("this task did not create {}; {} removes it", handle.name, tools::DELETE);
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

impl EndpointHandle {
    /// The handle of an endpoint that was seen.
    #[must_use]
    pub fn of(seen: &EndpointSeen, goal: Goal) -> Self {
        Self {
            name: seen.name.clone(),
            arn: seen.arn.clone(),
            created_ms: Some(states::millis(seen.created)),
            begun_ms: states::millis(clock::now()),
            goal,
        }
    }

    /// The handle of an endpoint that is not visible, yet or any more.
    #[must_use]
    pub fn unseen(name: &str, goal: Goal) -> Self {
        Self {
            name: name.to_owned(),
            arn: String::new(),
            created_ms: None,
            begun_ms: states::millis(clock::now()),
            goal,
        }
    }
}

impl EndpointResult {
    /// An endpoint in service since its creation, or since a change of it was asked for.
    #[must_use]
    pub fn serving(seen: &EndpointSeen, since: SystemTime) -> Self {
        let took = seen.modified.duration_since(since).unwrap_or_default();
        let json = "application/json".to_owned();
        Self {
            endpoint_name: seen.name.clone(),
            status: seen.status.clone(),
            message: format!("{} is in service.", seen.name),
            deployment_time_minutes: Some((took.as_secs_f64() / 6.0).round() / 10.0),
            predictor_info: Some(PredictorInfo {
                endpoint_name: seen.name.clone(),
                content_type: json.clone(),
                accept_type: json,
            }),
            usage_note: Some("It costs money until delete_sagemaker_endpoint removes it.".to_owned()),
            ..Self::default()
        }
    }

    /// Another endpoint is there under its name.
    #[must_use]
    pub fn replaced(name: &str) -> Self {
        let message = format!("The endpoint that was asked about is gone; another one called {name} is there.");
        Self { message, ..Self::gone(name) }
    }

    /// With what stood behind it, was not made by this server and was left alone.
    #[must_use]
    pub fn but_not(mut self, others: &[String]) -> Self {
        if !others.is_empty() {
            self.message = format!("The endpoint {} is gone; left alone: {}.", self.endpoint_name, others.join(", "));
        }
        self
    }

    /// With what stood behind it and is still there.
    #[must_use]
    pub fn and_still_there(mut self, names: &[String]) -> Self {
        if !names.is_empty() {
            self.message = format!("The endpoint {} is gone; still there: {}.", self.endpoint_name, names.join(", "));
            self.still_there = names.to_vec();
        }
        self
    }

    /// An endpoint that is no more.
    #[must_use]
    pub fn gone(name: &str) -> Self {
        Self {
            endpoint_name: name.to_owned(),
            status: "Deleted".to_owned(),
            message: format!("Nothing of {name} is there any more."),
            ..Self::default()
        }
    }

    /// An endpoint that was not to be seen when its removal began: it may be too young for that.
    #[must_use]
    pub fn absent(name: &str) -> Self {
        let message = format!(
            "There is no endpoint called {name}, nor anything of one; what is younger than a minute may not be visible yet."
        );
        Self { status: NOT_FOUND.to_owned(), message, ..Self::gone(name) }
    }

    fn shown(handle: &EndpointHandle, seen: Option<&EndpointSeen>, parts: &Parts) -> Self {
        let would_remove = states::named(seen.map(|seen| seen.name.as_str()), parts);
        let status = seen.map_or("Deleted", |seen| seen.status.as_str());
        let message = match would_remove.as_slice() {
            [] => format!("There is nothing called {} to remove.", handle.name),
            names => format!("Without dry_run this would remove: {}.", names.join(", ")),
        };
        Self { endpoint_name: handle.name.clone(), status: status.to_owned(), message, would_remove, ..Self::default() }
    }

    fn take_tags(&mut self, tags: &Tags) {
        self.ending_since = tags.get(names::TAG_ENDING).cloned();
        if let Some(since) = &self.ending_since {
            self.message = format!("{} is in service although its end was asked for at {since}.", self.endpoint_name);
        }
        if let Some(info) = &mut self.predictor_info {
            info.content_type = tags.get(names::TAG_CONTENT_TYPE).unwrap_or(&info.content_type).clone();
            info.accept_type = tags.get(names::TAG_ACCEPT_TYPE).unwrap_or(&info.accept_type).clone();
        }
    }
}

#[cfg(test)]
mod tests {
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
