//! The shapes of a tool's answer: [`OperationReport`] for long tools, [`CallReport`] for quick ones.
//!
//! Good and bad news share one schema: some clients validate `structuredContent` against the
//! output schema even when `isError` is set, and then hide the error from the model.

use std::time::{Duration, SystemTime};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use crate::next::Next;
use crate::{fault::Fault, operation::Subject};

/// How an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The remote work goes on, whether or not somebody watches.
    Running,
    /// What was asked for is what was observed.
    Succeeded,
    /// It will not reach what was asked for.
    Failed,
    /// It could not be looked at for too long. Nothing is known of the work itself.
    Unknown,
}

impl State {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// Whether a tool that answers so answers with `isError`.
    #[must_use]
    pub fn is_error(self) -> bool {
        matches!(self, Self::Failed | Self::Unknown)
    }
}

/// What a long tool answers, good or bad.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationReport<T> {
    /// Kind of operation, for example `sagemaker.endpoint`.
    pub operation: String,
    /// Where: account and region, cluster and namespace, or the like.
    pub target: String,
    /// Name of the resource.
    pub resource: String,
    /// How it stands.
    pub state: State,
    /// The vendor's word for the phase, or the step of a start.
    pub phase: String,
    /// From 0 to 1, where it can be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
    /// One sentence.
    pub message: String,
    /// When the backend was last seen, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_at: Option<String>,
    /// Seconds since the work began.
    pub elapsed_seconds: u64,
    /// What came of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<T>,
    /// Why it failed, or why it could not be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault>,
    /// What is still there and may cost money.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<String>,
    /// The call that makes sense now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
}

impl OperationReport<Value> {
    /// The report of an operation in `state`, to be completed.
    #[must_use]
    pub fn new(operation: &str, subject: &Subject, state: State) -> Self {
        Self {
            operation: operation.to_owned(),
            target: subject.target.clone(),
            resource: subject.resource.clone(),
            state,
            phase: String::new(),
            progress: None,
            message: String::new(),
            observed_at: None,
            elapsed_seconds: 0,
            result: None,
            error: None,
            leftovers: Vec::new(),
            next: None,
        }
    }

    /// Tells the fault, with what it carries beside itself in the report's own fields.
    #[must_use]
    pub fn with_fault(mut self, mut fault: Fault) -> Self {
        self.message.clone_from(&fault.message);
        self.phase = fault.status.clone().unwrap_or_else(|| self.state.as_str().to_owned());
        self.next = fault.next.take().map(|next| *next);
        self.leftovers = std::mem::take(&mut fault.leftovers);
        self.result = fault.partial.take();
        self.error = Some(fault);
        self
    }
}

/// What a quick tool answers, good or bad: a result or an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallReport<T> {
    /// What was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<T>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault>,
    /// What is still there and may cost money.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leftovers: Vec<String>,
    /// The call that makes sense now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
}

impl<T> From<Result<T, Fault>> for CallReport<T> {
    fn from(outcome: Result<T, Fault>) -> Self {
        match outcome {
            Ok(result) => Self { result: Some(result), error: None, leftovers: Vec::new(), next: None },
            Err(mut fault) => Self {
                result: None,
                leftovers: std::mem::take(&mut fault.leftovers),
                next: fault.next.take().map(|next| *next),
                error: Some(fault),
            },
        }
    }
}

/// Wall time as reports spell it: RFC 3339, UTC, whole seconds.
#[must_use]
pub fn timestamp(at: SystemTime) -> String {
    // Beyond the year 9999 there is no RFC 3339, and a vendor may say anything.
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().min(LAST);
    humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + since).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_that_a_vendor_may_name_is_beyond_the_calendar() {
        let at = |seconds| timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(1_000_000_000_000_000), "9999-12-31T23:59:59Z");
        assert_eq!(timestamp(SystemTime::UNIX_EPOCH - Duration::from_secs(9)), "1970-01-01T00:00:00Z");
    }
}
