//! What `sagemaker-mcp` uses of AWS, on one port: SageMaker, CloudWatch Logs,
//! Service Quotas, Application Auto Scaling and the price list (JSON 1.1),
//! SageMaker's runtime (REST JSON), STS and IAM (Query), S3 (path style), and a
//! control API under `/_sim/`.
//!
//! Seconds of timelines and of eventual consistency are simulated ones; seconds
//! of faults are real. What AWS stamps with a time is stamped with the wall's.
//! Signatures are not checked; the region is taken from them.
//!
//! | control | does |
//! |---|---|
//! | `GET /_sim/log[?since=n]` | every request so far, in order ([`Entry`](crate::log::Entry)) |
//! | `GET /_sim/state` | what exists, how much was ever created, what is scripted |
//! | `GET`, `POST /_sim/settings` | shows or changes [`Tuning`]; fields left out stay |
//! | `POST /_sim/script` | what the next matching endpoint does ([`Script`](script::Script)) |
//! | `POST /_sim/fault` | what goes wrong ([`Fault`]); `DELETE` forgets all faults |
//! | `POST /_sim/advance` | `{"seconds": n}`: lets simulated time pass at once |
//! | `POST /_sim/reset` | back to how it started |
//!
//! | module | holds |
//! |---|---|
//! | [`script`] | what a test says in advance about an endpoint |
//! | [`outcome`] | why a deployment fails, by name |
//! | [`timeline`] | what an endpoint goes through |
//! | `state`, `endpoint` | what exists |
//! | `course`, `container` | what a deployment comes to, and what it writes |
//! | `input`, `instance_types` | reading parameters, refusing them as AWS does |
//! | `models`, `configs`, `tags`, `listing` | SageMaker's operations |
//! | `endpoints`, `description`, `updates` | those on endpoints |
//! | `jumpstart`, `hub` | S3 specs, hub documents |
//! | `runtime` | invocations |
//! | `logs`, `log_store`, `log_pattern` | CloudWatch Logs |
//! | `quotas`, `scaling`, `pricing` | limits, scalable targets, prices |
//! | `iam`, `policy` | identity, roles, permissions |
//! | `service`, `call`, `dispatch`, `wire` | protocols and errors |
//! | `settings` | how it starts, what can be changed |
//! | `control` | the control API |

mod call;
mod configs;
mod container;
mod control;
mod course;
mod description;
mod dispatch;
mod endpoint;
mod endpoints;
mod hub;
mod iam;
mod input;
mod instance_types;
mod jumpstart;
mod listing;
mod log_pattern;
mod log_store;
mod logs;
mod models;
pub mod outcome;
mod policy;
mod pricing;
mod quotas;
mod runtime;
mod scaling;
pub mod script;
mod service;
mod settings;
mod state;
mod tags;
pub mod timeline;
mod updates;
mod wire;

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use axum::{Extension, Router};
use serde_json::{Map, Value};

use crate::faults::{self, Fault, Faults};
use crate::lock;
use crate::log::{Log, Ticket};
pub use crate::serve::Running;
use crate::serve::{self, Cut};
use call::Call;
use runtime::Delay;
pub use settings::{Settings, Tuning};
use state::World;
use wire::Code;

/// An open model for CPU instances (`ml.m5.large`), in versions 2.1.0 and
/// 1.0.0 (deprecated).
pub const OPEN_MODEL: &str = "sim-ic-mobilenet";
/// A gated model for GPU instances, in version 1.3.0, with the inference
/// configurations `lmi` (ranked first) and `lmi-optimized` (gated draft model).
pub const GATED_MODEL: &str = "sim-textgeneration-gated-7b";

/// Starts a simulator on loopback.
///
/// # Errors
///
/// When the port cannot be bound, or the settings contradict themselves.
pub async fn start(settings: Settings) -> std::io::Result<Running> {
    let invalid = |why| std::io::Error::new(std::io::ErrorKind::InvalidInput, why);
    settings.settings.check().map_err(invalid)?;
    for script in &settings.scripts {
        script.check().map_err(invalid)?;
    }
    for fault in &settings.faults {
        fault.check().map_err(invalid)?;
    }
    let port = settings.port;
    let sim = Arc::new(Sim { parts: Mutex::new(Parts::new(&settings)), log: Log::default(), settings });
    // An invocation that is too large is refused in AWS's words, not in axum's.
    let limit = DefaultBodyLimit::max(2 * runtime::LARGEST_BODY);
    let app = Router::new().nest("/_sim", control::router()).fallback(handle).layer(limit).with_state(sim);
    serve::listen(port, app).await
}

/// One simulated account.
struct Sim {
    settings: Settings,
    parts: Mutex<Parts>,
    log: Log,
}

struct Parts {
    world: World,
    faults: Faults,
}

impl Parts {
    fn new(settings: &Settings) -> Self {
        let mut faults = Faults::default();
        settings.faults.iter().cloned().for_each(|fault| faults.add(fault));
        Self { world: World::new(settings.settings.clone(), settings.scripts.clone()), faults }
    }
}

/// What an operation gets besides its parameters.
#[derive(Clone, Copy)]
struct Scope<'a> {
    region: &'a str,
    request: &'a Map<String, Value>,
}

async fn handle(
    State(sim): State<Arc<Sim>>,
    Extension(cut): Extension<Cut>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = Call::read(&method, &uri, &headers, &body);
    let (ticket, fault) = sim.arrived(&call);
    if let Some(fault) = &fault {
        ticket.fault(fault.kind);
    }
    let refuse = |refusal| wire::refuse(call.service, &call.op, refusal);
    let carry_out = async {
        let mut response = sim.carry_out(&call);
        if let Some(Delay(delay)) = response.extensions_mut().remove() {
            tokio::time::sleep(delay).await;
        }
        response
    };
    let (response, delivery) = faults::apply(fault.as_ref(), &cut, refuse, carry_out).await;
    let untouched = fault.is_some_and(|fault| fault.kind == faults::Kind::Reset);
    let status = (!untouched).then(|| response.status().as_u16());
    let code = response.extensions().get::<Code>().map(|code| code.0.clone());
    call.tell(status, code.as_deref(), delivery);
    ticket.close(status, code, delivery);
    response
}

impl Sim {
    /// Notes a request's arrival, and which fault it meets: both in one lock, so
    /// that the log's order is the order in which faults were handed out.
    fn arrived(&self, call: &Call) -> (Ticket, Option<Fault>) {
        let parts = &mut *lock(&self.parts);
        let ticket = self.log.open(call.entry(parts.world.clock.now().wall));
        let fault = parts.faults.take(&call.op, call.resource.as_deref());
        (ticket, fault)
    }

    fn carry_out(&self, call: &Call) -> Response {
        let world = &mut lock(&self.parts).world;
        world.sweep();
        dispatch::answer(world, call)
    }
}

#[cfg(test)]
mod tests;
