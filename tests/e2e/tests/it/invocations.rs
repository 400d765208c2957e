//! A model is asked: with a request of one's own, with a published example, and where it fails.

use longhaul_e2e::{Setup, Sim, Stdio, report};
use serde_json::{Value, json};

const ENDPOINT: &str = "it-answers";

fn gated() -> Value {
    json!({ "model_id": "sim-textgeneration-gated-7b", "accept_eula": true, "endpoint_name": ENDPOINT })
}

async fn in_service(deployment: Value) -> (Sim, Stdio) {
    let sim = Sim::start(&["--create-seconds=0"]).await;
    let mut server = Setup::sagemaker(&sim).stdio();
    let deployed = server.call("deploy_jumpstart_model", deployment).await;
    assert_eq!(report(&deployed)["state"], "succeeded", "{deployed}");
    (sim, server)
}

async fn asked(server: &mut Stdio, mut arguments: Value) -> Value {
    arguments["endpoint_name"] = json!(ENDPOINT);
    let answer = server.call("invoke_sagemaker_endpoint", arguments).await;
    let told = report(&answer).clone();
    assert_eq!(answer["result"]["isError"] == true, told.get("error").is_some(), "{answer}");
    told
}

async fn answering(sim: &Sim, answer: Value) {
    sim.script(json!({ "endpoint": "*", "on": "invoke", "answer": answer })).await;
}

#[tokio::test]
async fn a_request_of_ones_own_is_sent_as_it_is_with_the_types_of_the_model() {
    let (sim, mut server) = in_service(gated()).await;
    let payload = json!({ "inputs": "Hello", "parameters": { "max_new_tokens": 8 } });
    let told = asked(&mut server, json!({ "payload": payload })).await;
    assert_eq!(told["result"]["body"]["content_type"], "application/json", "{told}");
    assert!(told["result"]["latency_ms"].is_u64(), "{told}");
    let sent = &sim.requests("InvokeEndpoint").await[0];
    let body: Value = serde_json::from_str(sent["Body"].as_str().unwrap()).unwrap();
    assert_eq!((body, &sent["Accept"]), (payload, &json!("application/json")), "{sent}");
}

#[tokio::test]
async fn a_text_is_sent_as_a_text_of_the_type_that_is_named() {
    let (sim, mut server) = in_service(gated()).await;
    let arguments = json!({ "payload": "a,b\n1,2", "content_type": "text/csv", "accept": "text/csv" });
    asked(&mut server, arguments).await;
    let sent = &sim.requests("InvokeEndpoint").await[0];
    assert_eq!((&sent["Body"], &sent["ContentType"]), (&json!("a,b\n1,2"), &json!("text/csv")), "{sent}");
}

#[tokio::test]
async fn a_smoke_test_sends_the_publishers_example() {
    let (sim, mut server) = in_service(gated()).await;
    let told = asked(&mut server, json!({ "smoke_test": true })).await;
    assert_eq!(told["result"]["preset"], "begin", "{told}");
    let sent = &sim.requests("InvokeEndpoint").await[0];
    assert!(sent["Body"].as_str().unwrap().contains("The longest haul begins with"), "{sent}");
}

#[tokio::test]
async fn a_model_without_examples_cannot_be_smoke_tested_and_says_so() {
    let (sim, mut server) = in_service(json!({ "model_id": "sim-ic-mobilenet", "endpoint_name": ENDPOINT })).await;
    let told = asked(&mut server, json!({ "smoke_test": true })).await;
    assert_eq!((&told["error"]["code"], sim.count("InvokeEndpoint").await), (&json!("unsupported"), 0), "{told}");
}

#[tokio::test]
async fn a_written_request_leads_to_its_answer() {
    let (sim, mut server) = in_service(gated()).await;
    let arguments = json!({ "endpoint_name": ENDPOINT, "input_text": "Once upon a time", "max_new_tokens": 7 });
    let written = server.call("create_inference_payload", arguments).await;
    let next = &report(&written)["result"]["next"];
    let answer = server.call(next["tool"].as_str().unwrap(), next["arguments"].clone()).await;
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    let sent: Value = serde_json::from_str(sim.requests("InvokeEndpoint").await[0]["Body"].as_str().unwrap()).unwrap();
    assert_eq!((&sent["inputs"], &sent["parameters"]["max_new_tokens"]), (&json!("Once upon a time"), &json!(7)));
}

