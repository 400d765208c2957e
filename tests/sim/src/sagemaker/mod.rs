//! What `sagemaker-mcp` uses of AWS, on one port: SageMaker (JSON 1.1), STS and
//! IAM (Query), S3 (path style), and a control API under `/_sim/`.
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
//! | `POST /_sim/script` | what the next matching endpoint does ([`Script`](timeline::Script)) |
//! | `POST /_sim/fault` | what goes wrong ([`Fault`]); `DELETE` forgets all faults |
//! | `POST /_sim/advance` | `{"seconds": n}`: lets simulated time pass at once |
//! | `POST /_sim/reset` | back to how it started |
//!
//! | module | holds |
//! |---|---|
//! | [`timeline`] | what an endpoint goes through |
//! | `state` | what exists |
//! | `input` | reading parameters, refusing them as AWS does |
//! | `models`, `configs`, `endpoints`, `tags`, `listing` | SageMaker's operations |
//! | `jumpstart` | hub documents and S3 specs |
//! | `iam` | identity and roles |
//! | `call`, `wire` | protocols and errors |
//! | `settings` | how it starts, what can be changed |
//! | `control` | the control API |

mod call;
mod configs;
mod control;
mod endpoints;
mod iam;
mod input;
mod jumpstart;
mod listing;
mod models;
mod settings;
mod state;
mod tags;
pub mod timeline;
mod wire;

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use axum::{Extension, Router};
use serde_json::{Map, Value};

use crate::faults::{self, Fault, Faults};
use crate::lock;
use crate::log::{Log, Ticket};
pub use crate::serve::Running;
use crate::serve::{self, Cut};
use call::Call;
use input::Input;
pub use settings::{Settings, Tuning};
use state::World;
use wire::{AwsError, Code, Service};

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
        timeline::check(&script.timeline).map_err(invalid)?;
    }
    for fault in &settings.faults {
        fault.check().map_err(invalid)?;
    }
    let port = settings.port;
    let sim = Arc::new(Sim { parts: Mutex::new(Parts::new(&settings)), log: Log::default(), settings });
    let app = Router::new().nest("/_sim", control::router()).fallback(handle).with_state(sim);
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

/// What an operation of SageMaker gets besides its parameters.
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
    let carry_out = async { sim.carry_out(&call) };
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
        match call.service {
            Service::SageMaker => wire::json(sagemaker(world, call)),
            Service::Sts | Service::Iam => iam::answer(&world.tuning, call.service, &call.op, &call.form),
            Service::S3 if matches!(call.op.as_str(), "GetObject" | "HeadObject") => jumpstart::get_object(&call.path),
            Service::S3 => {
                let message = "The specified method is not allowed against this resource.";
                let status = StatusCode::METHOD_NOT_ALLOWED;
                wire::s3_error(AwsError::new("MethodNotAllowed", status, message), &call.path)
            }
        }
    }
}

fn sagemaker(world: &mut World, call: &Call) -> Result<Value, AwsError> {
    if call.malformed {
        let status = StatusCode::BAD_REQUEST;
        return Err(AwsError::new("SerializationException", status, "the body is no JSON object"));
    }
    let scope = Scope { region: &call.region, request: &call.request };
    let input = Input::new(&call.request);
    match call.op.as_str() {
        "CreateModel" => models::create(world, scope, input),
        "DescribeModel" => models::describe(world, scope, input),
        "ListModels" => models::list(world, scope, input),
        "DeleteModel" => models::delete(world, scope, input),
        "CreateEndpointConfig" => configs::create(world, scope, input),
        "DescribeEndpointConfig" => configs::describe(world, scope, input),
        "ListEndpointConfigs" => configs::list(world, scope, input),
        "DeleteEndpointConfig" => configs::delete(world, scope, input),
        "CreateEndpoint" => endpoints::create(world, scope, input),
        "DescribeEndpoint" => endpoints::describe(world, scope, input),
        "ListEndpoints" => endpoints::list(world, scope, input),
        "UpdateEndpoint" => endpoints::update(world, scope, input),
        "DeleteEndpoint" => endpoints::delete(world, scope, input),
        "AddTags" => tags::add(world, input),
        "ListTags" => tags::list(world, input),
        "DeleteTags" => tags::delete(world, input),
        "DescribeHubContent" => jumpstart::describe_hub_content(scope, input),
        _ => {
            let status = StatusCode::BAD_REQUEST;
            let message = format!("The operation {} is not known.", call.op);
            Err(AwsError::new("UnknownOperationException", status, message))
        }
    }
}

#[cfg(test)]
mod tests;
