//! What `sagemaker-mcp` uses of AWS, on one port: SageMaker (JSON 1.1), STS and
//! IAM (Query), S3 (path style), and a control API under `/_sim/`.
//!
//! Seconds of timelines, quotas of time and eventual consistency are simulated
//! ones; seconds of faults are real. What AWS stamps with a time is stamped with
//! the wall's. Signatures are not checked; the region is taken from them.
//!
//! | module | holds |
//! |---|---|
//! | [`timeline`] | what an endpoint goes through |
//! | `state` | what exists |
//! | `input` | reading parameters, refusing them as AWS does |
//! | `models`, `configs`, `endpoints`, `tags`, `listing` | SageMaker's operations |
//! | `jumpstart` | hub documents and S3 specs |
//! | `iam` | identity and roles |
//! | `wire` | protocols and errors |
//! | `control` | the control API |

mod configs;
mod control;
mod endpoints;
mod iam;
mod input;
mod jumpstart;
mod listing;
mod models;
mod state;
mod tags;
pub mod timeline;
mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use axum::{Extension, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::faults::{self, Delivery, Fault, Faults};
use crate::lock;
use crate::log::{Entry, Log, Outcome, Pending};
pub use crate::serve::Running;
use crate::serve::{self, Cut};
use input::Input;
use state::World;
use timeline::{Script, Step};
use wire::{AwsError, Code, Service};

/// An open model for CPU instances (`ml.m5.large`), in versions 2.1.0 and
/// 1.0.0 (deprecated).
pub const OPEN_MODEL: &str = "sim-ic-mobilenet";
/// A gated model for GPU instances, in version 1.3.0, with the inference
/// configurations `lmi` (ranked first) and `lmi-optimized` (gated draft model).
pub const GATED_MODEL: &str = "sim-textgeneration-gated-7b";

/// How a simulator starts, and what a reset goes back to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The port on loopback; 0 lets the system choose.
    pub port: u16,
    /// What can be changed while it runs.
    pub settings: Tuning,
    /// What the first matching endpoints do.
    pub scripts: Vec<Script>,
    /// What goes wrong first.
    pub faults: Vec<Fault>,
}

/// What can be changed while a simulator runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tuning {
    /// Simulated seconds in a real one.
    pub time_factor: f64,
    /// How long an endpoint is Creating, or Updating, in simulated seconds.
    pub create_seconds: f64,
    /// How long it is Deleting, in simulated seconds.
    pub delete_seconds: f64,
    /// What a new endpoint goes through, in place of `create_seconds`.
    pub timeline: Option<Vec<Step>>,
    /// The reason of a failure on that timeline.
    pub failure_reason: Option<String>,
    /// For how many simulated seconds reads do not see what was created.
    pub eventual_consistency_seconds: f64,
    /// How many instances of a type endpoints may use; unlimited when none.
    pub endpoint_quota: Option<u64>,
    /// The same for single types, before `endpoint_quota`.
    pub instance_quotas: BTreeMap<String, u64>,
    /// How many roles SageMaker may assume.
    pub sagemaker_roles: u32,
    /// The account's number.
    pub account_id: String,
    /// Who calls, for STS; a user of the account when none.
    pub caller_arn: Option<String>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            time_factor: 1.0,
            create_seconds: 900.0,
            delete_seconds: 120.0,
            timeline: None,
            failure_reason: None,
            eventual_consistency_seconds: 0.0,
            endpoint_quota: None,
            instance_quotas: BTreeMap::new(),
            sagemaker_roles: 1,
            account_id: "123456789012".to_owned(),
            caller_arn: None,
        }
    }
}

impl Tuning {
    fn caller(&self) -> String {
        let user = || format!("arn:aws:iam::{}:user/longhaul-sim", self.account_id);
        self.caller_arn.clone().unwrap_or_else(user)
    }

    /// Says what is wrong with it.
    fn check(&self) -> Result<(), String> {
        if !(self.time_factor > 0.0 && self.time_factor.is_finite()) {
            return Err("time_factor must be greater than 0".to_owned());
        }
        self.timeline.as_deref().map_or(Ok(()), timeline::check)
    }
}

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
    let port = settings.port;
    let sim = Arc::new(Sim {
        parts: Mutex::new(Parts::new(&settings)),
        log: Log::default(),
        settings,
    });
    let app = Router::new()
        .nest("/_sim", control::router())
        .fallback(handle)
        .with_state(sim);
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
        Self {
            world: World::new(settings.settings.clone(), settings.scripts.clone()),
            faults,
        }
    }
}