#[tokio::test]
async fn the_models_own_error_is_told_with_its_status_and_leads_to_the_log() {
    let (sim, mut server) = in_service(gated()).await;
    answering(&sim, json!({ "kind": "model_error", "status": 500, "message": "CUDA out of memory" })).await;
    let told = asked(&mut server, json!({ "payload": { "inputs": "x" } })).await;
    assert_eq!((&told["error"]["code"], &told["error"]["retryable"]), (&json!("operation_failed"), &json!(false)));
    assert!(told["error"]["backend"]["text"].as_str().unwrap().contains("CUDA out of memory"), "{told}");
    assert_eq!(sim.count("InvokeEndpoint").await, 1, "every attempt costs");
    let next = &told["next"];
    let logs = server.call(next["tool"].as_str().unwrap(), next["arguments"].clone()).await;
    let logs = &report(&logs)["result"];
    assert_eq!(logs["points_to"], "out_of_memory", "{logs}");
    assert!(logs["lines"].to_string().contains("invocation failed with status 500"), "{logs}");
}

#[tokio::test]
async fn a_model_that_takes_too_long_may_have_worked_all_the_same() {
    let (sim, mut server) = in_service(gated()).await;
    answering(&sim, json!({ "kind": "slow", "seconds": 20 })).await;
    let told = asked(&mut server, json!({ "payload": { "inputs": "x" }, "timeout_seconds": 1 })).await;
    assert_eq!((&told["error"]["code"], sim.count("InvokeEndpoint").await), (&json!("outcome_unknown"), 1), "{told}");
}

#[tokio::test]
async fn a_slow_answer_in_time_is_an_answer() {
    let (sim, mut server) = in_service(gated()).await;
    answering(&sim, json!({ "kind": "slow", "seconds": 0.5 })).await;
    let told = asked(&mut server, json!({ "payload": { "inputs": "x" }, "timeout_seconds": 20 })).await;
    assert!(told["result"]["latency_ms"].as_u64().unwrap() >= 500, "{told}");
}

#[tokio::test]
async fn of_a_large_answer_the_beginning_is_shown() {
    let (sim, mut server) = in_service(gated()).await;
    answering(&sim, json!({ "kind": "large", "bytes": 1_000_000 })).await;
    let told = asked(&mut server, json!({ "payload": { "inputs": "x" } })).await;
    let seen = &told["result"];
    assert_eq!((&seen["truncated"], &seen["bytes"]), (&json!(true), &json!(1_000_000)));
    assert!(seen["body"].as_str().unwrap().len() <= 64 << 10, "{} bytes", seen["body"].as_str().unwrap().len());
}

#[tokio::test]
async fn what_is_not_there_is_not_asked_twice() {
    let (sim, mut server) = in_service(gated()).await;
    answering(&sim, json!({ "kind": "unavailable" })).await;
    let told = asked(&mut server, json!({ "payload": { "inputs": "x" } })).await;
    assert_eq!((told.get("result"), sim.count("InvokeEndpoint").await), (None, 1), "{told}");
    let missing = json!({ "endpoint_name": "nobody", "payload": { "inputs": "x" } });
    let answer = server.call("invoke_sagemaker_endpoint", missing).await;
    let error = &report(&answer)["error"];
    assert_eq!(error["code"], "not_found", "{answer}");
}

#[tokio::test]
async fn whoever_may_only_read_does_not_invoke() {
    let (sim, _) = in_service(gated()).await;
    let mut reader = Setup::sagemaker(&sim).without_flags().stdio();
    let call = json!({ "endpoint_name": ENDPOINT, "smoke_test": true });
    reader.call("invoke_sagemaker_endpoint", call).await;
    assert_eq!(sim.count("InvokeEndpoint").await, 0);
}
