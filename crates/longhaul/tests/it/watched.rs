//! What an operator sees: audit lines, trace ids, metrics.

use std::{cell::RefCell, io::Write, sync::Once};

use longhaul::{
    fault::{Fault, FaultCode},
    mcp::{Server, Settings},
    tool::{Class, Principal},
};
use serde_json::{Value, json};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
};

use crate::{
    remote::{Answer, Remote, creating, made, missed, secs},
    tools::{Lab, Start, all, only, refused},
    wire::{Wire, tasks},
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// The log of this test, which is that of its thread: JSON lines.
struct Log;

thread_local! {
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(vec![]) };
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Catches what this thread logs. One subscriber for all: those of single threads come and go
    /// while others log.
    fn catch() -> Self {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            let lines = tracing_subscriber::fmt::layer().json().with_writer(|| Log);
            let ours = Targets::new().with_target("longhaul", LevelFilter::INFO);
            let log = tracing_subscriber::registry().with(lines).with(ours);
            tracing::subscriber::set_global_default(log).unwrap();
        });
        LINES.take();
        Self
    }

    fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(LINES.with_borrow(Vec::clone)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The audit lines, without their time.
    fn audit(&self) -> Vec<Value> {
        let audit = self.lines().into_iter().filter(|line| line["target"] == "longhaul::audit");
        audit.map(|line| line["fields"].clone()).collect()
    }
}

fn alice() -> Settings {
    Settings { principal: |_| Principal::new("alice"), ..all() }
}

/// Makes one call under a trace; the audit lines it left.
async fn check(server: Server, tool: &str, arguments: Value) -> Vec<Value> {
    let log = Log::catch();
    let mut wire = Wire::modern(&server);
    let meta = json!({"traceparent": format!("00-{TRACE}-00f067aa0ba902b7-01")});
    let id = wire.start(tool, arguments, meta).await;
    wire.answer(&id).await;
    tokio::time::sleep(secs(600)).await;
    log.audit()
}

fn line(tool: &str, class: &str, outcome: &str) -> Value {
    json!({"trace_id": TRACE, "principal": "alice", "tool": tool, "class": class, "resource": "llama", "outcome": outcome})
}

fn llama() -> Value {
    json!({"name": "llama", "confirm": "llama", "wait_seconds": 20})
}

fn ready() -> Lab {
    Lab::new(Remote::new(|_| made()))
}

