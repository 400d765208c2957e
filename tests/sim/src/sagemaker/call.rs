//! A request of the simulated services: which of them it addresses, and what it
//! is about.

use axum::http::{HeaderMap, Method, Uri};
use serde_json::{Map, Value, json};

use super::service::Service;
use super::{runtime, wire};
use crate::faults::Delivery;
use crate::log::{Entry, Outcome, Pending};

/// The fields that say what a request is about, the most telling first.
const NAMING: [&str; 13] = [
    "EndpointName",
    "EndpointConfigName",
    "ModelName",
    "HubContentName",
    "HubName",
    "ResourceArn",
    "ResourceId",
    "logGroupName",
    "logGroupIdentifier",
    "logGroupNamePrefix",
    "logGroupNamePattern",
    "QuotaCode",
    "ServiceCode",
];

/// The largest body of an invocation that goes into the log, in bytes.
const LOGGED_BODY: usize = 65_536;

/// A request, before anything is done about it.
pub(super) struct Call {
    pub(super) service: Service,
    pub(super) op: String,
    pub(super) resource: Option<String>,
    pub(super) region: String,
    pub(super) request: Map<String, Value>,
    pub(super) path: String,
    pub(super) form: Vec<(String, String)>,
    /// The body is no JSON object.
    pub(super) malformed: bool,
}

impl Call {
    /// Tells the protocols apart, which share the port.
    pub(super) fn read(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Self {
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
            None if method == Method::POST && call.path.starts_with(runtime::PATH) => {
                call.read_invocation(headers, body)
            }
            None if method == Method::POST => call.read_query(body),
            None => call.read_s3(method),
        }
    }

    fn read_json(mut self, target: &str, body: &[u8]) -> Self {
        let (service, op) = Service::of_target(target);
        (self.service, self.op) = (service, op.to_owned());
        match serde_json::from_slice(body) {
            Ok(Value::Object(request)) => self.request = request,
            _ => self.malformed = true,
        }
        let mut named = NAMING.iter().filter_map(|f| self.request.get(*f)?.as_str());
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
        self.resource = field("RoleName").or_else(|| field("PolicySourceArn"));
        let of_sts = field("Version").as_deref() == Some("2011-06-15");
        self.service = if of_sts { Service::Sts } else { Service::Iam };
        let pairs = self.form.iter().map(|(k, v)| (k.clone(), json!(v)));
        self.request = pairs.collect();
        self
    }

    /// The name is in the path, everything else in headers; the body is anybody's.
    fn read_invocation(mut self, headers: &HeaderMap, body: &[u8]) -> Self {
        self.service = Service::Runtime;
        let path = self.path.strip_prefix(runtime::PATH).unwrap_or_default();
        let (name, op) = path.split_once('/').unwrap_or((path, ""));
        self.op = if op == "invocations" { "InvokeEndpoint".to_owned() } else { op.to_owned() };
        self.resource = Some(name.to_owned());
        let mut put = |field: &str, value: Value| drop(self.request.insert(field.to_owned(), value));
        put("EndpointName", json!(name));
        put("Bytes", json!(body.len()));
        if body.len() <= LOGGED_BODY {
            put("Body", json!(String::from_utf8_lossy(body)));
        }
        for (field, header) in runtime::HEADERS {
            if let Some(value) = headers.get(header).and_then(|value| value.to_str().ok()) {
                put(field, json!(value));
            }
        }
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

    /// Its line in the log, while it runs.
    pub(super) fn entry(&self, at: f64) -> Entry {
        Entry {
            n: 0,
            at,
            service: self.service.name().to_owned(),
            op: self.op.clone(),
            resource: self.resource.clone(),
            region: Some(self.region.clone()),
            request: Value::Object(self.request.clone()),
            status: None,
            error: None,
            fault: None,
            outcome: Outcome::Open(Pending::Running),
        }
    }

    /// Its line on stderr, once it is over.
    pub(super) fn tell(&self, status: Option<u16>, code: Option<&str>, delivery: Delivery) {
        let resource = self.resource.as_deref().unwrap_or("-");
        let status = status.map_or_else(|| "-".to_owned(), |status| status.to_string());
        let (service, op) = (self.service.name(), &self.op);
        let code = code.unwrap_or("ok");
        eprintln!("{service} {op} {resource} {status} {code} {delivery:?}");
    }
}
