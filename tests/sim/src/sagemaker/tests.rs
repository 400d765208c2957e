//! The simulator over a raw socket: what a client really sees on the wire.

use std::io::ErrorKind;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

mod deployments;
mod limits;
mod log_groups;
mod updates;

/// What came back: all bytes until the connection ended, and how it ended.
struct Raw {
    text: String,
    end: Option<ErrorKind>,
}

impl Raw {
    fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    fn json(&self) -> Value {
        serde_json::from_str(self.body()).unwrap_or(Value::Null)
    }

    fn status(&self) -> &str {
        self.text.split(' ').nth(1).unwrap_or_default()
    }
}

struct Client {
    sim: Running,
}

impl Client {
    async fn start() -> Self {
        let sim = start(Settings::default()).await.unwrap();
        Self { sim }
    }

    async fn open(&self, method: &str, path: &str, target: &str, body: &str) -> TcpStream {
        let host = self.sim.url().trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).await.unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{target}\
             Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    async fn raw(&self, method: &str, path: &str, target: &str, body: &str) -> Raw {
        let mut stream = self.open(method, path, target, body).await;
        let mut bytes = Vec::new();
        let end = stream.read_to_end(&mut bytes).await.err().map(|e| e.kind());
        let text = String::from_utf8(bytes).unwrap();
        Raw { text, end }
    }

    async fn call(&self, op: &str, body: Value) -> Raw {
        self.call_other(&format!("SageMaker.{op}"), body).await
    }

    /// An operation of any service that speaks JSON, by its whole target.
    async fn call_other(&self, target: &str, body: Value) -> Raw {
        let target = format!("X-Amz-Target: {target}\r\n");
        self.raw("POST", "/", &target, &body.to_string()).await
    }

    /// An answer that has to be a good one.
    async fn ask(&self, target: &str, body: Value) -> Value {
        let answer = self.call_other(target, body).await;
        assert_eq!(answer.status(), "200", "{target}: {}", answer.text);
        answer.json()
    }

    /// The code and the message of a refusal.
    async fn refused(&self, target: &str, body: Value) -> String {
        let answer = self.call_other(target, body).await;
        assert_eq!(answer.status(), "400", "{target}: {}", answer.text);
        let error = answer.json();
        format!("{}: {}", error["__type"].as_str().unwrap(), error["message"].as_str().unwrap())
    }

    async fn describe(&self, name: &str) -> Value {
        self.ask("SageMaker.DescribeEndpoint", json!({"EndpointName": name})).await
    }

    async fn advance(&self, seconds: u32) {
        self.control("/_sim/advance", json!({"seconds": seconds})).await;
    }

    /// A configuration of the model `m` with these fields in its variant `v`.
    async fn configure(&self, name: &str, fields: Value) {
        let mut variant = json!({"VariantName": "v", "ModelName": "m"});
        variant.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let config = json!({"EndpointConfigName": name, "ProductionVariants": [variant]});
        self.ask("SageMaker.CreateEndpointConfig", config).await;
    }

    async fn control(&self, path: &str, body: Value) -> Value {
        let answer = self.raw("POST", path, "", &body.to_string()).await;
        assert_eq!(answer.status(), "200", "{}", answer.text);
        answer.json()
    }

