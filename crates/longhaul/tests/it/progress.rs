//! Progress: a courtesy that never outlives, delays or fails the call.

use std::time::Duration;

use longhaul::{
    mcp::Settings,
    operation::{Observation, Running},
};
use serde_json::{Value, json};

use crate::{
    client::{Tapped, legacy, modern},
    remote::{Answer, Remote, creating, secs},
    tools::{Lab, Start, all},
    wire::{Wire, tasks},
};

fn llama() -> Value {
    json!({"name": "llama"})
}

/// Calls `make_thing` with a token and listens for a minute after the answer.
async fn check(lab: &Lab) -> (Wire, Value) {
    let mut wire = Wire::modern(&lab.open());
    let told = wire.call_with_token("make_thing", llama(), json!(0)).await;
    assert_eq!(wire.listen(secs(60)).await, Vec::<Value>::new(), "something came after the reply");
    (wire, told.report)
}

/// Changes its phase every second, for half an hour.
fn restless() -> Remote {
    Remote::new(|at| {
        let running = Running::new(format!("Phase {at}"), "").with_fraction(Some(at as f64 / 1800.0));
        Answer::Now(Ok(Observation::Running(running)))
    })
}

#[tokio::test(start_paused = true)]
async fn a_normal_reply_is_not_a_cancellation() {
    for mode in [modern(), legacy()] {
        let lab = Lab::new(Remote::ready_after(60)).starting(Start::After(secs(5)));
        let tapped = Tapped::connect(&lab.open(), mode, false).await;
        assert_eq!(tapped.report("make_thing", llama()).await["state"], "succeeded");
        tokio::time::sleep(secs(600)).await;
        assert_eq!(lab.remote.asked(), ["make llama", "make llama: done"], "something was stopped");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_comes_after_the_reply_in_ten_thousand_calls() {
    let lab = Lab::new(restless()).at_pace(Duration::from_millis(330));
    let tapped = Tapped::connect(&lab.open(), modern(), false).await;
    for _ in 0..100 {
        let calls = (0..100).map(|n| tapped.call("make_thing", json!({"name": "llama", "wait_seconds": n % 2})));
        futures_util::future::join_all(calls).await;
    }
    tokio::time::sleep(secs(60)).await;
    let (answers, progress) = tapped.in_order();
    assert!(answers >= 10_000 && progress >= 10_000, "{answers} answers, {progress} notifications");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_comes_after_the_reply_where_many_threads_race() {
    let lab = Lab::new(Remote::new(|_| crate::remote::made()));
    let tapped = Tapped::connect(&lab.open(), modern(), false).await;
    for _ in 0..20 {
        futures_util::future::join_all((0..100).map(|_| tapped.call("make_thing", llama()))).await;
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (answers, progress) = tapped.in_order();
    assert!(answers >= 2_000 && progress > 0, "{answers} answers, {progress} notifications");
}

#[tokio::test(start_paused = true)]
async fn the_first_note_comes_within_a_second_and_names_the_resource() {
    let (wire, _) = check(&Lab::new(Remote::ready_after(0)).starting(Start::After(secs(300)))).await;
    let (at, progress, total, message) = wire.progress()[0].clone();
    assert!(at < 1.0 && progress > 0.0 && total == 100.0, "{at} {progress} {total}");
    assert_eq!(message, "llama: beginning (0 s)");
}

#[tokio::test(start_paused = true)]
async fn progress_strictly_increases_of_a_fixed_total_at_most_once_a_second() {
    let (wire, _) = check(&Lab::new(restless()).at_pace(Duration::from_millis(200))).await;
    let progress = wire.progress();
    assert!(progress.len() > 1700, "{} notes", progress.len());
    for pair in progress.windows(2) {
        assert!(pair[0].1 < pair[1].1 && pair[1].1 < 100.0 && pair[1].2 == 100.0, "{pair:?}");
        assert!(pair[1].0 - pair[0].0 >= 0.999, "{pair:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_change_of_phase_is_told() {
    let phases = ["Queued", "Pulling", "Starting", "Checking"];
    let remote = Remote::new(move |at| crate::remote::running(phases[usize::try_from(at / 60).unwrap().min(3)]));
    let mut lab = Lab::new(remote);
    lab.terms.timeout = secs(240);
    let (wire, _) = check(&lab).await;
    let told: Vec<f64> = phases
        .iter()
        .map(|phase| wire.progress().iter().find(|note| note.3.contains(phase)).unwrap().0.round())
        .collect();
    assert_eq!(told, [1.0, 60.0, 120.0, 180.0]);
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_breaks_the_silence_every_ten_to_fifteen_seconds() {
    let (wire, _) = check(&Lab::new(Remote::new(|_| creating())).at_pace(secs(600))).await;
    let gaps: Vec<f64> = wire.progress().windows(2).skip(1).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!(gaps.len() > 120 && gaps.iter().all(|gap| (0.9..=15.0).contains(gap)), "{gaps:?}");
    assert!(wire.progress().last().unwrap().3.starts_with("llama: Creating (29 min"), "{:?}", wire.progress().last());
}

#[tokio::test(start_paused = true)]
async fn the_steps_of_a_start_are_told() {
    let mut lab = Lab::new(Remote::ready_after(0)).starting(Start::After(secs(10)));
    lab.steps = vec!["creating the model"];
    let (wire, _) = check(&lab).await;
    assert!(
        wire.progress().iter().any(|note| note.3.starts_with("llama: creating the model (")),
        "{:?}",
        wire.progress()
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_look_is_told_and_is_not_the_end() {
    let remote = Remote::new(|at| match at {
        30 => crate::remote::missed(longhaul::fault::FaultCode::Throttled),
        0..60 => creating(),
        _ => crate::remote::made(),
    });
    let (wire, report) = check(&Lab::new(remote)).await;
    let told = wire.progress().into_iter().find(|note| note.3.contains("could not be looked at just now (throttled)"));
    assert!(told.is_some() && report["state"] == "succeeded", "{:?}", wire.progress());
}

#[tokio::test(start_paused = true)]
async fn without_a_token_nothing_is_told() {
    let mut wire = Wire::modern(&Lab::new(restless()).open());
    wire.call("make_thing", llama()).await;
    assert_eq!(wire.heard.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_sends_nothing_after_the_reply() {
    for ms in (0..3000).step_by(111) {
        let server = Lab::new(restless()).at_pace(Duration::from_millis(100)).open();
        let mut wire = Wire::modern(&server);
        let id = wire.start("make_thing", llama(), json!({"progressToken": 0})).await;
        wire.listen(Duration::from_millis(ms)).await;
        server.closing().cancel();
        wire.answer(&id).await;
        assert_eq!(wire.listen(secs(60)).await, Vec::<Value>::new(), "at {ms} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_sends_nothing_after_the_reply() {
    for at_look in 0..30 {
        let remote = Remote::new(|_| Answer::Panic);
        let mut lab = Lab::new(remote).starting(Start::After(Duration::from_millis(at_look * 97)));
        lab.steps = vec!["one", "two"];
        let (_, report) = check(&lab).await;
        assert_eq!((&report["state"], &report["error"]["code"]), (&json!("unknown"), &json!("internal")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stops_reading_never_stalls_the_watching() {
    let lab = Lab::new(restless());
    let mut wire = Wire::narrow(&lab.open(), 512);
    let id = wire.start("make_thing", llama(), json!({"progressToken": 0})).await;
    tokio::time::sleep(secs(2000)).await;
    let on_time: Vec<f64> = (0..=60).map(|n| f64::from(n) * 30.0).collect();
    assert_eq!(lab.remote.looks(), on_time);
    assert_eq!(wire.told(&id).await.state(), "running");
    assert!(wire.progress().len() < 10, "stale news were kept: {}", wire.progress().len());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stops_reading_does_not_keep_the_others_waiting() {
    let server = Lab::new(restless()).server(Settings { ..all() });
    let mut deaf = Wire::narrow(&server, 256);
    deaf.start("make_thing", llama(), json!({"progressToken": 0})).await;
    let mut other = Wire::modern(&server);
    let told = other.call_with_token("make_thing", json!({"name": "qwen", "wait_seconds": 20}), json!(0)).await;
    assert_eq!((told.at, told.state()), (20.0, "running"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_told_of_a_task() {
    let mut wire = Wire::declaring(&Lab::new(restless()).starting(Start::After(secs(3))).open(), tasks());
    let id = wire.start("make_thing", llama(), json!({"progressToken": 0})).await;
    assert_eq!(wire.answer(&id).await["result"]["resultType"], "task");
    assert_eq!(wire.listen(secs(600)).await, Vec::<Value>::new());
}
