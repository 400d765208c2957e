//! How a request goes wrong, whatever the vendor.
//!
//! A [`Fault`] names the operations that it hits and what happens to them. The
//! vendor's part is only to say how a [`Refusal`] looks on its wire.

use std::future::Future;
use std::time::{Duration, SystemTime};

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use futures_util::stream;
use serde::{Deserialize, Serialize};

use crate::serve::Cut;

/// Makes matching requests go wrong. Its seconds are real ones: they exist to
/// meet a client's own time-outs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The operation's name on the wire, or `*`.
    pub op: String,
    /// Only for this resource; any when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What happens.
    pub kind: Kind,
    /// How many requests it hits; -1 for every one from then on.
    #[serde(default = "once")]
    pub times: i64,
    /// How many matching requests it lets pass first.
    #[serde(default)]
    pub skip: u64,
    /// How long a `hang` holds the request back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The Retry-After header of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<RetryAfter>,
}

const fn once() -> i64 {
    1
}

impl Fault {
    /// How long a hang lasts when nobody says: longer than any client waits.
    const HANG: Duration = Duration::from_secs(3600);

    /// Says what is wrong with a fault that cannot happen.
    ///
    /// # Errors
    ///
    /// When its seconds are no duration.
    pub fn check(&self) -> Result<(), String> {
        let seconds = self.seconds.map(Duration::try_from_secs_f64).transpose();
        seconds.map(drop).map_err(|e| format!("seconds: {e}"))
    }

    fn hang(&self) -> Duration {
        let seconds = self.seconds.map(Duration::try_from_secs_f64);
        seconds.and_then(Result::ok).unwrap_or(Self::HANG)
    }
}

/// What a [`Fault`] does to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Refused: too many requests.
    Throttle,
    /// Refused: unavailable for now.
    #[serde(rename = "http_503")]
    Http503,
    /// Answered with HTML, as a proxy in between would.
    #[serde(rename = "http_500_html")]
    Http500Html,
    /// Held back for `seconds`, then carried out and answered; if the client
    /// has left by then, not carried out.
    Hang,
    /// Not carried out; the connection is reset without an answer.
    Reset,
    /// Carried out; half of the answer's body is sent, then the connection closes.
    Truncate,
    /// Carried out; then the connection is reset without an answer.
    CommitThenReset,
    /// Refused: the credential has expired.
    ExpiredToken,
    /// Refused: not permitted.
    Denied,
}

/// When to come back.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RetryAfter {
    /// A header with this number of seconds.
    Seconds(u64),
    /// A header with the date that lies this many seconds ahead.
    Date {
        /// How far ahead.
        date_in_seconds: u64,
    },
}

impl RetryAfter {
    fn header(&self) -> Option<HeaderValue> {
        let text = match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::Date { date_in_seconds } => {
                let at = SystemTime::now().checked_add(Duration::from_secs(*date_in_seconds))?;
                httpdate::fmt_http_date(at)
            }
        };
        HeaderValue::try_from(text).ok()
    }
}

/// What a vendor has to say in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Too many requests.
    Throttled,
    /// Unavailable for now.
    Unavailable,
    /// The credential has expired.
    ExpiredToken,
    /// Not permitted.
    Denied,
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Sent whole.
    Answered,
    /// The body was cut in half.
    Truncated,
    /// The connection was reset in its place.
    Reset,
}

/// The faults that wait for their requests.
#[derive(Clone, Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Adds one; it comes after those already there.
    pub fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Those still to come.
    #[must_use]
    pub fn pending(&self) -> &[Fault] {
        &self.0
    }

    /// The fault that hits this request, counted as used.
    pub fn take(&mut self, op: &str, resource: Option<&str>) -> Option<Fault> {
        let mut hit = None;
        for fault in &mut self.0 {
            let named = fault.resource.as_deref();
            if (fault.op != "*" && fault.op != op) || (named.is_some() && named != resource) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            hit = Some(fault.clone());
            fault.times -= i64::from(fault.times > 0);
            break;
        }
        self.0.retain(|fault| fault.times != 0);
        hit
    }
}

/// Answers a request as `fault` has it: `refuse` words the vendor's refusals,
/// `carry_out` does the work and is not even polled when the fault forbids it.
pub async fn apply(
    fault: Option<&Fault>,
    cut: &Cut,
    refuse: impl Fn(Refusal) -> Response,
    carry_out: impl Future<Output = Response>,
) -> (Response, Delivery) {
    let Some(fault) = fault else {
        return (carry_out.await, Delivery::Answered);
    };
    let refused = |refusal| (with_retry_after(refuse(refusal), fault), Delivery::Answered);
    match fault.kind {
        Kind::Throttle => refused(Refusal::Throttled),
        Kind::Http503 => refused(Refusal::Unavailable),
        Kind::ExpiredToken => refused(Refusal::ExpiredToken),
        Kind::Denied => refused(Refusal::Denied),
        Kind::Http500Html => (html_500(), Delivery::Answered),
        Kind::Hang => {
            tokio::time::sleep(fault.hang()).await;
            (carry_out.await, Delivery::Answered)
        }
        Kind::Truncate => (halve(carry_out.await).await, Delivery::Truncated),
        Kind::Reset => {
            cut.now();
            (Response::default(), Delivery::Reset)
        }
        Kind::CommitThenReset => {
            let lost = carry_out.await;
            cut.now();
            (lost, Delivery::Reset)
        }
    }
}

fn with_retry_after(mut response: Response, fault: &Fault) -> Response {
    if let Some(header) = fault.retry_after.as_ref().and_then(RetryAfter::header) {
        response.headers_mut().insert(RETRY_AFTER, header);
    }
    response
}

fn html_500() -> Response {
    const PAGE: &str = "<!doctype html>\n<html lang=en>\n<title>500 Internal Server Error</title>\n\
        <h1>Internal Server Error</h1>\n<p>The server encountered an internal error.</p>\n</html>\n";
    let mut response = Response::new(Body::from(PAGE));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// The same answer, whose header promises a whole body and whose connection
/// ends after half of it.
async fn halve(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    // A simulator's own answer is in memory already; reading it cannot fail.
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let half = whole.slice(..whole.len() / 2);
    // An empty body cannot be halved: promise a byte that never comes.
    let promised = whole.len().max(1);
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(promised));
    let chunks = stream::unfold(Some(half), |half| async move {
        let Some(half) = half else {
            // Lets the first half leave before the error closes the connection.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let broken: Result<Bytes, std::io::Error> = Err(std::io::ErrorKind::ConnectionAborted.into());
            return Some((broken, None));
        };
        Some((Ok(half), None))
    });
    Response::from_parts(parts, Body::from_stream(chunks))
}

#[cfg(test)]
mod tests;
