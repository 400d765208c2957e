//! A real rmcp client at the tools above a [`Fake`]. Every answer that passes here is held
//! against the tool's schema, and every call that it names against that tool's arguments.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use jsonschema::Validator;
use longhaul::{
    mcp::{Server, Settings},
    tool::Class,
};
use rmcp::{
    RoleClient,
    model::{CallToolRequestParams, ProtocolVersion, Tool},
    service::{ClientLifecycleMode, ClientServiceExt, RunningService},
};
use sagemaker_mcp::Config;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    time::Instant,
};

use crate::fake::Fake;

pub(crate) struct Desk {
    pub(crate) fake: Arc<Fake>,
    client: RunningService<RoleClient, ()>,
    tap: Arc<Tap>,
}

/// Sits on the wire. rmcp's client always asks for progress; here it can be kept from asking.
struct Tap {
    born: Instant,
    asks_for_progress: AtomicBool,
    heard: Mutex<Vec<(u64, Value)>>,
}

/// A tool's answer.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) is_error: bool,
    pub(crate) report: Value,
    pub(crate) sentence: String,
    /// Seconds since the connection was made.
    pub(crate) at: u64,
}

impl Told {
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.report.pointer(pointer).and_then(Value::as_str).unwrap_or("nothing")
    }

    pub(crate) fn state(&self) -> &str {
        self.text("/state")
    }

    pub(crate) fn code(&self) -> &str {
        self.text("/error/code")
    }

    /// The call that it names, for itself or in its result.
    pub(crate) fn next(&self) -> (&str, Value) {
        let next = [&self.report["next"], &self.report["result"]["next"]].into_iter().find(|next| next.is_object());
        let field = |field: &str| next.and_then(|next| next.get(field));
        (field("tool").and_then(Value::as_str).unwrap_or("nothing"), field("arguments").cloned().unwrap_or_default())
    }

    /// Whether one of the hints says so.
    pub(crate) fn advises(&self, words: &str) -> bool {
        self.report["error"]["troubleshooting"].to_string().contains(words)
    }
}

pub(crate) fn all() -> Settings {
    Settings { allowed: Class::Destructive, ..Settings::default() }
}

pub(crate) fn config() -> Config {
    Config { region: Some("us-east-2".into()), ..Config::default() }
}

/// The server with every tool listed.
pub(crate) fn server_of(fake: Arc<Fake>, config: &Config) -> Server {
    sagemaker_mcp::server(fake, config, all())
}

impl Desk {
    pub(crate) async fn open(fake: Fake) -> Self {
        Self::with(fake, &config()).await
    }

    pub(crate) async fn with(fake: Fake, config: &Config) -> Self {
        let fake = Arc::new(fake);
        Self::at(server_of(fake.clone(), config), fake).await
    }

    /// Another process above the same AWS.
    pub(crate) async fn open_at(fake: &Arc<Fake>) -> Self {
        Self::at(server_of(fake.clone(), &config()), fake.clone()).await
    }

    /// A client of this very server.
    pub(crate) async fn at(server: Server, fake: Arc<Fake>) -> Self {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let (relayed, end) = tokio::io::duplex(1 << 20);
        tokio::spawn(async move {
            if let Ok(serving) = rmcp::ServiceExt::serve(server, ours).await {
                let _ = serving.waiting().await;
            }
        });
        let tap = Arc::new(Tap { born: Instant::now(), asks_for_progress: true.into(), heard: Mutex::default() });
        let ((from_server, to_server), (from_client, to_client)) =
            (tokio::io::split(theirs), tokio::io::split(relayed));
        tokio::spawn(relay(from_client, to_server, tap.clone(), false));
        tokio::spawn(relay(from_server, to_client, tap.clone(), true));
        let modern = ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] };
        let client = ().serve_with_lifecycle(end, modern).await.unwrap();
        Self { fake, client, tap }
    }

    /// Calls a tool as a client that shows no progress.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Told {
        self.ask(tool, arguments, false).await
    }

    /// Calls a tool as a client that shows progress.
    pub(crate) async fn watch(&self, tool: &str, arguments: Value) -> Told {
        self.ask(tool, arguments, true).await
    }

    /// Makes the call that an answer names.
    pub(crate) async fn go_on(&self, told: &Told) -> Told {
        let (tool, arguments) = told.next();
        self.watch(tool, arguments).await
    }

    async fn ask(&self, tool: &str, arguments: Value, progress: bool) -> Told {
        self.tap.asks_for_progress.store(progress, Ordering::SeqCst);
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments.as_object().unwrap().clone());
        let result = self.client.call_tool(params).await.unwrap();
        let result = serde_json::to_value(result).unwrap();
        let report = result["structuredContent"].clone();
        let copy: Value = serde_json::from_str(result["content"][1]["text"].as_str().unwrap()).unwrap();
        assert_eq!(copy, report, "the texts differ");
        conforms(tool, &report);
        Told {
            is_error: result["isError"] == true,
            sentence: result["content"][0]["text"].as_str().unwrap().to_owned(),
            report,
            at: self.tap.born.elapsed().as_secs(),
        }
    }

    /// The progress so far: when, how far, what.
    pub(crate) fn progress(&self) -> Vec<(u64, f64, String)> {
        let heard = self.heard();
        let news = heard.iter().filter(|(_, line)| line["method"] == "notifications/progress");
        news.map(|(at, line)| {
            let params = &line["params"];
            (*at, params["progress"].as_f64().unwrap(), params["message"].as_str().unwrap().to_owned())
        })
        .collect()
    }

    /// Whether these words have reached the client, in whatever it was sent.
    pub(crate) fn has_heard(&self, words: &str) -> bool {
        self.heard().iter().any(|(_, line)| line.to_string().contains(words))
    }

    /// Everything that the server has sent.
    pub(crate) fn heard(&self) -> Vec<(u64, Value)> {
        self.tap.heard.lock().unwrap().clone()
    }
}

