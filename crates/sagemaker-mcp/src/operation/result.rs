//! [`EndpointResult`]: what a finished operation brings.

use std::time::{Duration, SystemTime};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EndpointHandle, Parts, handle::named};
use crate::{
    api::{EndpointSeen, Tags},
    failure::FailureClass,
    names,
};

/// The status of what was not there to be removed.
pub(super) const NOT_FOUND: &str = "NotFound";

/// SageMaker gives up on a deployment long before.
const LONGEST: Duration = Duration::from_secs(6 * 3600);

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
    /// An update has put it in the place of something that may be left over now.
    #[serde(skip)]
    pub replaced: bool,
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

impl EndpointResult {
    /// An endpoint in service since its creation, or since a change of it was asked for.
    #[must_use]
    pub fn serving(seen: &EndpointSeen, since: SystemTime) -> Self {
        let took = seen.modified.duration_since(since).unwrap_or_default();
        // What has changed since has a later time, which tells nothing of the deployment.
        let deployment = Some((took.as_secs_f64() / 6.0).round() / 10.0).filter(|_| took <= LONGEST);
        let json = "application/json".to_owned();
        Self {
            endpoint_name: seen.name.clone(),
            status: seen.status.clone(),
            message: format!("{} is in service.", seen.name),
            deployment_time_minutes: deployment,
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

    /// What an endpoint that was not to be seen had left, and that is no more.
    #[must_use]
    pub fn remains_gone(name: &str, remains: &[String]) -> Self {
        let message = format!(
            "What was left of {name} is gone: {}. What is younger than a minute may not be visible yet.",
            remains.join(", ")
        );
        Self { message, ..Self::gone(name) }
    }

    /// An endpoint that was not to be seen when its removal began: it may be too young for that.
    #[must_use]
    pub fn absent(name: &str) -> Self {
        let message = format!(
            "There is no endpoint called {name}, nor anything of one; what is younger than a minute may not be visible yet."
        );
        Self { status: NOT_FOUND.to_owned(), message, ..Self::gone(name) }
    }

    pub(super) fn shown(handle: &EndpointHandle, seen: Option<&EndpointSeen>, parts: &Parts) -> Self {
        let would_remove = named(seen.map(|seen| seen.name.as_str()), parts);
        let status = seen.map_or("Deleted", |seen| seen.status.as_str());
        let message = match would_remove.as_slice() {
            [] => format!("There is nothing called {} to remove.", handle.name),
            names => format!("Without dry_run this would remove: {}.", names.join(", ")),
        };
        Self { endpoint_name: handle.name.clone(), status: status.to_owned(), message, would_remove, ..Self::default() }
    }

    pub(super) fn take_tags(&mut self, tags: &Tags) {
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
