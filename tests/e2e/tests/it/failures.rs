//! Why an endpoint failed: named, with the container's last words and without its secrets.

use std::time::Duration;

use longhaul_e2e::{Setup, Sim, report};
use serde_json::{Value, json};
use tokio::time::Instant;

const ENDPOINT: &str = "it-fails";

fn deployment() -> Value {
    json!({ "model_id": "sim-ic-mobilenet", "endpoint_name": ENDPOINT })
}

/// The report of a deployment whose endpoint does as the script says.
async fn failed(sim: &Sim, mut script: Value) -> Value {
    script["endpoint"] = json!("*");
    sim.script(script).await;
    let answer = Setup::sagemaker(sim).stdio().call("deploy_jumpstart_model", deployment()).await;
    let failed = report(&answer).clone();
    assert_eq!((&answer["result"]["isError"], &failed["state"]), (&json!(true), &json!("failed")), "{answer}");
    assert_eq!((&failed["error"]["code"], &failed["phase"]), (&json!("operation_failed"), &json!("Failed")));
    failed
}

fn lines(failed: &Value) -> String {
    let lines = failed["result"]["log_lines"].as_array().map(Vec::as_slice).unwrap_or_default();
    lines.iter().map(|line| format!("{}\n", line.as_str().unwrap())).collect()
}

/// The outcome is named; where its container wrote something, that is told with it; and there is
/// advice, and what remains.
async fn is_named(outcome: &str, class: &str, log: &str) {
    let sim = Sim::start(&["--create-seconds=0"]).await;
    let failed = failed(&sim, json!({ "outcome": outcome })).await;
    assert_eq!(failed["result"]["failure_class"], class, "{failed}");
    let told = lines(&failed);
    assert!(told.contains(log) && told.is_empty() == log.is_empty(), "{failed}");
    assert!(!failed["error"]["troubleshooting"].as_array().unwrap().is_empty(), "{failed}");
    assert!(!failed["error"]["backend"]["text"].as_str().unwrap().is_empty(), "{failed}");
    assert_eq!(failed["leftovers"].as_array().unwrap().len(), 3, "{failed}");
}

macro_rules! each {
    ($($name:ident: $outcome:literal is $class:literal, $log:literal;)*) => { $(
        #[tokio::test]
        async fn $name() {
            is_named($outcome, $class, $log).await;
        }
    )* };
}

each! {
    no_instances_are_left: "capacity" is "capacity", "";
    the_account_may_not: "quota" is "quota", "";
    the_role_cannot_be_assumed: "wrong_role" is "role", "";
    the_image_cannot_be_pulled: "image_pull" is "image_pull", "";
    the_model_may_not_be_read: "s3_forbidden" is "model_access", "";
    the_licence_was_not_accepted: "eula" is "model_access", "";
    the_download_takes_too_long: "download_timeout" is "download_timeout", "";
    the_container_is_not_healthy: "health_check" is "health_check", "ModuleNotFoundError";
    the_memory_is_too_small: "out_of_memory" is "out_of_memory", "CUDA out of memory";
    the_start_takes_too_long: "startup_timeout" is "startup_timeout", "37% Completed";
    the_container_may_not_read: "container_s3_forbidden" is "model_access", "Status Code: 403";
}

/// A model is called so; its memory is large enough.
#[tokio::test]
async fn a_models_name_is_no_reason() {
    let sim = Sim::start(&["--create-seconds=0"]).await;
    let reason = "Failed to download model data for container \"container_1\" from URL: \
                  \"s3://jumpstart-cache-prod-us-east-1/huggingface-textgeneration1-bloom-7b1/\". Please ensure that \
                  the role has permissions to download the object. (Service: S3, Status Code: 403)";
    let failed = failed(&sim, json!({ "outcome": "s3_forbidden", "failure_reason": reason })).await;
    assert_eq!(failed["result"]["failure_class"], "model_access", "{failed}");
}