async fn relay(from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, tap: Arc<Tap>, to_client: bool) {
    let mut lines = BufReader::new(from).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let mut message: Value = serde_json::from_str(&line).unwrap();
        if to_client {
            tap.heard.lock().unwrap().push((tap.born.elapsed().as_secs(), message.clone()));
        } else if !tap.asks_for_progress.load(Ordering::SeqCst)
            && let Some(meta) = message.pointer_mut("/params/_meta").and_then(Value::as_object_mut)
        {
            meta.remove("progressToken");
        }
        if to.write_all(format!("{message}\n").as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The tools as they are listed where everything is allowed.
pub(crate) static TOOLS: LazyLock<Vec<Tool>> =
    LazyLock::new(|| server_of(Arc::new(Fake::new()), &config()).tools().to_vec());

type Schemas = HashMap<String, (Validator, Validator)>;

/// The schema of the arguments and of the answer of each tool.
static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| {
    let compiled = |schema: Value| jsonschema::validator_for(&schema).unwrap();
    let schemas = TOOLS.iter().map(|tool| {
        let input = compiled(json!(tool.input_schema));
        (tool.name.to_string(), (input, compiled(json!(tool.output_schema))))
    });
    schemas.collect()
});

/// Holds an answer against the tool's schema, and each call that it names against the arguments
/// of the tool named.
pub(crate) fn conforms(tool: &str, report: &Value) {
    let broken = |schema: &Validator, value: &Value| -> Vec<String> {
        schema.iter_errors(value).map(|error| error.to_string()).collect()
    };
    assert_eq!(broken(&SCHEMAS[tool].1, report), Vec::<String>::new(), "{tool}: {report}");
    assert_eq!(words_that_are_no_name(&our_words(report)), [""; 0], "{tool}: {report}");
    for next in calls_in(report) {
        let named = next["tool"].as_str().unwrap();
        let Some((arguments, _)) = SCHEMAS.get(named) else { panic!("there is no tool {named}: {next}") };
        assert_eq!(broken(arguments, &next["arguments"]), Vec::<String>::new(), "{tool} names {next}");
    }
}

/// Every call that a value names, at whatever depth.
pub(crate) fn calls_in(value: &Value) -> Vec<Value> {
    let inner: Vec<&Value> = match value {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(items) => items.iter().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![],
    };
    let mut calls: Vec<Value> = inner.into_iter().flat_map(calls_in).collect();
    if value["tool"].is_string() && value["arguments"].is_object() {
        calls.push(value.clone());
    }
    calls
}

/// What we say ourselves in an answer.
fn our_words(report: &Value) -> String {
    let says =
        ["/message", "/error/message", "/error/troubleshooting", "/next/why", "/result/message", "/result/usage_note"];
    says.iter().filter_map(|says| report.pointer(says)).map(Value::to_string).collect::<Vec<_>>().join(" ")
}

/// Words that look like the name of a tool but are neither that nor an argument.
pub(crate) fn words_that_are_no_name(text: &str) -> Vec<String> {
    let arguments = TOOLS.iter().flat_map(|tool| tool.input_schema["properties"].as_object().unwrap().keys());
    let known: HashSet<&str> =
        TOOLS.iter().map(|tool| tool.name.as_ref()).chain(arguments.map(String::as_str)).collect();
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '_'));
    let named = words.filter(|word| VERBS.iter().any(|verb| word.starts_with(verb)) && !known.contains(word));
    named.map(str::to_owned).collect()
}

const VERBS: [&str; 8] = ["deploy_", "wait_", "list_", "describe_", "delete_", "cleanup_", "find_", "get_"];
