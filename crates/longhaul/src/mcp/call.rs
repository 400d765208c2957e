//! One call: its own arguments, its path, its panic guard, its audit line.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::{FutureExt, future::BoxFuture};
use rmcp::{
    ErrorData, RoleServer,
    model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, JsonObject, ProtocolVersion},
    service::RequestContext,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::time::Instant;
use tracing::Instrument;

use super::{AnyTool, Inner, MAX_WAIT_SECONDS};
use crate::{
    clock,
    context::{Context, new_trace_id, trace_id_of},
    fault::{Fault, FaultCode},
    text,
    tool::{Ask, Class, authorize},
};

/// Bytes of a W3C `traceparent`; later versions may append to it.
const TRACEPARENT_LENGTH: usize = 55;

/// A call on its way to a tool.
pub(super) struct Call {
    pub(super) server: Arc<Inner>,
    pub(super) arguments: JsonObject,
    pub(super) peer: RequestContext<RoleServer>,
    pub(super) cx: Context,
    pub(super) arrived: Instant,
}

/// A `tasks/…` request on its way to the tool that made the task.
pub(super) struct TaskCall {
    pub(super) server: Arc<Inner>,
    pub(super) id: String,
    pub(super) cx: Context,
}

/// The arguments that belong to the dispatcher.
pub(super) struct OwnArguments {
    pub(super) wait: Option<Duration>,
    pub(super) confirm: Option<String>,
}

/// Answers a call: in the tool's shape, whatever happens.
pub(super) async fn answer(
    server: &Arc<Inner>,
    tool: &dyn AnyTool,
    request: CallToolRequestParams,
    peer: RequestContext<RoleServer>,
) -> CallToolResponse {
    let arrived = Instant::now();
    let cx = context(server, &peer);
    // Anybody may have written it: only what is well formed reaches the log.
    let parent = peer.meta.get_traceparent().filter(|parent| trace_id_of(parent).is_some());
    let parent = parent.and_then(|parent| parent.get(..TRACEPARENT_LENGTH));
    let span = tracing::info_span!("call", tool = tool.name(), trace_id = cx.trace_id(), parent);
    let arguments = request.arguments.unwrap_or_default();
    let call = Call { server: server.clone(), arguments, peer, cx: cx.clone(), arrived };
    let answered = AssertUnwindSafe(async { tool.call(call).await }).catch_unwind().instrument(span).await;
    let response = answered.unwrap_or_else(|panic| tool.failed(server, defect(server, &cx, panic.as_ref())));
    server.metrics.called(tool.name(), outcome_of(&response), arrived.elapsed());
    response
}

/// Answers a `tasks/…` request. A panic becomes a protocol error: here is no tool result to put it in.
pub(super) async fn answer_task<T>(
    server: &Arc<Inner>,
    task: TaskCall,
    answer: impl FnOnce(TaskCall) -> BoxFuture<'static, Result<T, ErrorData>>,
) -> Result<T, ErrorData> {
    let cx = task.cx.clone();
    let span = tracing::info_span!("task", trace_id = cx.trace_id());
    let answered = AssertUnwindSafe(async { answer(task).await }).catch_unwind().instrument(span).await;
    answered.unwrap_or_else(|panic| {
        let fault = defect(server, &cx, panic.as_ref());
        Err(ErrorData::internal_error(fault.message.clone(), serde_json::to_value(&fault).ok()))
    })
}

pub(super) fn context(server: &Inner, peer: &RequestContext<RoleServer>) -> Context {
    let principal = (server.settings.principal)(&peer.extensions);
    let given = peer.meta.get_traceparent().and_then(trace_id_of).map(str::to_owned);
    Context::new(principal, given.unwrap_or_else(new_trace_id))
}

/// What a caller is told of a panic, which is counted; the log has the rest under the same trace id.
pub(super) fn defect(server: &Inner, cx: &Context, panic: &(dyn Any + Send)) -> Fault {
    server.metrics.panicked();
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text::clean(text.unwrap_or("no text"));
    tracing::error!(trace_id = cx.trace_id(), panic = text, "a panic was caught");
    internal(cx)
}

fn internal(cx: &Context) -> Fault {
    let fault = Fault::new(FaultCode::Internal, "the server met a defect of its own; it goes on serving")
        .with_advice("Look at the resource before you repeat the call: part of it may have happened.")
        .with_advice("Report it with the log lines of this trace id.");
    traced(cx, fault)
}

/// With the id under which the log has the rest.
pub(super) fn traced(cx: &Context, mut fault: Fault) -> Fault {
    fault.trace_id.get_or_insert_with(|| cx.trace_id().to_owned());
    fault
}

