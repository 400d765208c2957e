//! `get_sagemaker_endpoint_logs`: the last lines, or those that fit, without secrets.

use serde_json::{Value, json};

use crate::{
    desk::{Desk, Told},
    fake::{Fake, aws, stages},
};

const LOGS: &str = "get_sagemaker_endpoint_logs";

fn wrote(lines: impl IntoIterator<Item = String>) -> Fake {
    let fake = Fake::new().with("oak", stages(&[(0, "Creating")]));
    fake.state().log = Some(lines.into_iter().collect());
    fake
}

/// A hundred lines, of which every tenth is a warning.
fn hundred() -> Fake {
    wrote((0..100).map(|n| format!("{} {n}", if n % 10 == 0 { "WARN" } else { "INFO" })))
}

async fn check(fake: Fake, more: Value) -> Told {
    let desk = Desk::open(fake).await;
    let mut arguments = json!({"endpoint_name": "oak"});
    arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let told = desk.call(LOGS, arguments).await;
    assert_eq!(desk.fake.writes(), [""; 0]);
    told
}

fn texts(told: &Told) -> Vec<&str> {
    let lines = told.report["result"]["lines"].as_array().unwrap_or_else(|| panic!("{told:?}"));
    lines.iter().map(|line| line["text"].as_str().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn the_last_lines_are_told_oldest_first() {
    let told = check(hundred(), json!({})).await;
    assert_eq!((texts(&told).len(), texts(&told)[0], texts(&told)[49]), (50, "WARN 50", "INFO 99"));
    assert_eq!((told.text("/result/lines/0/stream"), told.sentence.as_str()), ("AllTraffic/i-1", "Lines of oak: 50."));
    assert_eq!(texts(&check(hundred(), json!({"lines": 2})).await), ["INFO 98", "INFO 99"]);
}

#[tokio::test(start_paused = true)]
async fn only_lines_that_contain_a_text_are_told() {
    let told = check(hundred(), json!({"contains": " WARN "})).await;
    assert_eq!((texts(&told).len(), texts(&told)[9]), (10, "WARN 90"));
    assert_eq!(texts(&check(hundred(), json!({"contains": "nothing of the kind"})).await), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn only_lines_after_a_moment_are_told() {
    assert_eq!(texts(&check(hundred(), json!({"since": "2020-01-01T00:00:00Z"})).await).len(), 50);
    assert_eq!(texts(&check(hundred(), json!({"since": "2099-01-01T00:00:00Z"})).await).len(), 0);
    assert!(check(hundred(), json!({"since": "yesterday"})).await.sentence.starts_with("`since`"));
}

#[tokio::test(start_paused = true)]
async fn pages_follow_each_other_by_their_cursor() {
    let desk = Desk::open(hundred()).await;
    let (mut found, mut cursor) = (vec![], json!(null));
    for size in [4, 4, 2] {
        let page = json!({"endpoint_name": "oak", "contains": "WARN", "lines": 4, "cursor": cursor});
        let told = desk.call(LOGS, page).await;
        assert_eq!(texts(&told).len(), size);
        found.extend(texts(&told).into_iter().map(str::to_owned));
        cursor = told.report["result"]["cursor"].clone();
    }
    let expected: Vec<String> = (0..10).map(|n| format!("WARN {}", n * 10)).collect();
    assert_eq!((found, cursor), (expected, json!(null)));
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_aws_does_not_know_is_a_wrong_argument() {
    let told = check(hundred(), json!({"cursor": "made-up"})).await;
    assert_eq!(told.code(), "invalid_argument");
    assert!(told.sentence.starts_with("`cursor`"), "{}", told.sentence);
}

#[tokio::test(start_paused = true)]
async fn before_the_first_container_writes_there_is_no_log_and_the_call_that_waits_is_named() {
    for more in [json!({}), json!({"contains": "x"})] {
        let fake = wrote([]);
        fake.state().log = None;
        let told = check(fake, more).await;
        assert_eq!((told.code(), told.next().0), ("not_found", "wait_sagemaker_endpoint"));
        assert!(told.sentence.contains("no log (yet)") && told.advises("when a container starts"), "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn secrets_are_not_told() {
    let secrets = ["AKIAIOSFODNN7EXAMPLE", "hf_CanaryCanaryCanaryCanary0123456789", "hunter2canary"];
    let fake = wrote([
        format!("using {} with {}", secrets[0], secrets[1]),
        format!("password={} and {{\"HF_TOKEN\": \"{}\"}}", secrets[2], secrets[2]),
        format!("https://me:{}@host/x", secrets[2]),
    ]);
    let desk = Desk::open(fake).await;
    for arguments in [json!({"endpoint_name": "oak"}), json!({"endpoint_name": "oak", "contains": "a"})] {
        let told = desk.call(LOGS, arguments).await;
        assert!(texts(&told)[0].starts_with("using [redacted] with [redacted]"), "{told:?}");
    }
    for secret in secrets {
        assert!(!desk.has_heard(secret), "{secret}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_lines_point_to_is_told() {
    let told = check(wrote(["torch: CUDA out of memory".to_owned()]), json!({})).await;
    assert_eq!(told.text("/result/points_to"), "out_of_memory");
    assert_eq!(check(hundred(), json!({})).await.text("/result/points_to"), "nothing");
}

#[tokio::test(start_paused = true)]
async fn a_log_that_may_not_be_read_names_the_permission() {
    let told = check(hundred().denied("GetLogEvents"), json!({})).await;
    assert_eq!(told.code(), "forbidden");
    assert!(told.advises("GetLogEvents"), "{told:?}");
    let storm = || aws("FilterLogEvents", "ThrottlingException", "Rate exceeded", 400);
    let told = check(hundred().trouble("FilterLogEvents", 0..9, storm), json!({"contains": "x"})).await;
    assert_eq!((told.code(), &told.report["error"]["retryable"]), ("throttled", &json!(true)));
}

#[tokio::test(start_paused = true)]
async fn wrong_arguments_are_refused_without_a_look() {
    for (more, argument) in [
        (json!({"lines": 0}), "lines"),
        (json!({"lines": 501}), "lines"),
        (json!({"contains": "x".repeat(257)}), "contains"),
        (json!({"endpoint_name": "a_b"}), "endpoint_name"),
    ] {
        let told = check(hundred(), more).await;
        assert_eq!(told.code(), "invalid_argument");
        assert!(told.sentence.starts_with(&format!("`{argument}`")), "{}", told.sentence);
    }
}
