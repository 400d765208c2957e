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
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::StatusCode,
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use longhaul::mcp::Server;
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};
use tokio::{net::TcpListener, time::timeout};

use crate::{
    Shared,
    endings::{Ended, Signals, until_ended},
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

/// Serves until a signal comes.
pub(crate) async fn serve(
    server: Server,
    shared: &Shared,
    address: IpAddr,
    name: &str,
    version: &str,
    listener: TcpListener,
    signals: Signals,
) -> io::Result<Ended> {
    let guard = Guard::new(&shared.server, address).map_err(|(key, why)| io::Error::other(format!("{key} {why}")))?;
    let service = Some(shared.observability.service_name.as_str()).filter(|name| !name.is_empty()).unwrap_or(name);
    let watch = shared.observability.enabled.then(|| Watch::named(service, version));
    let closing = server.closing().clone();
    let app = app(server.clone(), guard, watch);
    let work = async {
        accept::serve(listener, app, closing.clone()).await;
        server.settled().await;
    };
    Ok(until_ended(&closing, signals, work).await)
}

fn app(server: Server, guard: Guard, watch: Option<Watch>) -> Router {
    let guard = Arc::new(guard);
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        // The guard in front is stricter (it refuses doubled headers); this is the second lock.
        .with_allowed_hosts(guard.hosts())
        .with_allowed_origins(guard.origins())
        .enforce_origin_validation()
        .with_max_request_body_bytes(MAX_BODY);
    let mcp = {
        let server = server.clone();
        StreamableHttpService::new(move || Ok(server.clone()), Arc::new(NeverSessionManager::default()), config)
    };
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
        Ok(Ok(bytes)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Ok(Err(_)) => (StatusCode::PAYLOAD_TOO_LARGE, "the request is larger than 1 MiB").into_response(),
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "the request took longer than 30 s to arrive").into_response(),
    }
}