/// A request of the simulated services, before anything is done about it.
struct Call {
    service: Service,
    op: String,
    resource: Option<String>,
    region: String,
    request: Map<String, Value>,
    path: String,
    form: Vec<(String, String)>,
    /// The body is no JSON object.
    malformed: bool,
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
    let ticket = sim.log.open(sim.entry(&call));
    let fault = lock(&sim.parts).faults.take(&call.op, call.resource.as_deref());
    if let Some(fault) = &fault {
        ticket.fault(fault.kind);
    }
    let refuse = |refusal| wire::refuse(call.service, &call.op, refusal);
    let carry_out = async { sim.carry_out(&call) };
    let (response, delivery) = faults::apply(fault.as_ref(), &cut, refuse, carry_out).await;
    let untouched = fault.is_some_and(|fault| fault.kind == faults::Kind::Reset);
    let status = (!untouched).then(|| response.status().as_u16());
    let code = response.extensions().get::<Code>().map(|code| code.0.clone());
    eprintln_call(&call, status, code.as_deref(), delivery);
    ticket.close(status, code, delivery);
    response
}

/// One line of log on stderr.
fn eprintln_call(call: &Call, status: Option<u16>, code: Option<&str>, delivery: Delivery) {
    let resource = call.resource.as_deref().unwrap_or("-");
    let status = status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let (service, op) = (call.service.name(), &call.op);
    let code = code.unwrap_or("ok");
    eprintln!("{service} {op} {resource} {status} {code} {delivery:?}");
}

impl Call {
    fn read(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Self {
        let region = wire::signed_region(headers);
        let call = Self {
            service: Service::S3,
            op: String::new(),
            resource: None,
            region: region.unwrap_or_else(|| wire::DEFAULT_REGION.to_owned()),
            request: Map::new(),
            path: uri.path().to_owned(),
            form: Vec::new(),
            malformed: false,
        };
        let target = headers.get("x-amz-target").and_then(|t| t.to_str().ok());
        match target {
            Some(target) => call.read_json(target, body),
            None if method == Method::POST => call.read_query(body),
            None => call.read_s3(method),
        }
    }

    fn read_json(mut self, target: &str, body: &[u8]) -> Self {
        self.service = Service::SageMaker;
        // Another service's operation keeps its prefix, and so is unknown.
        self.op = target.strip_prefix("SageMaker.").unwrap_or(target).to_owned();
        match serde_json::from_slice(body) {
            Ok(Value::Object(request)) => self.request = request,
            _ => self.malformed = true,
        }
        let fields = [
            "EndpointName",
            "EndpointConfigName",
            "ModelName",
            "HubContentName",
            "ResourceArn",
        ];
        let mut named = fields.iter().filter_map(|f| self.request.get(*f)?.as_str());
        self.resource = named.next().map(str::to_owned);
        self
    }

    fn read_query(mut self, body: &[u8]) -> Self {
        self.form = wire::form(body);
        let field = |name: &str| {
            let mut fields = self.form.iter().filter(|(key, _)| key == name);
            fields.next().map(|(_, value)| value.clone())
        };
        self.op = field("Action").unwrap_or_default();
        self.resource = field("RoleName");
        let of_sts = field("Version").as_deref() == Some("2011-06-15");
        self.service = if of_sts { Service::Sts } else { Service::Iam };
        let pairs = self.form.iter().map(|(k, v)| (k.clone(), json!(v)));
        self.request = pairs.collect();
        self
    }

    fn read_s3(mut self, method: &Method) -> Self {
        self.op = match *method {
            Method::GET => "GetObject".to_owned(),
            Method::HEAD => "HeadObject".to_owned(),
            _ => method.to_string(),
        };
        self.resource = Some(self.path.trim_start_matches('/').to_owned());
        self
    }
}

impl Sim {
    fn entry(&self, call: &Call) -> Entry {
        Entry {
            n: 0,
            at: lock(&self.parts).world.clock.now().wall,
            service: call.service.name().to_owned(),
            op: call.op.clone(),
            resource: call.resource.clone(),
            region: Some(call.region.clone()),
            request: Value::Object(call.request.clone()),
            status: None,
            error: None,
            fault: None,
            outcome: Outcome::Open(Pending::Running),
        }
    }

    fn carry_out(&self, call: &Call) -> Response {
        let world = &mut lock(&self.parts).world;
        world.sweep();
        match call.service {
            Service::SageMaker => wire::json(sagemaker(world, call)),
            Service::Sts | Service::Iam => {
                iam::answer(&world.tuning, call.service, &call.op, &call.form)
            }
            Service::S3 if matches!(call.op.as_str(), "GetObject" | "HeadObject") => {
                jumpstart::get_object(&call.path)
            }
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
    let scope = Scope {
        region: &call.region,
        request: &call.request,
    };
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
