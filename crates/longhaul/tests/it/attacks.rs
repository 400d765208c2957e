//! Attempts to break the dispatcher: at any moment, from any side, with whatever a peer may send.

use std::time::Duration;

use longhaul::{mcp::Settings, operation::Pace, tool::Terms};
use serde_json::{Value, json};

use crate::{
    remote::{Answer, Remote, creating, made, secs},
    tools::{Lab, Start, all},
    wire::{Wire, tasks},
};

fn llama() -> Value {
    json!({"name": "llama"})
}

/// A start of 800 ms, then looks of 300 ms each, every 2 s, until it is made after 9 s.
fn lab() -> Lab {
    let remote = Remote::new(|at| {
        let (Answer::Now(look) | Answer::After(_, look)) = (if at < 9 { creating() } else { made() }) else {
            return made();
        };
        Answer::After(Duration::from_millis(300), look)
    });
    Lab::new(remote).starting(Start::After(Duration::from_millis(800))).at_pace(secs(2))
}

/// The server answers another call.
async fn still_serves(wire: &mut Wire) {
    assert_eq!(wire.call("show_thing", llama()).await.code(), "no error");
}

#[tokio::test(start_paused = true)]
async fn a_call_cancelled_at_any_moment_starts_once_answers_nothing_and_looks_no_more() {
    for ms in (0..12_000).step_by(211) {
        let lab = lab();
        let mut wire = Wire::modern(&lab.open());
        let id = wire.start("make_thing", llama(), json!({"progressToken": 0})).await;
        wire.listen(Duration::from_millis(ms)).await;
        let over = wire.heard.iter().any(|(_, line)| line["id"] == id);
        wire.cancel(&id).await;
        wire.listen(Duration::from_millis(1)).await;
        let looks = lab.remote.looks().len();
        assert_eq!(wire.listen(secs(60)).await, Vec::<Value>::new(), "after a cancellation at {ms} ms (over: {over})");
        assert_eq!((lab.remote.asked().len(), lab.remote.looks().len()), (2, looks), "at {ms} ms");
        assert_eq!(lab.remote.asked()[1], "make llama: done");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_cut_at_any_moment_starts_once_and_looks_no_more() {
    for ms in (0..12_000).step_by(211) {
        let lab = lab();
        let mut wire = Wire::modern(&lab.open());
        wire.start("make_thing", llama(), json!({"progressToken": 0})).await;
        wire.listen(Duration::from_millis(ms)).await;
        drop(wire);
        tokio::time::sleep(secs(8)).await;
        let looks = lab.remote.looks().len();
        tokio::time::sleep(secs(600)).await;
        assert_eq!(lab.remote.looks().len(), looks, "cut at {ms} ms");
        assert_eq!(lab.remote.asked(), ["make llama", "make llama: done"], "cut at {ms} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_closed_at_any_moment_answers_the_call_and_finishes_what_it_began() {
    for ms in (1..12_000).step_by(211) {
        let lab = lab();
        let server = lab.open();
        let mut wire = Wire::modern(&server);
        let id = wire.start("make_thing", llama(), json!({"progressToken": 0})).await;
        wire.listen(Duration::from_millis(ms)).await;
        let over = wire.heard.iter().any(|(_, line)| line["id"] == id);
        server.closing().cancel();
        server.settled().await;
        assert!(over || wire.told(&id).await.at < 13.0);
        assert_eq!(lab.remote.asked(), ["make llama", "make llama: done"], "closed at {ms} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn settled_waits_for_starts_that_nobody_waits_for_any_more() {
    let lab = lab().starting(Start::After(secs(30)));
    let server = lab.open();
    let mut wire = Wire::modern(&server);
    let id = wire.start("make_thing", llama(), json!({})).await;
    wire.listen(secs(10)).await;
    wire.cancel(&id).await;
    server.closing().cancel();
    server.settled().await;
    assert_eq!((lab.remote.age(), lab.remote.asked().len()), (30.0, 2));
}

#[tokio::test(start_paused = true)]
async fn cancellations_of_what_is_not_there_or_over_change_nothing() {
    let lab = lab();
    let mut wire = Wire::modern(&lab.open());
    still_serves(&mut wire).await;
    for id in [json!(77), json!("x"), json!(null), json!(-1), json!(1.5), json!({}), json!([])] {
        wire.cancel(&id).await;
    }
    let id = wire.start("make_thing", llama(), json!({})).await;
    assert_eq!(wire.told(&id).await.state(), "succeeded");
    wire.cancel(&id).await;
    wire.cancel(&id).await;
    still_serves(&mut wire).await;
}

#[tokio::test(start_paused = true)]
async fn two_calls_with_the_same_id_do_not_break_the_server() {
    let lab = lab();
    let mut wire = Wire::modern(&lab.open());
    for name in ["a", "b"] {
        wire.ask_as(json!("same"), "tools/call", json!({"name": "make_thing", "arguments": {"name": name}})).await;
    }
    assert!(!wire.told(&json!("same")).await.is_error);
    wire.listen(secs(60)).await;
    let done = lab.remote.asked().iter().filter(|asked| asked.ends_with(": done")).count();
    assert_eq!(done, 2, "{:?}", lab.remote.asked());
    still_serves(&mut wire).await;
}

#[tokio::test(start_paused = true)]
async fn calls_that_share_a_token_each_get_their_answer() {
    let mut wire = Wire::modern(&lab().open());
    let mut ids = vec![];
    for _ in 0..20 {
        ids.push(wire.start("make_thing", llama(), json!({"progressToken": "shared"})).await);
    }
    wire.listen(secs(60)).await;
    for id in ids {
        let answers = wire.heard.iter().filter(|(_, line)| line["id"] == id).count();
        assert_eq!(answers, 1, "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_calls_at_once_are_all_answered_on_time() {
    let mut wire = Wire::modern(&Lab::new(Remote::new(|_| creating())).open());
    for n in 0..1000 {
        wire.start("make_thing", json!({"name": format!("t{n}"), "wait_seconds": n % 50}), json!({})).await;
    }
    wire.listen(secs(60)).await;
    assert_eq!(wire.heard.len(), 1000);
    for (at, line) in &wire.heard {
        let n: f64 = line["result"]["structuredContent"]["resource"].as_str().unwrap()[1..].parse().unwrap();
        assert!((at - n % 50.0).abs() < 0.1, "{n} answered at {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_terms_and_no_default_wait_overflow_the_clock() {
    for (timeout, wait) in
        [(Duration::MAX, Duration::MAX), (Duration::MAX, secs(u64::MAX)), (secs(1 << 62), secs(1 << 62))]
    {
        let mut lab = Lab::new(Remote::ready_after(9));
        lab.terms =
            Terms { timeout, pace: Pace { patience: Duration::MAX, look_limit: Duration::MAX, ..Pace::default() } };
        let server = lab.server(Settings { wait, ..all() });
        for token in [json!(0), json!(null)] {
            let mut wire = Wire::modern(&server);
            assert_eq!(wire.call_with_token("make_thing", llama(), token).await.state(), "succeeded");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn terms_of_no_time_at_all_still_answer() {
    let mut lab = Lab::new(Remote::new(|_| creating()));
    let pace = Pace { every: Duration::ZERO, look_limit: Duration::ZERO, patience: Duration::ZERO };
    lab.terms = Terms { timeout: Duration::ZERO, pace };
    for token in [json!(0), json!(null)] {
        let told = Wire::modern(&lab.open()).call_with_token("make_thing", llama(), token).await;
        assert_eq!((told.at, told.state()), (0.0, "running"));
    }
}

#[tokio::test(start_paused = true)]
async fn lines_that_are_no_json_rpc_are_survived() {
    let mut wire = Wire::modern(&lab().open());
    still_serves(&mut wire).await;
    for line in
        ["", "{", "null", "[]", "\u{0}", "{\"jsonrpc\":\"2.0\"}", "\"x\"", &"[".repeat(5000), &"9".repeat(10_000)]
    {
        wire.send_line(line).await;
    }
    wire.send(json!({"jsonrpc": "2.0", "method": "notifications/unheard_of", "params": {"a": [1]}})).await;
    wire.send(json!({"jsonrpc": "2.0", "id": 99_999, "result": {}})).await;
    still_serves(&mut wire).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_says_nothing_of_its_client_is_refused_and_starts_nothing() {
    let lab = lab();
    let mut wire = Wire::modern(&lab.open());
    still_serves(&mut wire).await;
    let bare = json!({"jsonrpc": "2.0", "id": "bare", "method": "tools/call", "params": {"name": "make_thing", "arguments": llama()}});
    wire.send(bare).await;
    assert_eq!(wire.answer(&json!("bare")).await["error"]["code"], -32602);
    assert!(!lab.remote.asked().iter().any(|asked| asked.starts_with("make")));
}

#[tokio::test(start_paused = true)]
async fn tasks_are_asked_for_a_thousand_times_at_once() {
    let server = Lab::new(Remote::new(|_| creating())).open();
    let mut wire = Wire::declaring(&server, tasks());
    let made = wire.request("tools/call", json!({"name": "make_thing", "arguments": llama()})).await;
    let id = &made["result"]["taskId"];
    for n in 0..1000 {
        let method = if n % 10 == 0 { "tasks/cancel" } else { "tasks/get" };
        wire.ask(method, json!({"taskId": id})).await;
    }
    wire.listen(secs(5)).await;
    assert_eq!(wire.heard.iter().filter(|(_, line)| line["error"].is_null()).count(), 1001);
}

#[tokio::test(start_paused = true)]
async fn tasks_update_is_refused_and_not_an_accident() {
    let mut wire = Wire::declaring(&Lab::new(Remote::new(|_| creating())).open(), tasks());
    let made = wire.request("tools/call", json!({"name": "make_thing", "arguments": llama()})).await;
    let params = json!({"taskId": made["result"]["taskId"], "inputResponses": {}});
    assert!(wire.request("tasks/update", params).await["error"]["code"].is_i64());
}
