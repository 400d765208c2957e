//! A real rmcp client behind a tap that keeps every line the server sent, in order.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
};

use longhaul::mcp::Server;
use rmcp::{
    ClientHandler, RoleClient,
    model::{CallToolRequestParams, CallToolResponse, ClientCapabilities, ClientConfig, ProtocolVersion},
    service::{ClientLifecycleMode, ClientServiceExt, RunningService},
};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, ReadHalf, WriteHalf};

use crate::tools::serve;

pub(crate) struct Tapped {
    pub(crate) client: RunningService<RoleClient, Caller>,
    /// What the client sent.
    sent: Lines,
    /// What the server sent.
    lines: Lines,
}

type Lines = Arc<Mutex<Vec<Value>>>;

/// Hands on line by line and keeps what it has seen.
async fn relay(from: ReadHalf<DuplexStream>, mut to: WriteHalf<DuplexStream>, seen: Lines) {
    let mut incoming = BufReader::new(from).lines();
    while let Ok(Some(line)) = incoming.next_line().await {
        seen.lock().unwrap().push(serde_json::from_str(&line).unwrap());
        if to.write_all(format!("{line}\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A client that declares the tasks extension or not.
pub(crate) struct Caller {
    tasks: bool,
}

impl ClientHandler for Caller {
    fn get_info(&self) -> ClientConfig {
        let mut info = ClientConfig::default();
        if self.tasks {
            info.capabilities = ClientCapabilities::builder().enable_tasks().build();
        }
        info
    }
}

pub(crate) fn modern() -> ClientLifecycleMode {
    ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] }
}

pub(crate) fn legacy() -> ClientLifecycleMode {
    ClientLifecycleMode::Initialize
}

impl Tapped {
    pub(crate) async fn connect(server: &Server, mode: ClientLifecycleMode, tasks: bool) -> Self {
        let (from_server, to_server) = tokio::io::split(serve(server, 1 << 16));
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (from_client, to_client) = tokio::io::split(theirs);
        let (sent, lines) = (Lines::default(), Lines::default());
        tokio::spawn(relay(from_client, to_server, sent.clone()));
        tokio::spawn(relay(from_server, to_client, lines.clone()));
        let client = Caller { tasks }.serve_with_lifecycle(ours, mode).await.unwrap();
        Self { client, sent, lines }
    }

    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> CallToolResponse {
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments.as_object().unwrap().clone());
        self.client.call_tool_once(params).await.unwrap()
    }

    /// The structured answer of a call that is over.
    pub(crate) async fn report(&self, tool: &str, arguments: Value) -> Value {
        match self.call(tool, arguments).await {
            CallToolResponse::Complete(result) => result.structured_content.unwrap(),
            other => panic!("not an answer: {other:?}"),
        }
    }

    /// Answers and progress notifications on the wire; panics where progress comes after the answer.
    pub(crate) fn in_order(&self) -> (usize, usize) {
        let mut tokens = HashMap::new();
        for request in self.sent.lock().unwrap().iter() {
            let token = &request["params"]["_meta"]["progressToken"];
            tokens.insert(token.to_string(), request["id"].to_string());
        }
        let (mut over, mut progress) = (HashSet::new(), 0);
        for line in self.lines.lock().unwrap().iter() {
            if line["method"] == "notifications/progress" {
                progress += 1;
                let id = &tokens[&line["params"]["progressToken"].to_string()];
                assert!(!over.contains(id), "progress after the reply: {line}");
            } else {
                over.insert(line["id"].to_string());
            }
        }
        (over.len(), progress)
    }
}
