//! A client that speaks JSON-RPC line by line: it can do what no well-behaved client does, and
//! sees the order of what arrives. Every tool answer it reads is held against the tool's schema.

use std::{collections::HashMap, time::Duration};

use longhaul::mcp::Server;
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf},
    time::{Instant, timeout},
};

use crate::tools::serve;

pub(crate) struct Wire {
    out: WriteHalf<DuplexStream>,
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    /// What every request says of the client: 2026-07-28 and its capabilities, or nothing.
    meta: Map<String, Value>,
    schemas: HashMap<String, Value>,
    /// The tool of each open call.
    calls: HashMap<String, String>,
    next_id: u64,
    born: Instant,
    /// Everything that arrived, and when, in seconds since the connection was made.
    pub(crate) heard: Vec<(f64, Value)>,
}

/// A tool's answer, its schema checked.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) is_error: bool,
    pub(crate) report: Value,
    pub(crate) sentence: String,
    /// When it arrived.
    pub(crate) at: f64,
}

impl Told {
    pub(crate) fn state(&self) -> &str {
        self.report["state"].as_str().unwrap_or("no state")
    }

    pub(crate) fn code(&self) -> &str {
        self.report["error"]["code"].as_str().unwrap_or("no error")
    }
}

pub(crate) const TASKS: &str = "io.modelcontextprotocol/tasks";

pub(crate) fn tasks() -> Value {
    json!({"extensions": {TASKS: {}}})
}

impl Wire {
    /// A client of 2026-07-28 that declares no extension.
    pub(crate) fn modern(server: &Server) -> Self {
        Self::declaring(server, json!({}))
    }

    /// A client of 2026-07-28 with these capabilities.
    pub(crate) fn declaring(server: &Server, capabilities: Value) -> Self {
        Self::bare(server, 1 << 16).speaking(capabilities)
    }

    /// A client of 2026-07-28 behind a pipe that holds so many bytes.
    pub(crate) fn narrow(server: &Server, bytes: usize) -> Self {
        Self::bare(server, bytes).speaking(json!({}))
    }

