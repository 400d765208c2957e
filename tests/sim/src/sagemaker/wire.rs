//! How AWS puts answers and errors on the wire: JSON 1.1, REST JSON, Query XML
//! and S3 XML.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::service::{Protocol, Service};
use crate::faults::Refusal;

/// The region of a request that names none.
pub(crate) const DEFAULT_REGION: &str = "us-east-1";

/// An error as AWS reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AwsError {
    pub(crate) code: String,
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

impl AwsError {
    pub(crate) fn new(code: &str, status: StatusCode, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), status, message: message.into() }
    }

    /// An error with status 400, as most are.
    pub(crate) fn refused(code: &str, message: impl Into<String>) -> Self {
        Self::new(code, StatusCode::BAD_REQUEST, message)
    }

    /// What SageMaker says to nearly everything that it does not accept.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", StatusCode::BAD_REQUEST, message)
    }
}

/// The error code of an answer, for the log.
#[derive(Clone, Debug)]
pub(crate) struct Code(pub(crate) String);

/// An answer of the JSON 1.1 protocol. `Null` is an empty body.
pub(crate) fn json(answer: Result<Value, AwsError>) -> Response {
    let (status, body) = match &answer {
        Ok(Value::Null) => (StatusCode::OK, String::new()),
        Ok(value) => (StatusCode::OK, value.to_string()),
        Err(error) => {
            let body = json!({"__type": error.code, "message": error.message});
            (error.status, body.to_string())
        }
    };
    respond(status, "application/x-amz-json-1.1", body, answer.err())
}

/// An error of the REST JSON protocol: its name goes into a header. `more` are
/// the fields that this kind of error has besides.
pub(crate) fn rest_error(error: AwsError, more: Value) -> Response {
    let mut body = json!({"Message": error.message, "message": error.message});
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    let kind = HeaderValue::try_from(error.code.as_str());
    let mut response = respond(error.status, "application/json", body.to_string(), Some(error));
    if let Ok(kind) = kind {
        response.headers_mut().insert("x-amzn-errortype", kind);
    }
    response
}

/// An answer of the Query protocol: `result` is the XML inside `<ActionResult>`.
pub(crate) fn query(service: Service, action: &str, answer: Result<String, AwsError>) -> Response {
    let (id, namespace) = (request_id(), service.query_namespace());
    let (status, body) = match &answer {
        Ok(result) => (
            StatusCode::OK,
            format!(
                "<{action}Response xmlns=\"{namespace}\"><{action}Result>{result}</{action}Result>\
                 <ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{action}Response>"
            ),
        ),
        Err(error) => (
            error.status,
            format!(
                "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>Sender</Type><Code>{}</Code>\
                 <Message>{}</Message></Error><RequestId>{id}</RequestId></ErrorResponse>",
                error.code,
                escape(&error.message)
            ),
        ),
    };
    respond(status, "text/xml", body, answer.err())
}

/// An error of S3. `key` goes into the document as S3 has it.
pub(crate) fn s3_error(error: AwsError, key: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>\
         <Key>{}</Key><RequestId>{}</RequestId><HostId>simulated</HostId></Error>",
        error.code,
        escape(&error.message),
        escape(key),
        request_id()
    );
    respond(error.status, "application/xml", body, Some(error))
}

/// An answer with the headers that every AWS answer has.
pub(crate) fn respond(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Body>,
    error: Option<AwsError>,
) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    if let Some(error) = error {
        response.extensions_mut().insert(Code(error.code));
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::try_from(request_id()) {
        headers.insert("x-amzn-requestid", id.clone());
        headers.insert("x-amz-request-id", id);
    }
    response
}

/// A refusal that a fault asked for, in the words of the service that it hits.
pub(crate) fn refuse(service: Service, op: &str, refusal: Refusal) -> Response {
    let error = refusal_error(service, op, refusal);
    match service.protocol() {
        Protocol::Json => json(Err(error)),
        Protocol::RestJson => rest_error(error, Value::Null),
        Protocol::Query => query(service, op, Err(error)),
        Protocol::S3 => s3_error(error, ""),
    }
}

