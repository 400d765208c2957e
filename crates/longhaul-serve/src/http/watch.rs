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
        let busy = follows(&self.server.metrics().render());
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0 != busy {
            *last = (busy, now());
        }
        let status = if busy { "HealthyBusy" } else { "Healthy" };
        Json(json!({ "status": status, "time_of_last_update": last.1 }))
    }
}

/// Whether the counters show an operation that is being followed now.
fn follows(metrics: &str) -> bool {
    let followed = metrics.lines().filter(|line| line.starts_with("longhaul_operations_followed{"));
    followed.filter_map(|line| line.rsplit(' ').next()).any(|count| count != "0")
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_busy_while_it_follows_something() {
        assert!(!follows(""));
        assert!(!follows("longhaul_operations_followed{kind=\"a\"} 0\n"));
        assert!(follows("longhaul_operations_followed{kind=\"a\"} 0\nlonghaul_operations_followed{kind=\"b\"} 2\n"));
    }
}
