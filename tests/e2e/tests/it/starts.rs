//! A server starts and lists its tools whatever is missing; the first call says what.

use std::time::Duration;

use longhaul_e2e::{Era, Setup, Sim, report};
use serde_json::{Value, json};
use tokio::time::Instant;

/// The error of a call that could not be made.
async fn refusal(setup: &Setup, tool: &str, arguments: Value) -> Value {
    let mut server = setup.stdio();
    let started = Instant::now();
    let listed = server.request("tools/list", json!({})).await;
    assert!(listed["result"]["tools"].as_array().unwrap().len() >= 4, "{listed}");
    assert!(started.elapsed() < Duration::from_secs(3), "the list took {:?}", started.elapsed());
    let answer = server.call(tool, arguments).await;
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    report(&answer)["error"].clone()
}

#[track_caller]
fn says(error: &Value, code: &str, words: &[&str]) {
    let text = error.to_string();
    assert!(error["code"] == code && words.iter().all(|word| text.contains(word)), "{error}");
}

#[tokio::test]
async fn without_credentials_the_first_call_says_which_variables_are_missing() {
    let sim = Sim::start(&[]).await;
    let setup = Setup::bare().env("AWS_REGION", "us-east-1").env("AWS_ENDPOINT_URL", sim.url());
    for (tool, arguments) in [
        ("list_sagemaker_endpoints", json!({})),
        ("describe_sagemaker_endpoint", json!({ "endpoint_name": "x" })),
        ("wait_sagemaker_endpoint", json!({ "endpoint_name": "x" })),
        ("cleanup_leftovers", json!({})),
    ] {
        let error = refusal(&setup, tool, arguments).await;
        says(&error, "unauthenticated", &["AWS_ACCESS_KEY_ID", "AWS_PROFILE"]);
    }
    let writing = setup.flag("--allow-write");
    let error = refusal(&writing, "deploy_jumpstart_model", json!({ "model_id": "sim-ic-mobilenet" })).await;
    says(&error, "unauthenticated", &["AWS_ACCESS_KEY_ID"]);
    assert_eq!(sim.log().await.len(), 0, "something was asked without credentials");
}

#[tokio::test]
async fn without_a_region_the_first_call_names_the_variable() {
    let sim = Sim::start(&[]).await;
    let setup = Setup::sagemaker(&sim).without("AWS_REGION");
    let error = refusal(&setup, "list_sagemaker_endpoints", json!({})).await;
    assert!(error.to_string().contains("AWS_REGION"), "{error}");
    assert_eq!(sim.log().await.len(), 0);
}

#[tokio::test]
async fn without_a_backend_the_first_call_says_that_it_is_out_of_reach() {
    let mut sim = Sim::start(&[]).await;
    let setup = Setup::sagemaker(&sim);
    sim.kill().await;
    let error = refusal(&setup, "list_sagemaker_endpoints", json!({})).await;
    says(&error, "unreachable", &["AWS_REGION", "network"]);
    let error = refusal(&setup, "wait_sagemaker_endpoint", json!({ "endpoint_name": "x" })).await;
    says(&error, "unreachable", &["network"]);
}

#[tokio::test]
async fn a_backend_that_is_lost_meanwhile_is_unknown_and_not_failed() {
    let mut sim = Sim::start(&[]).await;
    let mut server = Setup::sagemaker(&sim).env("SAGEMAKER_PATIENCE_SECONDS", "2").stdio();
    let id = server.begin("deploy_jumpstart_model", json!({ "model_id": "sim-ic-mobilenet" })).await;
    sim.hears("DescribeEndpoint", 3).await;
    sim.kill().await;
    let answer = server.answer(id).await;
    let report = report(&answer);
    assert_eq!((&report["state"], &report["error"]["code"]), (&json!("unknown"), &json!("unreachable")), "{report}");
    assert_eq!((&report["phase"], &report["next"]["tool"]), (&json!("Creating"), &json!("wait_sagemaker_endpoint")));
}

#[tokio::test]
async fn in_the_wrong_region_nothing_is_found_and_the_region_is_named() {
    let sim = Sim::start(&["--create-seconds=0"]).await;
    let deployment = json!({ "model_id": "sim-ic-mobilenet", "endpoint_name": "here" });
    let mut here = Setup::sagemaker(&sim).stdio();
    assert_eq!(report(&here.call("deploy_jumpstart_model", deployment).await)["state"], "succeeded");
    let there = Setup::sagemaker(&sim).env("AWS_REGION", "eu-west-1");
    let error = refusal(&there, "wait_sagemaker_endpoint", json!({ "endpoint_name": "here" })).await;
    says(&error, "not_found", &["region"]);
    let answer = there.stdio().call("wait_sagemaker_endpoint", json!({ "endpoint_name": "here" })).await;
    assert_eq!(report(&answer)["target"], "eu-west-1", "{answer}");
}

#[tokio::test]
async fn an_expired_token_is_told_with_the_remedy() {
    let sim = Sim::start(&[]).await;
    sim.fault(json!({ "op": "*", "kind": "expired_token", "times": -1 })).await;
    let error = refusal(&Setup::sagemaker(&sim), "list_sagemaker_endpoints", json!({})).await;
    says(&error, "unauthenticated", &["ExpiredToken", "aws sso login"]);
}

#[tokio::test]
async fn a_token_that_expires_meanwhile_leaves_the_state_unknown_and_the_same_call_resumes() {
    let sim = Sim::start(&[]).await;
    let mut server = Setup::sagemaker(&sim).stdio();
    let deployment = json!({ "model_id": "sim-ic-mobilenet" });
    let id = server.begin("deploy_jumpstart_model", deployment.clone()).await;
    sim.hears("DescribeEndpoint", 3).await;
    sim.fault(json!({ "op": "*", "kind": "expired_token", "times": -1 })).await;
    let answer = server.answer(id).await;
    let seen = report(&answer);
    assert_eq!((&seen["state"], &seen["error"]["code"]), (&json!("unknown"), &json!("unauthenticated")), "{seen}");
    says(&seen["error"], "unauthenticated", &["aws sso login"]);
    sim.clear_faults().await;
    sim.advance(900).await;
    let again = server.call("deploy_jumpstart_model", deployment).await;
    assert_eq!((&report(&again)["state"], sim.created().await), (&json!("succeeded"), [1, 1, 1]), "{again}");
}

#[tokio::test]
async fn over_http_it_starts_and_lists_its_tools_without_anything_too() {
    let server = Setup::bare().http().await;
    for era in [Era::Legacy, Era::Modern] {
        let listed = server.request(era, "tools/list", json!({})).await;
        assert!(listed["result"]["tools"].as_array().unwrap().len() >= 4, "{listed}");
    }
}

#[tokio::test]
async fn the_first_answer_comes_within_a_fraction_of_a_second() {
    let mut times = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        let mut server = Setup::bare().stdio();
        server.request("server/discover", json!({})).await;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    // A debug build on a busy machine; the release build answers within 10 ms.
    assert!(times[2] < Duration::from_millis(500), "{times:?}");
}
