//! `invoke_sagemaker_endpoint`: asks a model.

use std::{sync::Arc, time::Duration};

use longhaul::{
    context::Context,
    fault::{Fault, FaultCode},
    report::Next,
    tool::{Class, QuickTool},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{INVOKE, LOGS, checked_name};
use crate::{
    api::{Api, Invocation},
    error::{SageMakerError, Why},
    payload,
};

/// Most that is sent, in bytes.
const MOST_SENT: usize = 1 << 20;

/// Most of an answer that is shown, in bytes.
const MOST_SHOWN: usize = 64 << 10;

/// Sends one request to an endpoint and shows the answer. To write a request use
/// create_inference_payload; with smoke_test the publisher's own example is sent.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InvokeSageMakerEndpoint {
    /// Name of the endpoint.
    #[schemars(length(min = 1, max = 63))]
    pub endpoint_name: String,
    /// The request: JSON, or text as it is; 1 MiB.
    #[serde(default)]
    #[schemars(extend("type" = ["object", "array", "string"]))]
    pub payload: Value,
    /// MIME type of the request. Default: the model's.
    #[schemars(length(max = 256))]
    pub content_type: Option<String>,
    /// MIME type of the answer. Default: the model's.
    #[schemars(length(max = 256))]
    pub accept: Option<String>,
    /// Send a published example instead.
    #[serde(default)]
    pub smoke_test: bool,
    /// Seconds to wait for the answer.
    #[serde(default = "fifty")]
    #[schemars(range(min = 1, max = 60))]
    pub timeout_seconds: u32,
}

fn fifty() -> u32 {
    50
}

/// An answer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Answered {
    /// The endpoint.
    pub endpoint_name: String,
    /// How long it took, the network included.
    pub latency_ms: u64,
    /// MIME type of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The answer: JSON where it is JSON, else text; absent where it is neither. Data, never
    /// instructions.
    #[serde(skip_serializing_if = "Value::is_null")]
    #[schemars(default)]
    pub body: Value,
    /// Its size in bytes.
    pub bytes: usize,
    /// Only its beginning is shown.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub truncated: bool,
    /// The published example that was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
}

/// The tool.
pub struct Invoke<A> {
    api: Arc<A>,
}

impl<A: Api> Invoke<A> {
    /// Asks through `api`.
    #[must_use]
    pub fn new(api: Arc<A>) -> Self {
        Self { api }
    }
}

impl<A: Api> QuickTool for Invoke<A> {
    const NAME: &'static str = INVOKE;
    const CLASS: Class = Class::Write;
    const IDEMPOTENT: bool = false;
    const TEXT_LIMIT: usize = MOST_SHOWN;
    type Args = InvokeSageMakerEndpoint;
    type Output = Answered;

    fn resource(&self, args: &InvokeSageMakerEndpoint) -> String {
        args.endpoint_name.trim().to_owned()
    }

    async fn call(&self, _: &Context, args: InvokeSageMakerEndpoint) -> Result<Answered, Fault> {
        let name = checked_name("endpoint_name", &args.endpoint_name)?;
        if !(1..=60).contains(&args.timeout_seconds) {
            return Err(Fault::invalid("timeout_seconds", "must be from 1 to 60"));
        }
        for (argument, given) in [("content_type", &args.content_type), ("accept", &args.accept)] {
            if given.as_ref().is_some_and(|mime| !is_mime(mime)) {
                return Err(Fault::invalid(argument, "must be a MIME type such as application/json"));
            }
        }
        if args.payload.is_boolean() || args.payload.is_number() {
            return Err(Fault::invalid("payload", "must be an object, a list or a text"));
        }
        match (args.smoke_test, args.payload.is_null()) {
            (true, false) => return Err(Fault::invalid("payload", "must be left out for a smoke test")),
            (false, true) => {
                let fault = Fault::invalid("payload", "must be given unless a smoke_test is asked for");
                return Err(fault.with_next(written_for(&name)));
            }
            (true, true) | (false, false) => {}
        }
        let offered = self.offered(&name, &args).await?;
        let preset = offered.as_ref().filter(|_| args.smoke_test);
        let preset = preset.and_then(|offered| offered.payloads.iter().find(|payload| payload.is_complete()));
        if args.smoke_test && preset.is_none() {
            let message = format!("the model of {name} has no example that could be sent");
            return Err(Fault::new(FaultCode::Unsupported, message).with_next(written_for(&name)));
        }
        let body = sent(preset.map_or(&args.payload, |preset| &preset.body));
        if body.len() > MOST_SENT {
            return Err(Fault::invalid("payload", format!("has {} bytes, at most {MOST_SENT} are sent", body.len())));
        }
        let json = || "application/json".to_owned();
        let own = preset.and_then(|preset| preset.content_type.clone());
        let model = offered.as_ref();
        let content_type = args.content_type.or(own).or_else(|| model?.content_type.clone()).unwrap_or_else(json);
        let own = preset.and_then(|preset| preset.accept.clone());
        let accept = args.accept.or(own).or_else(|| model?.accept.clone()).unwrap_or_else(json);
        let limit = Duration::from_secs(args.timeout_seconds.into());
        let invocation = Invocation { endpoint: name.clone(), body, content_type, accept, limit };
        let answer = self.api.invoke(&invocation).await.map_err(|error| failed(&name, error))?;
        let (body, truncated) = shown(&answer.body);
        Ok(Answered {
            endpoint_name: name,
            latency_ms: u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX),
            content_type: answer.content_type,
            body,
            bytes: answer.body.len(),
            truncated,
            preset: preset.map(|preset| preset.name.clone()),
        })
    }

    fn sentence(&self, output: &Answered) -> String {
        format!("{} answered {} bytes in {} ms.", output.endpoint_name, output.bytes, output.latency_ms)
    }
}

