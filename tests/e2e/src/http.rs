//! A server on HTTP.

use reqwest::{Response, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::{
    GLANCE, PATIENCE,
    process::Process,
    wire::{self, Era},
};

/// A server on HTTP. Ends with its owner.
pub struct Http {
    /// The process.
    pub process: Process,
    /// Scheme, host and port.
    pub origin: String,
    client: reqwest::Client,
}

/// A response and the messages in it.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its session id, which a stateless server does not give.
    pub session: Option<String>,
    /// The messages, in order.
    pub messages: Vec<Value>,
    /// The body.
    pub body: String,
}

impl Http {
    /// A server that is about to say where it listens.
    pub async fn listening(process: Process) -> Self {
        let line = process.log.line("listening on http://").await;
        let origin = line.trim_end_matches("/mcp").rsplit("on ").next().unwrap().to_owned();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { process, origin, client }
    }

    /// The address for MCP.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/mcp", self.origin)
    }

    /// Posts a message with the headers that it needs, and more. Returns when the head is there.
    pub async fn open(&self, message: &Value, headers: &[(&str, &str)]) -> Response {
        let accept = "application/json, text/event-stream";
        let mut request = self.client.post(self.url()).header("accept", accept).json(message);
        let params = &message["params"];
        if let Some(version) = params["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str() {
            request = request.header("mcp-protocol-version", version);
            request = request.header("mcp-method", message["method"].as_str().unwrap());
            let name = params["name"].as_str().or(params["taskId"].as_str());
            request = name.into_iter().fold(request, |request, name| request.header("mcp-name", name));
        } else if message["method"] != "initialize" {
            request = request.header("mcp-protocol-version", wire::LEGACY);
        }
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let sent = timeout(PATIENCE, request.send()).await;
        sent.unwrap_or_else(|_| panic!("no answer:\n{}", self.process.log.tail())).unwrap()
    }

    /// Posts a message and reads the whole answer.
    pub async fn post(&self, message: &Value, headers: &[(&str, &str)]) -> Answer {
        read(self.open(message, headers).await).await
    }

    /// Any request; its one answer.
    pub async fn request(&self, era: Era, method: &str, params: Value) -> Value {
        let answer = self.post(&wire::request(era, 1, method, params), &[]).await;
        answer.messages.last().unwrap_or_else(|| panic!("no message: {answer:?}")).clone()
    }

    /// Calls a tool.
    pub async fn call(&self, era: Era, tool: &str, arguments: Value) -> Value {
        self.request(era, "tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// Starts a task: its id.
    pub async fn task(&self, tool: &str, arguments: Value) -> String {
        let answer = self.call(Era::Tasks, tool, arguments).await;
        assert_eq!(answer["result"]["resultType"], "task", "{answer}");
        answer["result"]["taskId"].as_str().unwrap().to_owned()
    }

    /// `tasks/get`.
    pub async fn get_task(&self, id: &str) -> Value {
        self.request(Era::Tasks, "tasks/get", json!({ "taskId": id })).await
    }

    /// `tasks/cancel`.
    pub async fn cancel_task(&self, id: &str) -> Value {
        self.request(Era::Tasks, "tasks/cancel", json!({ "taskId": id })).await
    }

    /// The text at another path.
    pub async fn get(&self, path: &str) -> String {
        self.client.get(format!("{}{path}", self.origin)).send().await.unwrap().text().await.unwrap()
    }

    /// Waits until the text at another path contains `text`.
    pub async fn shows(&self, path: &str, text: &str) {
        let started = Instant::now();
        loop {
            let shown = self.get(path).await;
            if shown.contains(text) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{text} is not at {path}:\n{shown}");
            sleep(GLANCE).await;
        }
    }
}

/// Reads an answer to its end: JSON or an event stream.
///
/// # Panics
/// When it does not come, or carries what is no JSON-RPC.
pub async fn read(response: Response) -> Answer {
    let status = response.status().as_u16();
    let text =
        |header: Option<&reqwest::header::HeaderValue>| header.and_then(|it| it.to_str().ok()).map(str::to_owned);
    let session = text(response.headers().get("mcp-session-id"));
    let kind = text(response.headers().get(CONTENT_TYPE)).unwrap_or_default();
    let body = timeout(PATIENCE, response.text()).await.expect("the answer ends").unwrap();
    let message = |text: &str| wire::message(text.as_bytes()).unwrap();
    let messages = if kind.starts_with("text/event-stream") {
        let data = body.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim);
        data.filter(|data| !data.is_empty()).map(message).collect()
    } else if kind.starts_with("application/json") {
        vec![message(&body)]
    } else {
        Vec::new()
    };
    Answer { status, session, messages, body }
}