fn refusal_error(service: Service, op: &str, refusal: Refusal) -> AwsError {
    let action = format!("{}:{op}", service.action_prefix());
    let denied = format!(
        "User: arn:aws:iam::123456789012:user/longhaul-sim is not authorized to perform: {action} \
         because no identity-based policy allows the {action} action"
    );
    let json = matches!(service.protocol(), Protocol::Json | Protocol::RestJson);
    let unavailable = "The request has failed due to a temporary failure of the server.";
    let (code, status, message) = match refusal {
        Refusal::Throttled if service == Service::S3 => ("SlowDown", 503, "Please reduce your request rate."),
        Refusal::Throttled if service == Service::Quotas => ("TooManyRequestsException", 400, "Rate exceeded"),
        Refusal::Throttled if json => ("ThrottlingException", 400, "Rate exceeded"),
        Refusal::Throttled => ("Throttling", 400, "Rate exceeded"),
        Refusal::Unavailable if service == Service::Logs => ("ServiceUnavailableException", 503, unavailable),
        Refusal::Unavailable => ("ServiceUnavailable", 503, unavailable),
        Refusal::ExpiredToken => (
            if json { "ExpiredTokenException" } else { "ExpiredToken" },
            if json || service == Service::S3 { 400 } else { 403 },
            "The security token included in the request is expired",
        ),
        Refusal::Denied => {
            (if json { "AccessDeniedException" } else { "AccessDenied" }, if json { 400 } else { 403 }, denied.as_str())
        }
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    AwsError::new(code, status, message)
}

/// The region in the credential scope of a SigV4 signature.
pub(crate) fn signed_region(headers: &HeaderMap) -> Option<String> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (_, scope) = header.split_once("Credential=")?;
    let region = scope.split(',').next()?.split('/').nth(2)?;
    (!region.is_empty()).then(|| region.to_owned())
}

/// The partition that a region belongs to, as ARNs name it.
pub(crate) fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// Escapes text for XML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Percent-encodes everything but RFC 3986's unreserved characters, as IAM does
/// with policy documents.
pub(crate) fn percent_encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            // Writing to a string cannot fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
        out
    })
}

/// The fields of a form body.
pub(crate) fn form(body: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(body);
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (form_decode(key), form_decode(value))
    };
    text.split('&').filter(|p| !p.is_empty()).map(pair).collect()
}

fn form_decode(text: &str) -> String {
    let plain = text.replace('+', " ");
    let mut parts = plain.split('%');
    let mut out: Vec<u8> = parts.next().unwrap_or_default().bytes().collect();
    for part in parts {
        let hex = part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (hex, part.get(2..)) {
            (Some(byte), Some(rest)) => {
                out.push(byte);
                out.extend(rest.bytes());
            }
            _ => out.extend(format!("%{part}").bytes()),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A new request id, in the shape of a UUID and in the order of requests.
fn request_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("00000000-0000-4000-8000-{n:012x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded() {
        let fields = form(b"Action=GetRole&RoleName=a%2Fb+c&Odd=100%&Empty=");
        let expected = [("Action", "GetRole"), ("RoleName", "a/b c"), ("Odd", "100%"), ("Empty", "")];
        let expected = expected.map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(fields, expected);
    }

    #[test]
    fn the_region_comes_from_the_credential_scope() {
        let mut headers = HeaderMap::new();
        assert_eq!(signed_region(&headers), None);
        let value = "AWS4-HMAC-SHA256 Credential=AKID/20261120/eu-west-1/sagemaker/aws4_request, \
                     SignedHeaders=host, Signature=00";
        headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
        assert_eq!(signed_region(&headers).as_deref(), Some("eu-west-1"));
    }

    #[test]
    fn policies_are_encoded_as_iam_does() {
        assert_eq!(percent_encode("{\"a\": 1}"), "%7B%22a%22%3A%201%7D");
    }
}