#[tokio::test]
async fn what_nobody_knows_is_told_in_the_words_of_aws() {
    let sim = Sim::start(&["--create-seconds=0"]).await;
    let reason = "The flux of the instance was not what it should be.";
    let failed = failed(&sim, json!({ "outcome": "capacity", "failure_reason": reason })).await;
    assert_eq!(failed["result"]["failure_class"], "other", "{failed}");
    assert_eq!(failed["error"]["backend"]["text"], reason, "{failed}");
}

const CANARIES: [&str; 6] = [
    "AKIAIOSFODNN7CANARY0",
    "hf_CanaryCanaryCanaryCanaryCanary12",
    "hunter2-canary",
    "wJalrCanaryCanaryCanary/CanaryCanary",
    "eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOiJjYW5hcnkifQ.canarycanary",
    "s3cr3t-canary",
];

fn leaking() -> Value {
    let [key, token, password, secret, jwt, url] = CANARIES;
    json!([
        format!("[INFO ] environment: AWS_ACCESS_KEY_ID {key}"),
        format!("[INFO ] logging in to the hub as {token}"),
        format!("[ERROR] could not connect with password={password}"),
        format!("[INFO ] {{\"aws_secret_access_key\": \"{secret}\"}}"),
        format!("[INFO ] Authorization: Bearer {jwt}"),
        format!("[INFO ] fetching https://user:{url}@example.com/weights"),
        "[ERROR] and then it stopped",
    ])
}

#[tokio::test]
async fn what_a_container_lets_slip_is_told_to_nobody() {
    let sim = Sim::start(&["--create-seconds=0"]).await;
    let reason = format!("The container said password={} and stopped; ping health check.", CANARIES[2]);
    let script = json!({ "outcome": "health_check", "failure_reason": reason, "log_lines": leaking() });
    let failed = failed(&sim, script).await;
    assert!(lines(&failed).contains("and then it stopped"), "{failed}");
    let mut server = Setup::sagemaker(&sim).stdio();
    let named = json!({ "endpoint_name": ENDPOINT });
    let mut told = vec![failed.to_string()];
    for tool in ["get_sagemaker_endpoint_logs", "wait_sagemaker_endpoint", "describe_sagemaker_endpoint"] {
        told.push(server.call(tool, named.clone()).await.to_string());
    }
    told.push(server.call("list_sagemaker_endpoints", json!({})).await.to_string());
    told.extend(server.process.log.lines());
    for canary in CANARIES {
        assert!(told.iter().all(|text| !text.contains(canary)), "{canary}: {told:#?}");
    }
    assert!(told[1].contains("could not connect with password=[redacted]"), "{}", told[1]);
}

/// CloudWatch answers like this, and the failure is told all the same, and soon.
async fn does_not_mind(op: &str, kind: &str) {
    let sim = Sim::start(&["--create-seconds=0"]).await;
    sim.fault(json!({ "op": op, "kind": kind, "times": -1 })).await;
    let began = Instant::now();
    let failed = failed(&sim, json!({ "outcome": "out_of_memory" })).await;
    assert!(began.elapsed() < Duration::from_secs(12), "{op} {kind}: {:?}", began.elapsed());
    // Without the log nobody knows better.
    assert_eq!((&failed["result"]["failure_class"], lines(&failed).as_str()), (&json!("health_check"), ""), "{failed}");
    assert_eq!(failed["next"]["tool"], "delete_sagemaker_endpoint", "{failed}");
}

#[tokio::test]
async fn a_cloudwatch_that_is_overloaded_does_not_spoil_the_answer() {
    does_not_mind("DescribeLogStreams", "throttle").await;
}

#[tokio::test]
async fn a_cloudwatch_that_is_broken_does_not_spoil_the_answer() {
    does_not_mind("GetLogEvents", "http_500_html").await;
}

#[tokio::test]
async fn a_cloudwatch_that_hangs_does_not_spoil_the_answer() {
    does_not_mind("DescribeLogStreams", "hang").await;
}

#[tokio::test]
async fn a_cloudwatch_that_resets_does_not_spoil_the_answer() {
    does_not_mind("GetLogEvents", "reset").await;
}

#[tokio::test]
async fn a_cloudwatch_that_may_not_be_read_does_not_spoil_the_answer() {
    does_not_mind("DescribeLogStreams", "denied").await;
}