impl OwnArguments {
    /// Takes what belongs to the dispatcher out of `arguments`.
    pub(super) fn take(arguments: &mut JsonObject, long: bool, class: Class) -> Result<Self, Fault> {
        let wait = match arguments.remove("wait_seconds").filter(|_| long) {
            None | Some(Value::Null) => None,
            Some(value) => match whole(&value) {
                Some(seconds) if seconds <= MAX_WAIT_SECONDS => Some(Duration::from_secs(seconds)),
                _ => {
                    let why = format!(
                        "must be a whole number of seconds from 0 to {MAX_WAIT_SECONDS}, not {}",
                        shown(&value)
                    );
                    return Err(Fault::invalid("wait_seconds", why));
                }
            },
        };
        let confirm = match arguments.remove("confirm").filter(|_| class == Class::Destructive) {
            None | Some(Value::Null) => None,
            Some(Value::String(confirm)) => Some(confirm),
            // The number of several resources may be given as a number.
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(other) => return Err(Fault::invalid("confirm", format!("must be text, not {}", shown(&other)))),
        };
        Ok(Self { wait, confirm })
    }
}

/// Reads the tool's own arguments; the fault says which one is wrong and which there are.
pub(super) fn parse<A: DeserializeOwned>(tool: &dyn AnyTool, arguments: JsonObject) -> Result<A, Fault> {
    // A client that fills optional fields with null means that they are absent.
    let given: JsonObject = arguments.into_iter().filter(|(_, value)| !value.is_null()).collect();
    serde_path_to_error::deserialize(Value::Object(given)).map_err(|error| {
        let path = error.path().to_string();
        let why = text::clean(&error.into_inner().to_string());
        let (argument, why) = wrong_argument(&path, &why);
        let entry = tool.entry();
        let known = entry.input_schema.get("properties").and_then(Value::as_object);
        let names: Vec<&str> = known.into_iter().flat_map(|known| known.keys().map(String::as_str)).collect();
        let takes = if names.is_empty() { "no arguments".to_owned() } else { names.join(", ") };
        Fault::invalid(&argument, text::cap(&why, 512)).with_advice(format!("{} takes: {takes}.", tool.name()))
    })
}

/// Which argument is wrong and why, in our own words where serde's would say it twice.
fn wrong_argument(path: &str, why: &str) -> (String, String) {
    let missing = why.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
    let path = if path == "." { "arguments" } else { path };
    match missing {
        Some(field) if path == "arguments" => (field.to_owned(), "is missing".to_owned()),
        Some(field) => (format!("{path}.{field}"), "is missing".to_owned()),
        None if why.starts_with("unknown field") => {
            (text::cap(path, 64).into_owned(), "there is no such argument".to_owned())
        }
        None => (text::cap(path, 64).into_owned(), why.to_owned()),
    }
}

/// Passes the gate or not, and leaves an audit line of every refused write.
pub(super) fn pass_gate(
    call: &Call,
    tool: &'static str,
    class: Class,
    resource: &str,
    confirm: Option<&str>,
) -> Result<(), Fault> {
    let ask = Ask { tool, class, resource, confirm, principal: call.cx.principal() };
    authorize(call.server.settings.allowed, ask).inspect_err(|fault| {
        audit(&call.cx, tool, class, resource, fault.code.as_str());
    })
}

/// One line per write, on stderr by way of the log: no secret, no payload.
pub(super) fn audit(cx: &Context, tool: &str, class: Class, resource: &str, outcome: &str) {
    if class == Class::Read {
        return;
    }
    tracing::info!(
        target: "longhaul::audit",
        trace_id = cx.trace_id(),
        principal = cx.principal().as_str(),
        tool,
        class = class.as_str(),
        resource = %text::clean(resource),
        outcome,
    );
}

/// Awaits work; a panic becomes a fault.
pub(super) async fn guarded<T>(
    server: &Inner,
    cx: &Context,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| Err(defect(server, cx, panic.as_ref())))
}

/// Runs work as a task of its own that is not dropped with the call; a panic becomes a fault.
/// What came of it is in the audit log, also when nobody waits any more.
pub(super) async fn unbroken<T: Send + 'static>(
    server: &Arc<Inner>,
    cx: &Context,
    outcome: impl FnOnce(&Context, &Result<T, Fault>) + Send + 'static,
    work: impl Future<Output = Result<T, Fault>> + Send + 'static,
) -> Result<T, Fault> {
    let (inner, own) = (server.clone(), cx.clone());
    let work = async move {
        let done = guarded(&inner, &own, work).await;
        outcome(&own, &done);
        done
    };
    // Not joined: the runtime is ending.
    server.works.spawn(work.in_current_span()).await.unwrap_or_else(|_| Err(internal(cx)))
}

/// Where answers hold an object that names a call.
const NEXTS: [&[&str]; 2] = [&[], &["result"]];

/// Where answers hold a `payload` that the caller wants to send, in the caller's own words: changed,
/// it would be another request. Nowhere else is a field of that name anybody's but the vendor's.
const OWN_WORDS: [&[&str]; 2] = [&["result"], &["result", "next", "arguments"]];

