//! `/ping` and `/metrics`.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    Json,
    http::header,
    response::{IntoResponse, Response},
};
use longhaul::mcp::Server;
use serde_json::{Value, json};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What stands at the end of OpenMetrics text.
const EOF: &str = "# EOF\n";

/// Who is counted.
#[derive(Clone)]
pub(super) struct Watch {
    target: Arc<str>,
}

impl Watch {
    pub(super) fn named(service: &str, version: &str) -> Self {
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let (service, version) = (quoted(service), quoted(version));
        let target = format!(
            "# HELP target What is counted here.\n# TYPE target info\n\
             target_info{{service_name=\"{service}\",service_version=\"{version}\"}} 1\n{EOF}"
        );
        Self { target: target.into() }
    }

    pub(super) fn metrics(&self, server: &Server) -> Response {
        let counted = server.metrics().render();
        let text = format!("{}{}", counted.strip_suffix(EOF).unwrap_or(&counted), self.target);
        ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response()
    }
}

/// Whether the process is busy, and since when it is so. `time_of_last_update` is the last change
/// and never the time of asking: a platform that stops idle processes would never see one.
#[derive(Clone)]
pub(super) struct Health {
    server: Server,
    last: Arc<Mutex<(bool, u64)>>,
}

impl Health {
    pub(super) fn new(server: Server) -> Self {
        Self { server, last: Arc::new(Mutex::new((false, now()))) }
    }

    pub(super) fn ping(&self) -> Json<Value> {
        let busy = self.server.metrics().following() > 0;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0 != busy {
            *last = (busy, now());
        }
        let status = if busy { "HealthyBusy" } else { "Healthy" };
        Json(json!({ "status": status, "time_of_last_update": last.1 }))
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
