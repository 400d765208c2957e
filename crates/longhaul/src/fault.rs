//! [`Fault`]: the one shape in which a failure is told, by every tool of every server.
//!
//! A fault is news for whoever called: a stable code, one sentence, what to do about it.
//! Bad arguments, refusals, vendor failures and panics are all faults; none is a protocol error.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::{next::Next, text};

/// Why something did not happen. The set is closed: clients may branch on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultCode {
    /// An argument is missing, malformed or out of range.
    InvalidArgument,
    /// What was named does not exist.
    NotFound,
    /// The name is taken by something that was asked for differently.
    Conflict,
    /// The same start failed earlier and its remains are still there.
    FailedBefore,
    /// A gate, a limit or the backend's permissions forbid it.
    Forbidden,
    /// Credentials are missing, wrong or expired.
    Unauthenticated,
    /// A quota or the vendor's capacity is exhausted.
    Quota,
    /// The vendor asks to slow down.
    Throttled,
    /// No answer from the backend.
    Unreachable,
    /// Not possible in the present state; later it will be.
    NotYet,
    /// The remote work ended badly.
    OperationFailed,
    /// It may or may not have happened; look before you repeat it.
    OutcomeUnknown,
    /// The remote work was ended on request.
    Aborted,
    /// The resource is there, but it is about something newer now.
    Superseded,
    /// The resource was there and is no more.
    Gone,
    /// The backend or this server cannot do it at all.
    Unsupported,
    /// A defect of this server.
    Internal,
}

impl FaultCode {
    /// Every code, for tables and tests.
    pub const ALL: [Self; 17] = [
        Self::InvalidArgument,
        Self::NotFound,
        Self::Conflict,
        Self::FailedBefore,
        Self::Forbidden,
        Self::Unauthenticated,
        Self::Quota,
        Self::Throttled,
        Self::Unreachable,
        Self::NotYet,
        Self::OperationFailed,
        Self::OutcomeUnknown,
        Self::Aborted,
        Self::Superseded,
        Self::Gone,
        Self::Unsupported,
        Self::Internal,
    ];

    /// The word on the wire, for example `failed_before`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid_argument",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::FailedBefore => "failed_before",
            Self::Forbidden => "forbidden",
            Self::Unauthenticated => "unauthenticated",
            Self::Quota => "quota",
            Self::Throttled => "throttled",
            Self::Unreachable => "unreachable",
            Self::NotYet => "not_yet",
            Self::OperationFailed => "operation_failed",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Aborted => "aborted",
            Self::Superseded => "superseded",
            Self::Gone => "gone",
            Self::Unsupported => "unsupported",
            Self::Internal => "internal",
        }
    }

    /// Whether the same call can succeed later with nothing changed by the caller.
    fn passes(self) -> bool {
        matches!(self, Self::Throttled | Self::Unreachable | Self::NotYet)
    }
}

/// What the vendor said, kept apart from our own words. Its text is untrusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backend {
    /// The vendor's error code, for example `ValidationException`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// HTTP status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// The vendor's id of the request, for its support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The vendor's words. Data, never instructions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A failure, told so that a person or a model can act on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// Stable, from a closed set.
    pub code: FaultCode,
    /// One sentence in our own words.
    pub message: String,
    /// The vendor's word for the state the resource is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// Seconds to wait first, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
    /// What to check or do, most likely first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub troubleshooting: Vec<String>,
    /// What the vendor said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend: Option<Backend>,
    /// Finds the call in logs and traces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The call that helps. Reports show it in their own `next`.
    #[serde(skip)]
    pub next: Option<Box<Next>>,
    /// What was made and is still there. Reports show it in their own `leftovers`.
    #[serde(skip)]
    pub leftovers: Vec<String>,
    /// What could be achieved all the same. Reports show it in their own `result`.
    #[serde(skip)]
    pub partial: Option<serde_json::Value>,
}

/// Only what a client may rely on: the list of tools carries it once a tool, and models read it.
impl JsonSchema for Fault {
    fn schema_name() -> Cow<'static, str> {
        "Fault".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "required": ["code", "message", "retryable"],
            "properties": {
                "code": { "type": "string" },
                "message": { "type": "string" },
                "retryable": { "type": "boolean" },
            },
        })
    }
}

impl Fault {
    /// A fault with the code's own answer to "is it worth a retry?".
    #[must_use]
    pub fn new(code: FaultCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            status: None,
            retryable: code.passes(),
            retry_after_seconds: None,
            troubleshooting: Vec::new(),
            backend: None,
            trace_id: None,
            next: None,
            leftovers: Vec::new(),
            partial: None,
        }
    }

    /// An argument that cannot be used: which one, and what would be right.
    #[must_use]
    pub fn invalid(argument: &str, why: impl std::fmt::Display) -> Self {
        Self::new(FaultCode::InvalidArgument, format!("`{argument}`: {why}"))
    }

    /// With the vendor's word for the state.
    #[must_use]
    pub fn with_status(mut self, status: impl Into<String>) -> Self {
        self.status = Some(status.into());
        self
    }

    /// With something to check or do; call it again for more.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.troubleshooting.push(advice.into());
        self
    }

    /// With what the vendor said, made safe.
    #[must_use]
    pub fn with_backend(mut self, backend: Backend) -> Self {
        self.backend = Some(Backend { text: backend.text.as_deref().map(text::clean), ..backend });
        self
    }

    /// With the call that helps.
    #[must_use]
    pub fn with_next(mut self, next: Next) -> Self {
        self.next = Some(Box::new(next));
        self
    }

    /// With the names of what is still there.
    #[must_use]
    pub fn with_leftovers(mut self, leftovers: Vec<String>) -> Self {
        self.leftovers = leftovers;
        self
    }

    /// With the wait that the vendor asks for.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after_seconds = wait.map(|wait| wait.as_secs());
        self
    }

    /// Says whether the same call may succeed later, against the code's own answer.
    #[must_use]
    pub fn retryable(mut self, retryable: bool) -> Self {
        self.retryable = retryable;
        self
    }

    /// The wait that the vendor asks for.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_seconds.map(Duration::from_secs)
    }
}

/// Reads an HTTP `Retry-After` value: seconds or a date (RFC 9110, section 10.2.3).
/// A date in the past means now.
#[must_use]
pub fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_spelled_on_the_wire_as_it_says() {
        for code in FaultCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now = httpdate::parse_http_date("Fri, 20 Nov 2026 10:00:00 GMT").unwrap();
        let read = |value| parse_retry_after(value, now).map(|wait| wait.as_secs());
        assert_eq!(read("7"), Some(7));
        assert_eq!(read(" Fri, 20 Nov 2026 10:01:30 GMT "), Some(90));
        assert_eq!(read("Fri, 20 Nov 2026 09:00:00 GMT"), Some(0));
        assert_eq!(read("soon"), None);
        assert_eq!(read("-3"), None);
    }

    #[test]
    fn the_vendors_text_is_made_safe_when_it_is_taken_in() {
        let said = Backend { text: Some("bad\u{1b}[31m password=hunter2".into()), ..Backend::default() };
        let fault = Fault::new(FaultCode::Quota, "no more").with_backend(said);
        let text = fault.backend.unwrap().text.unwrap();
        assert!(!text.contains('\u{1b}') && !text.contains("hunter2"), "{text}");
    }
}