/// The object at this place. (`Value::pointer` searches each of its steps for escapes: a tenth of
/// what a call costs.)
fn object_at<'a>(value: &'a mut Value, path: &[&str]) -> Option<&'a mut JsonObject> {
    path.iter().try_fold(value, |value, step| value.get_mut(*step))?.as_object_mut()
}

/// A report as a tool result: made safe, one sentence, then the JSON.
pub(super) fn render(
    server: &Inner,
    report: &impl Serialize,
    sentence: &str,
    is_error: bool,
    limit: usize,
) -> CallToolResult {
    let (mut value, is_error) = match serde_json::to_value(report) {
        Ok(value) => (value, is_error),
        // A map whose keys are no strings, for example: a defect of the tool.
        Err(error) => {
            tracing::error!(%error, "an answer could not be put into JSON");
            let fault = Fault::new(FaultCode::Internal, "the answer could not be put into JSON");
            (serde_json::json!({ "error": fault }), true)
        }
    };
    let own = OWN_WORDS.map(|at| object_at(&mut value, at)?.get_mut("payload").map(Value::take));
    drop_nulls(&mut value);
    let nexts = NEXTS.map(|at| object_at(&mut value, at)?.get("next")?.get("arguments").cloned());
    text::clean_value(&mut value, limit);
    for (at, before) in NEXTS.into_iter().zip(nexts) {
        // A call whose arguments were cut or redacted is another call.
        if let (Some(before), Some(fields)) = (before, object_at(&mut value, at))
            && fields.get("next").and_then(|next| next.get("arguments")) != Some(&before)
        {
            fields.remove("next");
        }
    }
    for (at, own) in OWN_WORDS.into_iter().zip(own) {
        if let (Some(own), Some(fields)) = (own, object_at(&mut value, at)) {
            fields.insert("payload".to_owned(), own);
        }
    }
    name_the_gate(server, &mut value);
    if let Some(code) = value.get("error").and_then(|error| error.get("code")).and_then(Value::as_str) {
        server
            .metrics
            .fault(FaultCode::ALL.into_iter().find(|known| known.as_str() == code).unwrap_or(FaultCode::Internal));
    }
    let content = vec![ContentBlock::text(text::clean(sentence)), ContentBlock::text(value.to_string())];
    let mut result = if is_error { CallToolResult::error(content) } else { CallToolResult::success(content) };
    result.structured_content = Some(value);
    result
}

/// A `next` that this server would refuse says so, also that of a line of a list.
fn name_the_gate(server: &Inner, value: &mut Value) {
    let fields = match value {
        Value::Object(fields) => fields,
        Value::Array(items) => return items.iter_mut().for_each(|item| name_the_gate(server, item)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return,
    };
    for (field, value) in fields.iter_mut() {
        if field != "next" {
            name_the_gate(server, value);
            continue;
        }
        let tool = value.get("tool").and_then(Value::as_str).and_then(|tool| server.tools.get(tool));
        let needed = tool.map(|tool| tool.listed_from()).filter(|needed| *needed > server.settings.allowed);
        if let (Some(needed), Some(Value::String(why))) = (needed, value.get_mut("why")) {
            why.push_str(&format!(
                " Not allowed on this server now: the operator would have to start it with {}.",
                needed.flag()
            ));
        }
    }
}

/// Whether this very request may be answered with a task. Declaring the extension is not enough:
/// a client of an older version that declared it would see an empty success.
pub(super) fn wants_task(peer: &RequestContext<RoleServer>) -> bool {
    peer.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28)
        && peer.client_capabilities().is_some_and(|capabilities| capabilities.supports_tasks())
}

pub(super) fn elapsed_since(since: Option<SystemTime>) -> Duration {
    since.and_then(|since| clock::now().duration_since(since).ok()).unwrap_or_default()
}

/// A field that is absent is left out: the schemas of the list do not offer `null`.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A whole number, also where it is written `5.0`: to JSON Schema that is an integer.
fn whole(value: &Value) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and within the limit")]
    let whole = |number: f64| (0.0..=MAX_WAIT_SECONDS as f64).contains(&number).then_some(number as u64);
    value.as_u64().or_else(|| value.as_f64().filter(|number| number.fract() == 0.0).and_then(whole))
}

fn outcome_of(response: &CallToolResponse) -> &'static str {
    match response {
        CallToolResponse::Complete(result) if result.is_error == Some(true) => "error",
        CallToolResponse::Complete(_) => "ok",
        CallToolResponse::Task(_) => "task",
        // Tools of this engine answer with nothing else.
        CallToolResponse::InputRequired(_) | _ => "other",
    }
}

fn shown(value: &Value) -> String {
    text::cap(&value.to_string(), 64).into_owned()
}