    /// Waits until a request of the log has this outcome.
    async fn outcome(&self, n: usize, expected: &str) {
        for _ in 0..500 {
            if self.get("/_sim/log").await[n]["outcome"] == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("request {n} is not {expected}");
    }

    async fn get(&self, path: &str) -> Value {
        self.raw("GET", path, "", "").await.json()
    }

    /// A model, a configuration of it, and these endpoints.
    async fn deploy(&self, endpoints: &[&str]) {
        let role = "arn:aws:iam::123456789012:role/SageMakerExec";
        let image = json!({"Image": "i"});
        let model = json!({"ModelName": "m", "ExecutionRoleArn": role, "PrimaryContainer": image});
        assert_eq!(self.call("CreateModel", model).await.status(), "200");
        let variant = json!({"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large"});
        let config = json!({"EndpointConfigName": "c", "ProductionVariants": [variant]});
        assert_eq!(self.call("CreateEndpointConfig", config).await.status(), "200");
        for name in endpoints {
            let answer = self.call("CreateEndpoint", create(name)).await;
            assert_eq!(answer.status(), "200", "{}", answer.text);
        }
    }
}

fn create(name: &str) -> Value {
    json!({"EndpointName": name, "EndpointConfigName": "c"})
}

#[tokio::test]
async fn errors_have_the_type_in_the_body_and_a_request_id() {
    let client = Client::start().await;
    let answer = client.call("DescribeEndpoint", json!({"EndpointName": "e"})).await;
    assert_eq!(answer.status(), "400");
    assert!(answer.text.contains("x-amzn-requestid: "), "{}", answer.text);
    let arn = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e";
    let message = format!("Could not find endpoint \"{arn}\".");
    let expected = json!({"__type": "ValidationException", "message": message});
    assert_eq!(answer.json(), expected);
    let unknown = client.call("Teleport", json!({})).await;
    assert_eq!(unknown.json()["__type"], "UnknownOperationException");
    let malformed = client.raw("POST", "/", "X-Amz-Target: SageMaker.ListModels\r\n", "[").await;
    assert_eq!(malformed.json()["__type"], "SerializationException");
}

#[tokio::test]
async fn reset_really_resets_and_carries_nothing_out() {
    let client = Client::start().await;
    client.deploy(&[]).await;
    client.control("/_sim/fault", json!({"op": "CreateEndpoint", "kind": "reset"})).await;
    let answer = client.call("CreateEndpoint", create("e")).await;
    assert_eq!((answer.text.as_str(), answer.end), ("", Some(ErrorKind::ConnectionReset)));
    assert_eq!(client.get("/_sim/state").await["created"]["endpoints"], 0);
    assert_eq!(client.call("CreateEndpoint", create("e")).await.status(), "200");
}

#[tokio::test]
async fn commit_then_reset_carries_it_out() {
    let client = Client::start().await;
    client.deploy(&[]).await;
    let fault = json!({"op": "CreateEndpoint", "kind": "commit_then_reset"});
    client.control("/_sim/fault", fault).await;
    let answer = client.call("CreateEndpoint", create("e")).await;
    assert_eq!((answer.text.as_str(), answer.end), ("", Some(ErrorKind::ConnectionReset)));
    assert_eq!(client.get("/_sim/state").await["endpoints"][0]["name"], "e");
    let log = client.get("/_sim/log").await;
    let last = &log[2];
    assert_eq!((&last["status"], &last["outcome"]), (&json!(200), &json!("reset")));
}

#[tokio::test]
async fn truncate_sends_half_of_what_it_promised() {
    let client = Client::start().await;
    client.control("/_sim/fault", json!({"op": "ListModels", "kind": "truncate"})).await;
    let answer = client.call("ListModels", json!({})).await;
    assert!(answer.text.contains("content-length: 13"), "{}", answer.text);
    assert_eq!(answer.body(), "{\"Mode");
}

#[tokio::test]
async fn an_empty_answer_can_be_truncated_too() {
    let client = Client::start().await;
    client.deploy(&[]).await;
    client.control("/_sim/fault", json!({"op": "DeleteModel", "kind": "truncate"})).await;
    let answer = client.call("DeleteModel", json!({"ModelName": "m"})).await;
    assert!(answer.text.contains("content-length: 1\r"), "{}", answer.text);
    assert_eq!(answer.body(), "");
}

#[tokio::test]
async fn a_hang_outlives_a_client_that_leaves_without_doing_its_work() {
    let client = Client::start().await;
    client.deploy(&[]).await;
    let hang = json!({"op": "CreateEndpoint", "kind": "hang", "seconds": 60});
    client.control("/_sim/fault", hang).await;
    let target = "X-Amz-Target: SageMaker.CreateEndpoint\r\n";
    let body = create("e").to_string();
    let stream = client.open("POST", "/", target, &body).await;
    client.outcome(2, "running").await;
    drop(stream);
    client.outcome(2, "abandoned").await;
    assert_eq!(client.get("/_sim/state").await["created"]["endpoints"], 0);
}

#[tokio::test]
async fn refusals_carry_the_header_that_was_asked_for() {
    let client = Client::start().await;
    let fault = json!({"op": "*", "kind": "throttle", "retry_after": 3, "times": 2});
    client.control("/_sim/fault", fault).await;
    let answer = client.call("ListModels", json!({})).await;
    assert_eq!(answer.json()["__type"], "ThrottlingException");
    assert!(answer.text.contains("retry-after: 3\r"), "{}", answer.text);
    let sts = "Action=GetCallerIdentity&Version=2011-06-15";
    let answer = client.raw("POST", "/", "", sts).await;
    assert!(answer.body().contains("<Code>Throttling</Code>"), "{}", answer.text);
}

#[tokio::test]
async fn shutdown_drops_what_is_open() {
    let client = Client::start().await;
    client.control("/_sim/fault", json!({"op": "*", "kind": "hang"})).await;
    let target = "X-Amz-Target: SageMaker.ListModels\r\n";
    let mut stream = client.open("POST", "/", target, "{}").await;
    client.outcome(0, "running").await;
    client.sim.shutdown().await;
    let mut rest = Vec::new();
    let end = stream.read_to_end(&mut rest);
    let end = tokio::time::timeout(Duration::from_secs(5), end).await;
    assert!(end.is_ok() && rest.is_empty());
}

#[tokio::test]
async fn the_control_api_refuses_what_it_does_not_understand() {
    let client = Client::start().await;
    for (path, body) in [
        ("/_sim/fault", json!({"op": "*", "kind": "flood"})),
        ("/_sim/script", json!({"endpoint": "*", "timeline": []})),
        ("/_sim/settings", json!({"speed": 2})),
        ("/_sim/settings", json!({"time_factor": 0})),
    ] {
        let answer = client.raw("POST", path, "", &body.to_string()).await;
        assert_eq!(answer.status(), "400", "{path} {body}");
        assert!(answer.json()["error"].is_string(), "{}", answer.text);
    }
}

#[tokio::test]
async fn reset_goes_back_to_the_start() {
    let client = Client::start().await;
    let fresh = client.get("/_sim/settings").await;
    client.deploy(&["e"]).await;
    client.control("/_sim/settings", json!({"time_factor": 60.0, "endpoint_quota": 1})).await;
    client.control("/_sim/fault", json!({"op": "*", "kind": "throttle", "times": -1})).await;
    client.control("/_sim/reset", json!({})).await;
    assert_eq!(client.get("/_sim/settings").await, fresh);
    assert_eq!(client.get("/_sim/log").await, json!([]));
    assert_eq!(client.get("/_sim/state").await["created"]["models"], 0);
    client.deploy(&["e"]).await;
}
