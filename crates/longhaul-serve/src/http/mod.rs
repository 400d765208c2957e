//! Streamable HTTP on `/mcp`, health on `/ping`, counters on `/metrics`.
//!
//! Stateless: no session is made or asked for, so that any replica answers any request, and a
//! foreign session id is of no concern.

mod accept;
mod early;
pub(crate) mod guard;
mod watch;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::Request,
    http::StatusCode,
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use longhaul::mcp::Server;
use rmcp::{
    ServerHandler,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};
use tokio::{net::TcpListener, time::timeout};

use crate::{
    Shared,
    endings::{Ended, Signals, until_ended},
    malformed,
};
use guard::Guard;
use watch::Watch;

/// Most that a request body may be.
const MAX_BODY: usize = 1 << 20;

/// A request body that takes longer is given up.
const BODY_TIME: Duration = Duration::from_secs(30);

/// Takes the port.
pub(crate) async fn bind(address: IpAddr, port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::new(address, port)).await.map_err(|error| {
        io::Error::new(
            error.kind(),
            format!(
                "cannot listen on {address}, port {port} ({error}); set server.port (MCP_SERVER_PORT) to a free one"
            ),
        )
    })
}

/// Who is served, and who speaks for it.
pub(crate) struct Service<H> {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) server: Server,
    pub(crate) face: H,
}

/// Serves until a signal comes.
pub(crate) async fn serve(
    service: Service<impl ServerHandler + Clone>,
    shared: &Shared,
    address: IpAddr,
    listener: TcpListener,
    signals: Signals,
) -> io::Result<Ended> {
    let Service { name, version, server, face } = service;
    let guard = Guard::new(&shared.server, address).map_err(|(key, why)| io::Error::other(format!("{key} {why}")))?;
    let name = Some(shared.observability.service_name.as_str()).filter(|name| !name.is_empty()).unwrap_or(name);
    let watch = shared.observability.enabled.then(|| Watch::named(name, version));
    let closing = server.closing().clone();
    let app = app(server.clone(), face, guard, watch);
    let work = async {
        accept::serve(listener, app, closing.clone()).await;
        server.settled().await;
    };
    Ok(until_ended(&closing, signals, work).await)
}

fn app(server: Server, face: impl ServerHandler + Clone, guard: Guard, watch: Option<Watch>) -> Router {
    let guard = Arc::new(guard);
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        // The guard in front is stricter (it refuses doubled headers); this is the second lock.
        .with_allowed_hosts(guard.hosts())
        .with_allowed_origins(guard.origins())
        .enforce_origin_validation()
        .with_max_request_body_bytes(MAX_BODY);
    let mcp = StreamableHttpService::new(move || Ok(face.clone()), Arc::new(NeverSessionManager::default()), config);
    let mut guarded = Router::new().route_service("/mcp", mcp).layer(from_fn(early::open)).layer(from_fn(whole_body));
    if let Some(watch) = watch {
        let server = server.clone();
        guarded = guarded.route("/metrics", get(move || async move { watch.metrics(&server) }));
    }
    let guarded = guarded.layer(from_fn(move |request: Request, next: Next| {
        let guard = guard.clone();
        async move {
            match guard.admits(&request) {
                Ok(()) => next.run(request).await,
                Err(why) => (StatusCode::FORBIDDEN, why).into_response(),
            }
        }
    }));
    // Probes come by address, and there is nothing in the answer to steal.
    let health = watch::Health::new(server);
    guarded.route("/ping", get(move || async move { health.ping() }))
}

/// Reads the body before anything is done with it: bounded in size and in time.
async fn whole_body(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match timeout(BODY_TIME, to_bytes(body, MAX_BODY)).await {
        Ok(Ok(bytes)) => {
            let bytes = malformed::mended(bytes);
            let response = next.run(Request::from_parts(parts, Body::from(bytes.clone()))).await;
            // What rmcp says to a body that it cannot read, and to another kind of body.
            let unread = response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE;
            if unread { refused(&bytes).unwrap_or(response) } else { response }
        }
        Ok(Err(_)) => (StatusCode::PAYLOAD_TOO_LARGE, "the request is larger than 1 MiB").into_response(),
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "the request took longer than 30 s to arrive").into_response(),
    }
}

/// The answer to a body that is no message.
fn refused(body: &[u8]) -> Option<Response> {
    let refusal = malformed::read(&mut body.to_vec()).err()?;
    tracing::debug!(%refusal, "a body was refused");
    Some((StatusCode::BAD_REQUEST, Json(refusal.answer())).into_response())
}
