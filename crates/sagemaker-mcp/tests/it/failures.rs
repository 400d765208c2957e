//! Why a deployment failed: AWS's reason and the container's log, put into a class with advice.
//! The log is a courtesy: whatever becomes of it, the failure is told.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    deploy::{DEPLOY, oak, oak_and},
    desk::{Desk, Told},
    fake::{Fake, Show, throttled},
    plan::PLAN,
};

const UNHEALTHY: &str = "The primary container for production variant AllTraffic did not pass the ping health check. \
                         Please check CloudWatch logs for this endpoint.";
const NO_CAPACITY: &str =
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.";

/// Creates for a minute, then fails for this reason.
fn fails(reason: &'static str) -> Show {
    Arc::new(move |seconds, seen| {
        seen.status = if seconds < 60 { "Creating" } else { "Failed" }.into();
        seen.failure_reason = (seconds >= 60).then(|| reason.into());
    })
}

fn failing(reason: &'static str, log: &[&str]) -> Fake {
    let fake = Fake::new();
    fake.state().show = fails(reason);
    fake.state().log = Some(log.iter().map(|line| (*line).to_owned()).collect());
    fake
}

/// Deploys what fails so.
async fn failed(fake: Fake) -> (Desk, Told) {
    let desk = Desk::open(fake).await;
    let told = desk.watch(DEPLOY, oak()).await;
    assert_eq!((told.state(), told.code(), told.text("/error/status")), ("failed", "operation_failed", "Failed"));
    (desk, told)
}

