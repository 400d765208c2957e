//! `wait_sagemaker_endpoint`: finds what is under way, follows it, changes nothing.

use std::sync::Arc;

use sagemaker_mcp::api::EndpointSeen;
use serde_json::{Value, json};

use crate::{
    desk::{Desk, Told},
    fake::{Fake, Show, stages},
};

const WAIT: &str = "wait_sagemaker_endpoint";

fn llama() -> Value {
    json!({"endpoint_name": "llama"})
}

fn until_deleted() -> Value {
    json!({"endpoint_name": "llama", "until": "deleted"})
}

/// Waits with progress for an endpoint that lives so; nothing was changed.
async fn check(show: Show, arguments: Value) -> (Desk, Told) {
    let desk = Desk::open(Fake::new().with("llama", show)).await;
    let told = desk.watch(WAIT, arguments).await;
    assert_eq!(desk.fake.writes(), Vec::<String>::new());
    (desk, told)
}

/// An update from `old` to `new` that takes five minutes and then serves `end`.
fn updating(then: &'static str, end: &'static str) -> Show {
    Arc::new(move |seconds, seen: &mut EndpointSeen| {
        let under_way = seconds < 300;
        seen.status = if under_way { "Updating" } else { then }.into();
        seen.pending_config = under_way.then(|| "new".into());
        seen.config = if under_way { "old" } else { end }.into();
    })
}

#[tokio::test(start_paused = true)]
async fn what_is_in_service_is_told_at_once() {
    let (desk, told) = check(stages(&[(0, "InService")]), llama()).await;
    assert_eq!((told.at, told.state(), desk.fake.asked("DescribeEndpoint").len()), (0, "succeeded", 2));
    assert_eq!(told.text("/result/predictor_info/endpoint_name"), "llama");
}

