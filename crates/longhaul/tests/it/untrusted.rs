//! Vendor text is untrusted: wherever it surfaces, it drives no terminal, hides nothing from a
//! reader and carries no secret.

use std::collections::BTreeMap;

use longhaul::{
    fault::{Backend, Fault, FaultCode},
    operation::{Observation, Running},
    report::Next,
};
use serde_json::{Value, json};

use crate::{
    remote::{Answer, Made, Remote, missed, secs},
    tools::{Lab, Page, Start},
    wire::{Wire, tasks},
};

/// ANSI, bidi, zero width, a tag character, C1, a secret, and too much of it.
const EVIL: &str = "\u{1b}[2J\u{202e}live\u{200b}\u{e0041}\u{9b}31m\u{7} password=hunter2 AKIAIOSFODNN7EXAMPLE";

/// No string inside, keys included, holds a character that deceives, or the secrets of these tests.
pub(crate) fn is_clean(value: &Value) -> bool {
    let clean = |text: &str| {
        let hidden = |c: char| (c.is_control() && c != '\n' && c != '\t') || "\u{202e}\u{200b}\u{e0041}".contains(c);
        !text.chars().any(hidden) && !text.contains("hunter2") && !text.contains("AKIAIO")
    };
    match value {
        Value::String(text) => clean(text),
        Value::Array(items) => items.iter().all(is_clean),
        Value::Object(fields) => fields.iter().all(|(key, value)| clean(key) && is_clean(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

fn evil_fault(code: FaultCode) -> Fault {
    let said = Backend {
        code: Some(EVIL.into()),
        http_status: Some(500),
        request_id: Some(EVIL.into()),
        text: Some(format!("{EVIL} {}", "x".repeat(100_000))),
    };
    Fault::new(code, EVIL)
        .with_status(EVIL)
        .with_advice(EVIL)
        .with_backend(said)
        .with_leftovers(vec![EVIL.into()])
        .with_next(Next::new("wait_thing", EVIL).with("name", "a"))
}

fn evil_made() -> Made {
    Made { size: 1, note: Some(EVIL.into()) }
}

/// Every line that a call and, where one is made, its task bring is clean.
async fn check(tool: &str, lab: Lab) -> Value {
    let server = lab.open();
    let mut wire = Wire::modern(&server);
    let told = wire.call_with_token(tool, json!({"name": "llama"}), json!(0)).await;
    assert!(wire.heard.iter().all(|(_, line)| is_clean(line)), "{:?}", wire.heard);
    assert!(told.report.to_string().len() < 64 * 1024, "{} bytes", told.report.to_string().len());
    let mut wire = Wire::declaring(&server, tasks());
    let made = wire.request("tools/call", json!({"name": tool, "arguments": {"name": EVIL}})).await;
    if let Some(id) = made["result"]["taskId"].as_str() {
        let seen = wire.request("tasks/get", json!({"taskId": id})).await;
        let said = seen["result"]["statusMessage"].clone();
        assert!(is_clean(&said) && is_clean(&seen["result"]["result"]), "{seen}");
        assert!(is_clean(&made["result"]["statusMessage"]), "{made}");
    }
    told.report
}

#[tokio::test(start_paused = true)]
async fn a_hostile_phase_is_told_clean_and_not_lost() {
    let evil = Running::new(EVIL, EVIL).with_leftovers(vec![EVIL.into()]);
    let remote = Remote::new(move |_| Answer::Now(Ok(Observation::Running(evil.clone()))));
    let report = check("wait_thing", Lab::new(remote)).await;
    assert_eq!(
        report["phase"],
        "\u{fffd}[2J\u{fffd}live\u{fffd}\u{fffd}\u{fffd}31m\u{fffd} password=[redacted] [redacted]"
    );
}

#[tokio::test(start_paused = true)]
async fn a_hostile_failure_is_told_clean() {
    let remote = Remote::new(|_| Answer::Now(Ok(Observation::Failed(evil_fault(FaultCode::OperationFailed)))));
    let report = check("wait_thing", Lab::new(remote)).await;
    let text = report["error"]["backend"]["text"].as_str().unwrap();
    assert!(text.ends_with("… [cut]") && text.len() <= 4096);
}

#[tokio::test(start_paused = true)]
async fn a_hostile_abort_a_hostile_miss_and_a_hostile_result_are_told_clean() {
    for look in [
        Ok(Observation::Failed(evil_fault(FaultCode::Aborted))),
        Err(evil_fault(FaultCode::Unauthenticated)),
        Err(evil_fault(FaultCode::Throttled)),
        Ok(Observation::Succeeded(evil_made())),
    ] {
        check("wait_thing", Lab::new(Remote::new(move |_| Answer::Now(look.clone())))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_hostile_refusal_and_hostile_steps_are_told_clean() {
    for tool in ["make_thing", "show_thing", "rename_thing"] {
        let mut lab = Lab::new(Remote::new(|_| missed(FaultCode::Unreachable)));
        lab.start = Start::Refused(Box::new(evil_fault(FaultCode::Quota)));
        lab.steps = vec![EVIL];
        assert_eq!(check(tool, lab).await["error"]["code"], "quota");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hostile_page_is_told_clean_keys_included() {
    let mut lab = Lab::new(Remote::new(|_| missed(FaultCode::Unreachable)));
    let labels = BTreeMap::from([(EVIL.to_owned(), Some(EVIL.to_owned()))]);
    lab.page =
        Page { text: EVIL.into(), made: Some(evil_made()), labels, next: vec![Next::new("x", EVIL)], broken: false };
    check("show_thing", lab).await;
}

#[tokio::test(start_paused = true)]
async fn a_next_call_whose_arguments_had_to_be_changed_is_not_offered() {
    for name in [EVIL.to_owned(), "n".repeat(5000)] {
        let mut lab = Lab::new(Remote::new(|_| missed(FaultCode::Unreachable)));
        lab.start = Start::After(secs(100));
        let told = Wire::modern(&lab.open()).call("make_thing", json!({"name": name})).await;
        assert_eq!((told.state(), &told.report["next"]), ("running", &Value::Null));
    }
}