/// The class of a failure with this reason and this log, the beginning of its first advice, and
/// where the log is shown.
async fn check(reason: &'static str, log: &[&str], class: &str, advice: &str) {
    let (_, told) = failed(failing(reason, log)).await;
    let result = &told.report["result"];
    assert_eq!((told.text("/result/failure_class"), &result["log_lines"]), (class, &json!(log)), "{reason}");
    let first = told.text("/error/troubleshooting/0");
    assert!(first.contains(advice), "{reason}: {first}");
    assert_eq!((told.text("/error/backend/text"), told.at), (reason, 60));
    assert!(told.advises("Delete the failed endpoint"));
    assert_eq!(told.report["leftovers"].as_array().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn awss_reason_gives_the_class() {
    check(NO_CAPACITY, &["CUDA out of memory"], "capacity", "`fallback_instance_types`").await;
    check("ResourceLimitExceeded: the account-level service limit is 0", &["x"], "quota", "Service Quotas").await;
    check("Could not assume role arn:aws:iam::1:role/x", &["x"], "role", "iam:PassRole").await;
    check("Failed to pull image 1.dkr.ecr.us-east-1.amazonaws.com/x", &["x"], "image_pull", "ecr:BatchGetImage").await;
    check("Failed to download model data: 403 Forbidden", &["x"], "model_access", "`accept_eula`").await;
    check("Container was killed: out of memory", &["x"], "out_of_memory", "more (accelerator) memory").await;
    check("Model data download timed out after 1200 s", &["x"], "download_timeout", "local disk").await;
    check("Container startup timed out", &["x"], "startup_timeout", "too long to get ready").await;
    check(UNHEALTHY, &["ValueError: unknown model"], "health_check", "its log tells why").await;
    check("Something that nobody has seen before", &["x"], "other", "Check the instance type").await;
}

#[tokio::test(start_paused = true)]
async fn the_log_gives_the_class_of_a_container_that_is_not_healthy() {
    check(UNHEALTHY, &["ok", "torch.cuda.OutOfMemoryError: CUDA out of memory."], "out_of_memory", "memory").await;
    check(UNHEALTHY, &["403 Client Error: Forbidden for url"], "model_access", "`accept_eula`").await;
    check(UNHEALTHY, &["OSError: download timed out"], "download_timeout", "network").await;
    check(UNHEALTHY, &["timed out waiting for the workers"], "startup_timeout", "too long").await;
    check("Container startup timed out", &["RuntimeError: out of memory"], "out_of_memory", "memory").await;
}

#[tokio::test(start_paused = true)]
async fn the_last_twenty_lines_are_told() {
    let lines: Vec<String> = (0..50).map(|n| format!("line {n}")).collect();
    let fake = failing(UNHEALTHY, &[]);
    fake.state().log = Some(lines.clone());
    let (_, told) = failed(fake).await;
    assert_eq!(told.report["result"]["log_lines"], json!(lines[30..]));
}

#[tokio::test(start_paused = true)]
async fn secrets_in_the_log_are_not_told() {
    let secrets =
        ["AKIAIOSFODNN7EXAMPLE", "hf_CanaryCanaryCanaryCanary0123456789", "hunter2canary", "wJalrXUtnFEMIKEY"];
    let log =
        secrets.map(|secret| format!("ValueError: token {secret} password={secret} aws_secret_access_key={secret}"));
    let fake = failing("Failed password=hunter2canary", &[]);
    fake.state().log = Some(log[..3].to_vec());
    fake.state().log.as_mut().unwrap().push(format!("AWS_SECRET_ACCESS_KEY={}", secrets[3]));
    fake.state().log.as_mut().unwrap()[2] = "password=hunter2canary".into();
    let (desk, told) = failed(fake).await;
    assert!(told.text("/result/log_lines/0").starts_with("ValueError: token [redacted]"), "{told:?}");
    for secret in secrets {
        assert!(!desk.has_heard(secret), "{secret}: {told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_be_read_neither_delays_nor_spoils_the_failure() {
    let reason = UNHEALTHY;
    let without_a_log = failing(reason, &[]);
    without_a_log.state().log = None;
    for fake in [
        failing(reason, &["x"]).trouble("GetLogEvents", 0..9999, || throttled(Some(600))),
        failing(reason, &["x"]).denied("GetLogEvents"),
        failing(reason, &["x"]).hanging("GetLogEvents"),
        without_a_log,
    ] {
        let (_, told) = failed(fake).await;
        assert_eq!((told.text("/result/failure_class"), told.text("/error/backend/text")), ("health_check", reason));
        assert_eq!((told.next().0, &told.report["result"]["log_lines"]), ("delete_sagemaker_endpoint", &Value::Null));
        assert!((60..=63).contains(&told.at), "{} s", told.at);
    }
}

#[tokio::test(start_paused = true)]
async fn where_aws_has_no_capacity_the_plan_on_a_type_that_is_left_is_named() {
    let (desk, told) = failed(failing(NO_CAPACITY, &[])).await;
    let (tool, arguments) = told.next();
    let expected = json!({"model_id": "acme-tabular-oak", "model_version": "1.0.0", "instance_type": "ml.c5.xlarge"});
    assert_eq!((tool, arguments), (PLAN, expected));
    assert!(told.text("/next/why").contains("also runs on ml.c5.xlarge, ml.g5.xlarge, ml.m7g.large"), "{told:?}");
    let planned = desk.go_on(&told).await;
    assert_eq!(planned.report["result"]["ready"], json!(true), "{planned:?}");
    desk.fake.state().show = crate::fake::stages(&[(0, "InService")]);
    assert_eq!(desk.go_on(&planned).await.state(), "succeeded");
}

#[tokio::test(start_paused = true)]
async fn no_type_that_was_tried_is_named() {
    let fake = failing(NO_CAPACITY, &[]);
    let desk = Desk::open(fake).await;
    let told = desk.watch(DEPLOY, oak_and(json!({"fallback_instance_types": ["ml.c5.xlarge", "ml.g5.xlarge"]}))).await;
    assert_eq!(told.next().1["instance_type"], "ml.m7g.large");
    let all = json!(["ml.c5.xlarge", "ml.g5.xlarge", "ml.m7g.large"]);
    let told = desk
        .watch(DEPLOY, json!({"model_id": "acme-tabular-oak", "endpoint_name": "b", "fallback_instance_types": all}))
        .await;
    assert_eq!((told.text("/result/failure_class"), told.next().0), ("capacity", "delete_sagemaker_endpoint"));
}

#[tokio::test(start_paused = true)]
async fn types_that_cannot_be_found_out_do_not_delay_the_failure() {
    for what in ["ListTags", "DescribeConfig"] {
        let desk = Desk::open(failing(NO_CAPACITY, &["x"]).hanging(what)).await;
        desk.fake.state().keep("oak", "c", Default::default(), fails(NO_CAPACITY));
        tokio::time::sleep(std::time::Duration::from_secs(100)).await;
        let told = desk.watch("wait_sagemaker_endpoint", json!({"endpoint_name": "oak"})).await;
        assert_eq!((told.code(), told.next().0), ("operation_failed", "delete_sagemaker_endpoint"), "{what}");
        assert!(told.at <= 103, "{what}: {} s", told.at);
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_of_others_is_explained_too() {
    let fake = Fake::new().with("llama", fails(UNHEALTHY));
    fake.state().log = Some(vec!["MemoryError".into()]);
    let told = Desk::open(fake).await.watch("wait_sagemaker_endpoint", json!({"endpoint_name": "llama"})).await;
    assert_eq!(
        (told.text("/result/failure_class"), told.text("/result/log_lines/0")),
        ("out_of_memory", "MemoryError")
    );
}