#[tokio::test(start_paused = true)]
async fn every_state_and_every_word_that_nobody_knows_comes_to_an_end() {
    for (status, state, code, at) in [
        ("InService", "succeeded", "nothing", 0),
        ("Failed", "failed", "operation_failed", 0),
        ("OutOfService", "failed", "operation_failed", 0),
        ("UpdateRollbackFailed", "failed", "operation_failed", 0),
        ("Deleting", "failed", "aborted", 0),
        ("gone", "failed", "not_found", 0),
        ("Creating", "running", "nothing", 1800),
        ("Updating", "running", "nothing", 1800),
        ("SystemUpdating", "running", "nothing", 1800),
        ("RollingBack", "running", "nothing", 1800),
        ("SomeNewState", "running", "nothing", 1800),
        ("", "running", "nothing", 1800),
    ] {
        let (desk, told) = check(Arc::new(|_, seen| seen.status = status.into()), llama()).await;
        assert_eq!((told.state(), told.code(), told.at), (state, code, at), "{status}");
        assert!(desk.fake.asked("").len() <= 125, "{status}: {} requests", desk.fake.asked("").len());
        assert_eq!(told.report["next"].is_object(), state != "succeeded", "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_came_through_is_a_success() {
    let (_, told) = check(updating("InService", "new"), llama()).await;
    assert_eq!((told.state(), told.at), ("succeeded", 300));
}

#[tokio::test(start_paused = true)]
async fn an_update_that_ended_in_service_with_the_old_configuration_has_failed() {
    let (_, told) = check(updating("InService", "old"), llama()).await;
    assert_eq!((told.state(), told.code(), told.is_error, told.at), ("failed", "operation_failed", true, 300));
    assert!(told.sentence.contains("serves old, not new"), "{}", told.sentence);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_taken_back_is_followed_to_its_end() {
    let rolled_back: Show = Arc::new(|seconds, seen| {
        let (status, pending) =
            [("Updating", true), ("RollingBack", false), ("InService", false)][(seconds / 200).min(2) as usize];
        (seen.status, seen.pending_config) = (status.into(), pending.then(|| "new".into()));
    });
    let (desk, told) = check(rolled_back, llama()).await;
    assert_eq!((told.state(), told.code(), told.at), ("failed", "operation_failed", 420));
    assert!(
        desk.progress()
            .iter()
            .any(|(_, _, told)| told.contains("RollingBack: the update failed and is being taken back"))
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_and_created_anew_is_another_one() {
    let anew: Show = Arc::new(|seconds, seen| {
        if seconds >= 100 {
            seen.created += std::time::Duration::from_secs(100);
        }
    });
    let (_, told) = check(anew, llama()).await;
    assert_eq!((told.state(), told.code(), told.at), ("failed", "superseded", 120));
    assert_eq!(told.next(), (WAIT, json!({"endpoint_name": "llama", "until": "in_service"})));
}

#[tokio::test(start_paused = true)]
async fn what_vanishes_while_it_is_watched_is_gone() {
    let (_, told) = check(stages(&[(0, "Creating"), (100, "gone")]), llama()).await;
    assert_eq!((told.state(), told.code(), told.at), ("failed", "gone", 120));
}

#[tokio::test(start_paused = true)]
async fn what_is_invisible_for_a_moment_is_not_gone() {
    let (_, told) = check(stages(&[(0, "Creating"), (20, "gone"), (40, "InService")]), llama()).await;
    assert_eq!((told.state(), told.at), ("succeeded", 60));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_nobody_made_is_told_at_once_with_the_tool_that_lists() {
    let (_, told) = check(stages(&[]), json!({"endpoint_name": "lama"})).await;
    assert_eq!((told.at, told.code(), told.next()), (0, "not_found", ("list_sagemaker_endpoints", json!({}))));
    assert!(told.advises("region"));
}

#[tokio::test(start_paused = true)]
async fn a_deletion_is_followed_until_nothing_is_there() {
    let (_, told) = check(stages(&[(0, "Deleting"), (200, "gone")]), until_deleted()).await;
    assert_eq!((told.state(), told.at, told.text("/result/status")), ("succeeded", 210, "Deleted"));
    let (_, told) = check(stages(&[(0, "gone")]), until_deleted()).await;
    assert_eq!((told.state(), told.at), ("succeeded", 0));
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_nobody_asked_for_is_told_at_once_and_none_is_offered() {
    for status in ["InService", "Failed", "Creating", "SomeNewState"] {
        let (_, told) = check(Arc::new(|_, seen| seen.status = status.into()), until_deleted()).await;
        assert_eq!((told.state(), told.at, told.text("/phase")), ("failed", 0, status));
        assert_eq!((told.code(), told.next().0), ("conflict", "nothing"));
        assert!(told.report["leftovers"].is_null() && told.sentence.contains("nobody has asked"), "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_that_was_asked_for_and_stands_still_names_the_call_that_goes_on_with_it() {
    let fake = Fake::new().with("llama", stages(&[(0, "Creating")]));
    let tags = [(sagemaker_mcp::names::TAG_ENDING.to_owned(), "2026-11-20T10:00:00Z".to_owned())];
    fake.state().endpoints.get_mut("llama").unwrap().tags.extend(tags);
    let told = Desk::open(fake).await.watch(WAIT, until_deleted()).await;
    assert_eq!((told.state(), told.at, told.code()), ("failed", 1800, "not_yet"));
    assert_eq!(told.report["leftovers"], json!(["endpoint llama"]));
    assert_eq!(told.next(), ("delete_sagemaker_endpoint", json!({"endpoint_name": "llama", "confirm": "llama"})));
}

#[tokio::test(start_paused = true)]
async fn a_namesake_that_comes_while_a_deletion_is_watched_means_that_the_old_one_is_gone() {
    let anew: Show = Arc::new(|seconds, seen| {
        seen.created += std::time::Duration::from_secs(seconds / 100);
        seen.status = if seconds < 100 { "Deleting" } else { "Creating" }.into();
    });
    let (_, told) = check(anew, until_deleted()).await;
    assert_eq!((told.state(), told.at, told.text("/result/status")), ("succeeded", 120, "Deleted"));
}

#[tokio::test(start_paused = true)]
async fn who_polls_without_waiting_sees_it_through() {
    let desk = Desk::open(Fake::new().with("llama", stages(&[(0, "Creating"), (150, "InService")]))).await;
    let mut states = vec![];
    for _ in 0..6 {
        let told = desk.call(WAIT, json!({"endpoint_name": "llama", "wait_seconds": 0})).await;
        states.push(told.state().to_owned());
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
    }
    assert_eq!(states, ["running", "running", "running", "running", "running", "succeeded"]);
}

#[tokio::test(start_paused = true)]
async fn the_elapsed_time_counts_from_the_creation_however_late_the_watcher_comes() {
    let desk = Desk::open(Fake::new().with("llama", stages(&[(0, "Creating")]))).await;
    tokio::time::sleep(std::time::Duration::from_secs(300)).await;
    let told = desk.watch(WAIT, json!({"endpoint_name": "llama", "wait_seconds": 60})).await;
    // The creation is in wall time, the wait in tokio's: they differ by what the test itself takes.
    assert!((359..=361).contains(&told.report["elapsed_seconds"].as_u64().unwrap()), "{told:?}");
    assert!(desk.progress().last().unwrap().2.contains("(5 min"), "{:?}", desk.progress());
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_configuration_hears_when_another_one_serves() {
    let asked = json!({"endpoint_name": "llama", "endpoint_config_name": "llama-lh-0123456789ab"});
    let (_, told) = check(stages(&[(0, "Updating"), (60, "InService")]), asked).await;
    assert_eq!((told.state(), told.code()), ("failed", "operation_failed"));
    assert_eq!(told.next().0, "describe_sagemaker_endpoint");
}
