//! SageMaker's runtime: InvokeEndpoint, in REST JSON.
//!
//! The usual answer says how many bytes came, of what kind.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::call::Call;
use super::container;
use super::endpoint::Endpoint;
use super::input::Input;
use super::script::{Answer, On};
use super::state::{Kind, World};
use super::wire::{self, AwsError, partition};

/// Where its paths begin.
pub(crate) const PATH: &str = "/endpoints/";

/// The largest body of an invocation, in bytes.
pub(crate) const LARGEST_BODY: usize = 6_291_456;

/// The parameters that come as headers.
pub(crate) const HEADERS: [(&str, &str); 6] = [
    ("ContentType", "content-type"),
    ("Accept", "accept"),
    ("CustomAttributes", "x-amzn-sagemaker-custom-attributes"),
    ("TargetVariant", "x-amzn-sagemaker-target-variant"),
    ("InferenceId", "x-amzn-sagemaker-inference-id"),
    ("InferenceComponentName", "x-amzn-sagemaker-inference-component"),
];

/// How long an answer is held back, in real time: it exists to meet a client's
/// own time-outs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delay(pub(crate) Duration);

pub(crate) fn invoke(world: &mut World, call: &Call) -> Response {
    if call.op != "InvokeEndpoint" {
        let message = format!("The operation {} is not known.", call.op);
        return wire::rest_error(
            AwsError::new("UnknownOperationException", StatusCode::NOT_FOUND, message),
            Value::Null,
        );
    }
    let input = Input::new(&call.request);
    let variant = match target(world, call, input) {
        Ok(variant) => variant,
        Err(error) => return wire::rest_error(error, Value::Null),
    };
    let name = call.resource.as_deref().unwrap_or_default();
    match world.take_script(On::Invoke, name).and_then(|script| script.answer) {
        None => answered(echo(&call.request, &variant), &variant),
        Some(Answer::Slow { seconds }) => {
            let mut response = answered(echo(&call.request, &variant), &variant);
            let delay = Duration::try_from_secs_f64(seconds).unwrap_or_default();
            response.extensions_mut().insert(Delay(delay));
            response
        }
        Some(Answer::Large { bytes }) => answered(large(bytes), &variant),
        Some(Answer::Unavailable) => {
            let message = "The service is currently unavailable.";
            let error = AwsError::new("ServiceUnavailable", StatusCode::SERVICE_UNAVAILABLE, message);
            wire::rest_error(error, Value::Null)
        }
        Some(Answer::ModelError { status, message }) => model_error(world, call, name, status, &message),
    }
}

/// The variant that answers.
fn target(world: &World, call: &Call, input: Input<'_>) -> Result<String, AwsError> {
    let refused = |message: String| AwsError::refused("ValidationError", message);
    let name = call.resource.as_deref().unwrap_or_default();
    let account = &world.tuning.account_id;
    let sent = call.request.get("Bytes").and_then(Value::as_u64).unwrap_or_default();
    if usize::try_from(sent).is_ok_and(|sent| sent > LARGEST_BODY) {
        return Err(refused(format!(
            "1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have length \
             less than or equal to {LARGEST_BODY}"
        )));
    }
    let endpoint = world.endpoint(&world.arn(Kind::Endpoint, &call.region, name)).ok();
    let now = world.now();
    let serving = endpoint.filter(|endpoint: &&Endpoint| endpoint.serves(now));
    let missing = || refused(format!("Endpoint {name} of account {account} not found."));
    let runs = serving.ok_or_else(missing)?.runs(now);
    match input.text("TargetVariant")? {
        None => Ok(runs.variants.first().map(|variant| variant.name.clone()).unwrap_or_default()),
        Some(wanted) if runs.variant(wanted).is_some() => Ok(wanted.to_owned()),
        Some(wanted) => Err(refused(format!("Could not find variant {wanted} of endpoint {name}."))),
    }
}

fn answered(body: Value, variant: &str) -> Response {
    let mut response = wire::respond(StatusCode::OK, "application/json", body.to_string(), None);
    if let Ok(variant) = HeaderValue::try_from(variant) {
        let name = HeaderName::from_static("x-amzn-invoked-production-variant");
        response.headers_mut().insert(name, variant);
    }
    response
}

fn echo(request: &serde_json::Map<String, Value>, variant: &str) -> Value {
    json!({
        "received_bytes": request.get("Bytes"),
        "content_type": request.get("ContentType"),
        "accept": request.get("Accept"),
        "variant": variant,
    })
}

/// JSON of so many bytes, or of the fewest that it takes.
fn large(bytes: usize) -> Value {
    let frame = json!({"generated_text": ""}).to_string().len();
    json!({"generated_text": "x".repeat(bytes.saturating_sub(frame))})
}

/// What SageMaker makes of a container's failure; the container notes it, too.
fn model_error(world: &mut World, call: &Call, name: &str, status: u16, message: &str) -> Response {
    let (region, account) = (call.region.as_str(), world.tuning.account_id.clone());
    let (group, now) = (container::group(name), world.now());
    let streams = world.logs.group(region, &group).map(|group| group.streams.keys().cloned().collect());
    let streams: Vec<String> = streams.unwrap_or_default();
    if let Some(stream) = streams.first() {
        let line = format!("[ERROR] PyProcess - invocation failed with status {status}: {message}");
        world.logs.write((region, &group, stream), now, None, line);
    }
    let kind = if (400..500).contains(&status) { "client" } else { "server" };
    let text = format!(
        "Received {kind} error ({status}) from primary with message \"{message}\". See \
         https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group={group} in \
         account {account} for more information."
    );
    let error = AwsError::new("ModelError", StatusCode::FAILED_DEPENDENCY, text);
    wire::rest_error(
        error,
        json!({
            "OriginalStatusCode": status,
            "OriginalMessage": message,
            "LogStreamArn": format!("arn:{}:logs:{region}:{account}:log-group:{group}", partition(region)),
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_answer_has_the_size_that_was_asked_for() {
        assert_eq!(large(1000).to_string().len(), 1000);
        assert!(large(3).to_string().len() < 30);
    }
}