#[tokio::test(start_paused = true)]
async fn every_write_is_one_audit_line_under_the_callers_trace() {
    for (tool, class, outcome) in [
        ("make_thing", "write", "begun"),
        ("remove_thing", "destructive", "begun"),
        ("rename_thing", "write", "done"),
        ("wipe_thing", "destructive", "done"),
    ] {
        let mut arguments = llama();
        if tool.ends_with("rename_thing") || tool == "make_thing" {
            arguments.as_object_mut().unwrap().remove("confirm");
        }
        assert_eq!(check(ready().server(alice()), tool, arguments).await, [line(tool, class, outcome)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_leaves_no_audit_line() {
    for tool in ["wait_thing", "show_thing"] {
        assert_eq!(check(ready().server(alice()), tool, json!({"name": "llama"})).await, Vec::<Value>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_refused_fails_or_panics_is_in_the_audit_too() {
    for (start, outcome) in [(refused(), "quota"), (Start::Panic, "internal"), (Start::After(secs(300)), "begun")] {
        let audit = check(ready().starting(start).server(alice()), "make_thing", llama()).await;
        assert_eq!(audit, [line("make_thing", "write", outcome)]);
    }
    let read_only = Settings { principal: |_| Principal::new("alice"), ..only(Class::Read) };
    assert_eq!(
        check(ready().server(read_only), "make_thing", llama()).await,
        [line("make_thing", "write", "forbidden")]
    );
}

#[tokio::test(start_paused = true)]
async fn every_step_of_a_stepwise_call_is_in_the_audit() {
    let mut lab = Lab::new(Remote::ready_after(10));
    lab.advance =
        |remote| if remote.looks().len() < 3 { Ok(true) } else { Err(Fault::new(FaultCode::Forbidden, "no")) };
    let outcomes: Vec<Value> =
        check(lab.server(alice()), "build_thing", llama()).await.iter().map(|line| line["outcome"].clone()).collect();
    assert_eq!(outcomes, ["begun", "step taken", "step taken", "forbidden"]);
}

#[tokio::test(start_paused = true)]
async fn ending_a_task_is_in_the_audit_with_what_came_of_it() {
    for (show, outcome) in [
        (creating as fn() -> Answer, "asked to end"),
        (made, "over already"),
        (|| missed(FaultCode::Throttled), "throttled"),
    ] {
        let log = Log::catch();
        let mut wire = Wire::declaring(&Lab::new(Remote::new(move |_| show())).server(alice()), tasks());
        let made = wire.request("tools/call", json!({"name": "make_thing", "arguments": {"name": "llama"}})).await;
        wire.request("tasks/cancel", json!({"taskId": made["result"]["taskId"]})).await;
        let last = log.audit().pop().unwrap();
        assert_eq!((&last["tool"], &last["outcome"]), (&json!("tasks/cancel"), &json!(outcome)));
    }
}

#[tokio::test(start_paused = true)]
async fn no_payload_and_no_secret_is_in_any_log_line() {
    let log = Log::catch();
    let arguments = json!({"name": "password=hunter2\u{1b}[2J\nfake line", "size": 200});
    Wire::modern(&ready().server(alice())).call("make_thing", arguments).await;
    let audit = log.audit();
    assert_eq!(audit[0]["resource"], "password=[redacted]\nfake line");
    assert!(!audit[0].to_string().contains("200"), "{audit:?}");
}

#[tokio::test(start_paused = true)]
async fn a_traceparent_that_is_none_gives_a_trace_of_our_own_and_reaches_no_log() {
    let log = Log::catch();
    let mut wire = Wire::modern(&ready().server(alice()));
    for evil in [
        "",
        "x",
        "\u{1b}[2J canary",
        &"canary".repeat(20),
        &format!("01-{TRACE}-00f067aa0ba902b7-01-canary{}", "x".repeat(100_000)),
    ] {
        let id = wire.start("make_thing", json!({"name": "llama"}), json!({"traceparent": evil})).await;
        wire.told(&id).await;
    }
    let log =
        log.lines().iter().filter(|line| line["target"] == "longhaul::audit").map(Value::to_string).collect::<String>();
    assert!(!log.contains("canary") && log.len() < 8000, "{log:.2000}");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_logged_under_the_trace_with_what_it_said() {
    let log = Log::catch();
    let told =
        Wire::modern(&ready().starting(Start::Panic).server(alice())).call("make_thing", json!({"name": "a"})).await;
    let line = log.lines().into_iter().find(|line| line["fields"]["message"] == "a panic was caught").unwrap();
    assert_eq!(line["fields"]["panic"], "the fake panics in a start");
    assert_eq!(line["fields"]["trace_id"], told.report["error"]["trace_id"]);
}

#[tokio::test(start_paused = true)]
async fn the_metrics_count_calls_looks_endings_faults_and_panics() {
    let server = Lab::new(Remote::ready_after(60)).open();
    let mut wire = Wire::modern(&server);
    wire.call("make_thing", json!({"name": "a"})).await;
    wire.call("make_thing", json!({"name": "a"})).await;
    wire.call("make_thing", json!({})).await;
    let text = server.metrics().render();
    for line in [
        r#"longhaul_calls_total{tool="make_thing",outcome="ok"} 2"#,
        r#"longhaul_calls_total{tool="make_thing",outcome="error"} 1"#,
        r#"longhaul_operations_total{kind="fake.thing",state="running"} 1"#,
        r#"longhaul_operations_total{kind="fake.thing",state="succeeded"} 1"#,
        r#"longhaul_operations_followed{kind="fake.thing"} 0"#,
        r#"longhaul_faults_total{code="invalid_argument"} 1"#,
        "longhaul_panics_total 0",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_counts_as_followed_while_a_call_follows_it_and_a_client_that_leaves_is_counted() {
    let server = Lab::new(Remote::new(|_| creating())).open();
    let followed = |n: u8| format!(r#"longhaul_operations_followed{{kind="fake.thing"}} {n}"#);
    let mut wire = Wire::modern(&server);
    let id = wire.start("make_thing", json!({"name": "a"}), json!({})).await;
    wire.listen(secs(10)).await;
    assert!(server.metrics().render().contains(&followed(1)));
    wire.cancel(&id).await;
    wire.listen(secs(1)).await;
    assert!(server.metrics().render().contains(&followed(0)), "{}", server.metrics().render());
}