    fn speaking(mut self, capabilities: Value) -> Self {
        let wire = &mut self;
        wire.meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "wire", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        })
        .as_object()
        .unwrap()
        .clone();
        self
    }

    /// A client of an older version, past its handshake.
    pub(crate) async fn legacy(server: &Server, version: &str, capabilities: Value) -> Self {
        let mut wire = Self::bare(server, 1 << 16);
        let hello = json!({"protocolVersion": version, "capabilities": capabilities, "clientInfo": {"name": "wire", "version": "1"}});
        let answer = wire.request("initialize", hello).await;
        assert_eq!(answer["result"]["protocolVersion"], version, "{answer}");
        wire.send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        wire
    }

    /// A connection over a pipe of so many bytes, with nothing said yet.
    pub(crate) fn bare(server: &Server, bytes: usize) -> Self {
        let (read, out) = tokio::io::split(serve(server, bytes));
        let schemas = server.tools().iter().map(|tool| {
            let schema = serde_json::to_value(tool.output_schema.clone()).unwrap();
            (tool.name.to_string(), schema)
        });
        Self {
            out,
            lines: BufReader::new(read).lines(),
            meta: Map::new(),
            schemas: schemas.collect(),
            calls: HashMap::new(),
            next_id: 0,
            born: Instant::now(),
            heard: vec![],
        }
    }

    pub(crate) async fn send(&mut self, message: Value) {
        self.send_line(&message.to_string()).await;
    }

    pub(crate) async fn send_line(&mut self, line: &str) {
        self.out.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Sends a request without waiting for its answer; its id.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next_id += 1;
        self.ask_as(json!(self.next_id), method, params).await
    }

    /// The same with an id of the caller's choice.
    pub(crate) async fn ask_as(&mut self, id: Value, method: &str, mut params: Value) -> Value {
        if let Some(tool) = params["name"].as_str().filter(|_| method == "tools/call") {
            self.calls.insert(id.to_string(), tool.to_owned());
        }
        let mut meta = self.meta.clone();
        meta.extend(params["_meta"].as_object().cloned().unwrap_or_default());
        if !meta.is_empty() {
            params["_meta"] = meta.into();
        }
        self.send(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await;
        id
    }

    /// Starts a tool call with `meta` beside it; its id.
    pub(crate) async fn start(&mut self, tool: &str, arguments: Value, meta: Value) -> Value {
        self.ask("tools/call", json!({"name": tool, "arguments": arguments, "_meta": meta})).await
    }

    /// Reads the next message; `None` when the pipe has ended.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let line = self.lines.next_line().await.unwrap()?;
        let message: Value = serde_json::from_str(&line).unwrap();
        self.heard.push((self.born.elapsed().as_secs_f64(), message.clone()));
        Some(message)
    }

    /// Reads until the answer to `id` has come.
    pub(crate) async fn answer(&mut self, id: &Value) -> Value {
        loop {
            let message = self.next().await.expect("the connection ended before the answer came");
            if message["id"] == *id && message["method"].is_null() {
                return message;
            }
        }
    }

    pub(crate) async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params).await;
        self.answer(&id).await
    }

    /// Calls a tool and reads its answer.
    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Told {
        let id = self.start(tool, arguments, json!({})).await;
        self.told(&id).await
    }

    /// Calls a tool with a progress token.
    pub(crate) async fn call_with_token(&mut self, tool: &str, arguments: Value, token: Value) -> Told {
        let id = self.start(tool, arguments, json!({"progressToken": token})).await;
        self.told(&id).await
    }

    /// The answer of a tool, held against its schema.
    pub(crate) async fn told(&mut self, id: &Value) -> Told {
        let answer = self.answer(id).await;
        let result = &answer["result"];
        assert!(result["structuredContent"].is_object(), "no tool result: {answer}");
        self.conforms(&self.calls[&id.to_string()], result);
        Told {
            is_error: result["isError"] == true,
            report: result["structuredContent"].clone(),
            sentence: result["content"][0]["text"].as_str().unwrap().to_owned(),
            at: self.heard.last().unwrap().0,
        }
    }

    /// A tool result has one sentence, then the JSON, and matches the tool's output schema.
    pub(crate) fn conforms(&self, tool: &str, result: &Value) {
        let report = &result["structuredContent"];
        let text = result["content"][1]["text"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), *report, "the texts differ");
        // A tool that is not listed has no schema to break.
        if let Some(schema) = self.schemas.get(tool) {
            let broken: Vec<String> =
                jsonschema::validator_for(schema).unwrap().iter_errors(report).map(|e| e.to_string()).collect();
            assert!(broken.is_empty(), "{tool}: {broken:?} in {report}");
        }
    }

    /// Cancels a request as a client does.
    pub(crate) async fn cancel(&mut self, id: &Value) {
        let params = json!({"requestId": id, "reason": "no patience"});
        self.send(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})).await;
    }

    /// Listens for so long; what arrived meanwhile.
    pub(crate) async fn listen(&mut self, time: Duration) -> Vec<Value> {
        let (before, end) = (self.heard.len(), Instant::now() + time);
        while let Ok(Some(_)) = timeout(end.saturating_duration_since(Instant::now()), self.next()).await {}
        self.heard[before..].iter().map(|(_, message)| message.clone()).collect()
    }

    /// Progress notifications that arrived: when, how far, of how much, and the message.
    pub(crate) fn progress(&self) -> Vec<(f64, f64, f64, String)> {
        let heard = self.heard.iter().filter(|(_, message)| message["method"] == "notifications/progress");
        heard
            .map(|(at, message)| {
                let params = &message["params"];
                let number = |name: &str| params[name].as_f64().unwrap();
                (*at, number("progress"), number("total"), params["message"].as_str().unwrap().to_owned())
            })
            .collect()
    }
}
