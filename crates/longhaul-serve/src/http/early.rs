//! Answers that take long begin early.
//!
//! On the newest protocol version nothing at all is sent before a call's first message, and a
//! call without a progress token has none but its answer. Proxies and clients give up on silence,
//! so after a while the stream is opened and kept alive with comments.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, BodyDataStream, Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};
use tokio::time::timeout;

/// Silence that nobody minds.
const SILENCE: Duration = Duration::from_secs(5);

/// From one comment to the next.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

const EVENT_STREAM: &str = "text/event-stream";

enum Answer {
    Awaited(BoxFuture<'static, Response>),
    Streamed(BodyDataStream),
    Done,
}

/// Lets the answer come, or opens the stream without it.
pub(super) async fn open(request: Request, next: Next) -> Response {
    if !accepts_events(request.headers()) {
        return next.run(request).await;
    }
    let mut answer = next.run(request).boxed();
    match timeout(SILENCE, &mut answer).await {
        Ok(answer) => answer,
        Err(_) => opened(answer),
    }
}

fn accepts_events(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    accepts.flat_map(|accept| accept.split(',')).any(|one| one.trim().starts_with(EVENT_STREAM))
}

/// An event stream that begins with comments and goes on with the answer. A client that leaves
/// drops the stream and, with it, the awaited answer.
fn opened(answer: BoxFuture<'static, Response>) -> Response {
    let comment = Bytes::from_static(b": still at work\n\n");
    let later = stream::unfold(Answer::Awaited(answer), |answer| async {
        match answer {
            Answer::Awaited(mut awaited) => match timeout(KEEP_ALIVE, &mut awaited).await {
                Err(_) => Some((Bytes::from_static(b": still at work\n\n"), Answer::Awaited(awaited))),
                Ok(response) => Some(begun(response).await),
            },
            // A body that breaks off ends the stream: the status has been sent long ago.
            Answer::Streamed(mut body) => match body.next().await {
                Some(Ok(bytes)) => Some((bytes, Answer::Streamed(body))),
                Some(Err(_)) | None => None,
            },
            Answer::Done => None,
        }
    });
    let body = stream::once(async { comment }).chain(later).map(Ok::<_, Infallible>);
    let mut response = Response::new(Body::from_stream(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// The answer that came at last, inside the stream that is open already.
async fn begun(response: Response) -> (Bytes, Answer) {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with(EVENT_STREAM) {
        return (Bytes::new(), Answer::Streamed(response.into_body().into_data_stream()));
    }
    let json = kind.starts_with("application/json");
    let status = response.status();
    let text = to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
    if json {
        // A JSON-RPC message is one line.
        return (Bytes::from([b"data: ", text.as_ref(), b"\n\n"].concat()), Answer::Done);
    }
    if status != StatusCode::OK {
        tracing::warn!(%status, "a call that was answered early failed outside of the protocol");
    }
    (Bytes::from_static(b": there is no answer\n\n"), Answer::Done)
}

#[cfg(test)]
mod tests {
    use axum::{Router, middleware::from_fn, routing::post};
    use tokio::time::{Instant, sleep};
    use tower::ServiceExt;

    use super::*;

    /// The answer of a server that takes `seconds`: when its head came, its type, its body.
    async fn check(seconds: u64, kind: &'static str, body: &'static str, accept: &str) -> (u64, String, String) {
        let slow = move || async move {
            sleep(Duration::from_secs(seconds)).await;
            ([(header::CONTENT_TYPE, kind)], body)
        };
        let app = Router::new().route("/", post(slow)).layer(from_fn(open));
        let started = Instant::now();
        let request = Request::post("/").header(header::ACCEPT, accept).body(Body::empty()).unwrap();
        let response = app.oneshot(request).await.unwrap();
        let head = started.elapsed().as_secs();
        let kind = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (head, kind, String::from_utf8(body.to_vec()).unwrap())
    }

    const BOTH: &str = "application/json, text/event-stream";

    #[tokio::test(start_paused = true)]
    async fn trap_03_a_silent_call_shows_its_head_after_five_seconds_and_lives() {
        let (head, kind, body) = check(27, "application/json", r#"{"id":1}"#, BOTH).await;
        assert_eq!((head, kind.as_str()), (5, EVENT_STREAM));
        assert_eq!(body, format!("{}data: {{\"id\":1}}\n\n", ": still at work\n\n".repeat(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_comes_late_is_passed_on() {
        let (head, _, body) = check(6, EVENT_STREAM, "data: {}\n\n", BOTH).await;
        assert_eq!((head, body.as_str()), (5, ": still at work\n\ndata: {}\n\n"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_quick_answer_and_a_client_without_streams_are_left_alone() {
        let quick = check(4, "application/json", "{}", BOTH).await;
        assert_eq!(quick, (4, "application/json".into(), "{}".into()));
        let no_streams = check(60, "application/json", "{}", "application/json").await;
        assert_eq!(no_streams, (60, "application/json".into(), "{}".into()));
    }
}