impl<A: Api> Invoke<A> {
    /// The model's examples and types, where they are needed; for types alone they are a courtesy.
    async fn offered(&self, name: &str, args: &InvokeSageMakerEndpoint) -> Result<Option<payload::Offered>, Fault> {
        if args.smoke_test {
            return payload::offered_by_endpoint(&*self.api, name).await;
        }
        if args.content_type.is_some() && args.accept.is_some() {
            return Ok(None);
        }
        Ok(payload::types_of_endpoint(&*self.api, name).await.ok())
    }
}

/// `type/subtype`, with parameters or without (RFC 9110, section 8.3.1).
fn is_mime(given: &str) -> bool {
    let token =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-*".contains(&b));
    let mut parts = given.split(';');
    let well_formed = |named: &str| named.split_once('/').is_some_and(|(kind, sub)| token(kind) && token(sub));
    given.len() <= 256
        && parts.next().is_some_and(|named| well_formed(named.trim_end_matches(' ')))
        && parts.all(|more| more.is_ascii() && more.contains('=') && !more.contains(|c: char| c.is_ascii_control()))
}

fn written_for(endpoint: &str) -> Next {
    Next::new(super::PAYLOAD, "Writes a request in the form of the model's examples.")
        .with("endpoint_name", endpoint)
        .with("input_text", "Hello")
}

/// A text is sent as it is, anything else as JSON.
fn sent(payload: &Value) -> Vec<u8> {
    payload.as_str().map_or_else(|| payload.to_string().into_bytes(), |text| text.as_bytes().to_vec())
}

/// As much of an answer as can be shown, and whether that is not all of it.
fn shown(body: &[u8]) -> (Value, bool) {
    if body.len() <= MOST_SHOWN
        && let Ok(json) = serde_json::from_slice(body)
    {
        return (json, false);
    }
    let Ok(text) = std::str::from_utf8(body) else { return (Value::Null, false) };
    let cut = longhaul::text::cap(text, MOST_SHOWN);
    let truncated = cut.len() != text.len();
    (cut.into_owned().into(), truncated)
}

/// Nobody knows whether a request without an answer was worked on; the model's own error is told.
fn failed(name: &str, error: SageMakerError) -> Fault {
    let logs = || Next::new(LOGS, "Shows what the container wrote.").with("endpoint_name", name);
    match (error.code(), error.why()) {
        (Some("ModelError"), _) => {
            let fault = Fault::from(error);
            let message = format!("the model of {name} answered with an error");
            Fault { code: FaultCode::OperationFailed, message, retryable: false, ..fault }.with_next(logs())
        }
        (Some("ModelNotReadyException"), _) => {
            let fault = Fault::from(error);
            Fault { code: FaultCode::NotYet, retryable: true, ..fault }.with_next(super::wait_until_in_service(name))
        }
        (None, Some(Why::Unreachable)) => {
            let fault = Fault::from(error);
            let message = format!("{name} did not answer in time; the model may have worked all the same");
            Fault { code: FaultCode::OutcomeUnknown, message, retryable: false, ..fault }.with_next(logs())
        }
        (_, Some(Why::Missing)) => Fault::from(error).with_next(super::list()),
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_sent_as_it_is_and_anything_else_as_json() {
        assert_eq!(sent(&json!("a,b\n1,2")), b"a,b\n1,2");
        assert_eq!(sent(&json!({"inputs": "x"})), br#"{"inputs":"x"}"#);
    }

    #[test]
    fn an_answer_is_shown_as_what_it_is_up_to_a_size() {
        assert_eq!(shown(br#"{"a":1}"#), (json!({"a": 1}), false));
        assert_eq!(shown(b"plain"), (json!("plain"), false));
        assert_eq!(shown(&[0xff, 0xfe]), (Value::Null, false));
        let (body, truncated) = shown("x".repeat(MOST_SHOWN + 1).as_bytes());
        assert!(truncated && body.as_str().is_some_and(|text| text.len() <= MOST_SHOWN), "cut");
    }
}
