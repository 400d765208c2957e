//! How a process ends, and what its callers hear of it.

use std::time::Duration;

use longhaul_e2e::{Era, Setup, Sim, http, report, wire};
use serde_json::{Value, json};

const SECOND: Duration = Duration::from_secs(1);

fn deployment() -> Value {
    json!({ "model_id": "sim-ic-mobilenet", "endpoint_name": "slow" })
}

/// Says `running`, and how to go on.
#[track_caller]
fn goes_on(answer: &Value, tool: &str) -> Value {
    let report = report(answer);
    assert_eq!((&report["state"], &report["next"]["tool"]), (&json!("running"), &json!(tool)), "{report}");
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    report["next"].clone()
}

#[tokio::test]
async fn the_end_of_input_ends_an_idle_process_within_a_second() {
    let sim = Sim::start(&[]).await;
    for era in [Era::Legacy, Era::Modern] {
        let mut server = Setup::sagemaker(&sim).stdio().speaking(era).await;
        server.call("list_sagemaker_endpoints", json!({})).await;
        drop(server.take_input());
        let (status, took) = server.process.ended().await;
        assert!(status.success() && took < SECOND, "{status} after {took:?}");
    }
}

#[tokio::test]
async fn the_end_of_input_ends_a_process_that_follows_and_the_same_call_resumes() {
    let sim = Sim::start(&[]).await;
    let mut server = Setup::sagemaker(&sim).stdio();
    let id = server.begin("deploy_jumpstart_model", deployment()).await;
    sim.hears("DescribeEndpoint", 3).await;
    drop(server.take_input());
    let (status, took) = server.process.ended().await;
    assert!(status.success() && took < SECOND, "{status} after {took:?}");
    let answer = server.answer(id).await;
    let next = goes_on(&answer, "wait_sagemaker_endpoint");

    sim.advance(900).await;
    let mut second = Setup::sagemaker(&sim).stdio();
    let waited = second.call(next["tool"].as_str().unwrap(), next["arguments"].clone()).await;
    assert_eq!(report(&waited)["state"], "succeeded", "{waited}");
    let again = second.call("deploy_jumpstart_model", deployment()).await;
    assert_eq!((&report(&again)["state"], sim.created().await), (&json!("succeeded"), [1, 1, 1]));
}

#[tokio::test]
async fn the_end_of_input_ends_a_process_whose_backend_hangs_within_a_second() {
    let sim = Sim::start(&[]).await;
    sim.fault(json!({ "op": "*", "kind": "hang", "times": -1 })).await;
    let mut server = Setup::sagemaker(&sim).stdio();
    let deploying = server.begin("deploy_jumpstart_model", deployment()).await;
    server.begin("list_sagemaker_endpoints", json!({})).await;
    sim.holds("ListEndpoints").await;
    drop(server.take_input());
    let (status, took) = server.process.ended().await;
    assert!(status.success() && took < SECOND, "{status} after {took:?}");
    goes_on(&server.answer(deploying).await, "deploy_jumpstart_model");
}

#[tokio::test]
async fn a_signal_lets_fifty_open_streams_answer_and_the_process_ends_within_five_seconds() {
    let sim = Sim::start(&[]).await;
    let mut server = Setup::sagemaker(&sim).http().await;
    let first = server.call(Era::Modern, "deploy_jumpstart_model", {
        let mut bounded = deployment();
        bounded["wait_seconds"] = json!(0);
        bounded
    });
    goes_on(&first.await, "wait_sagemaker_endpoint");
    let mut streams = Vec::new();
    for n in 0..50 {
        let era = if n % 2 == 0 { Era::Modern } else { Era::Legacy };
        let tool = if n % 5 == 0 { "deploy_jumpstart_model" } else { "wait_sagemaker_endpoint" };
        let arguments = if n % 5 == 0 { deployment() } else { json!({ "endpoint_name": "slow" }) };
        let call = wire::with_token(wire::call(era, n, tool, arguments), &format!("t{n}"));
        streams.push((n, server.open(&call, &[]).await));
    }
    server.shows("/metrics", "longhaul_operations_followed{kind=\"sagemaker.endpoint\"} 50").await;
    server.process.terminate();
    let reading = streams.into_iter().map(|(n, stream)| async move { (n, http::read(stream).await) });
    let (answers, (status, took)) = tokio::join!(futures_util::future::join_all(reading), server.process.ended());
    assert!(status.success() && took < 5 * SECOND, "{status} after {took:?}");
    for (n, answer) in &answers {
        let last = answer.messages.last().unwrap_or_else(|| panic!("stream {n}: {answer:?}"));
        assert_eq!(last["id"], *n, "{answer:?}");
        goes_on(last, "wait_sagemaker_endpoint");
    }

    sim.advance(900).await;
    let second = Setup::sagemaker(&sim).http().await;
    let again = second.call(Era::Modern, "deploy_jumpstart_model", deployment()).await;
    assert_eq!((&report(&again)["state"], sim.created().await), (&json!("succeeded"), [1, 1, 1]));
}

#[tokio::test]
async fn a_signal_over_stdio_answers_a_removal_that_is_under_way() {
    let sim = Sim::start(&["--create-seconds=0", "--delete-seconds=600"]).await;
    let mut server = Setup::sagemaker(&sim).stdio();
    server.call("deploy_jumpstart_model", deployment()).await;
    let removal = json!({ "endpoint_name": "slow", "confirm": "slow" });
    let id = server.begin("delete_sagemaker_endpoint", removal).await;
    sim.hears("DeleteEndpoint", 1).await;
    sim.hears("DescribeEndpoint", 5).await;
    server.process.terminate();
    let next = goes_on(&server.answer(id).await, "delete_sagemaker_endpoint");
    let (status, took) = server.process.ended().await;
    assert!(status.success() && took < 5 * SECOND, "{status} after {took:?}");

    sim.advance(600).await;
    let removed = Setup::sagemaker(&sim).stdio().call("delete_sagemaker_endpoint", next["arguments"].clone()).await;
    assert_eq!((&report(&removed)["state"], sim.there().await), (&json!("succeeded"), [0, 0, 0]));
}

/// What is begun is not dropped half way: a start that needs two more seconds gets them.
#[tokio::test]
async fn a_signal_lets_a_start_come_to_its_endpoint() {
    let sim = Sim::start(&[]).await;
    sim.fault(json!({ "op": "CreateModel", "kind": "hang", "seconds": 2.0 })).await;
    let mut server = Setup::sagemaker(&sim).stdio();
    let id = server.begin("deploy_jumpstart_model", deployment()).await;
    sim.holds("CreateModel").await;
    server.process.terminate();
    let answer = server.answer(id).await;
    assert_eq!(report(&answer)["state"], "running", "{answer}");
    let (status, took) = server.process.ended().await;
    assert!(status.success() && took < 5 * SECOND, "{status} after {took:?}");
    assert_eq!(sim.created().await, [1, 1, 1], "the start was cut off\n{}", server.process.log.tail());
}

/// The same over HTTP, where the caller has left already.
#[tokio::test]
async fn a_signal_lets_a_start_that_nobody_waits_for_come_to_its_endpoint() {
    let sim = Sim::start(&[]).await;
    sim.fault(json!({ "op": "CreateModel", "kind": "hang", "seconds": 2.0 })).await;
    let mut server = Setup::sagemaker(&sim).http().await;
    let call = wire::with_token(wire::call(Era::Modern, 1, "deploy_jumpstart_model", deployment()), "p");
    let stream = server.open(&call, &[]).await;
    sim.holds("CreateModel").await;
    drop(stream);
    server.process.terminate();
    let (status, took) = server.process.ended().await;
    assert!(status.success() && took < 5 * SECOND, "{status} after {took:?}");
    assert_eq!(sim.created().await, [1, 1, 1], "the start was cut off\n{}", server.process.log.tail());
}

/// The same after the end of input, as far as a second allows.
#[tokio::test]
async fn the_end_of_input_lets_a_start_come_to_its_endpoint_within_the_second() {
    let sim = Sim::start(&[]).await;
    sim.fault(json!({ "op": "CreateModel", "kind": "hang", "seconds": 0.3 })).await;
    let mut server = Setup::sagemaker(&sim).stdio();
    server.begin("deploy_jumpstart_model", deployment()).await;
    sim.holds("CreateModel").await;
    drop(server.take_input());
    let (status, took) = server.process.ended().await;
    assert!(status.success() && took < SECOND, "{status} after {took:?}");
    assert_eq!(sim.created().await, [1, 1, 1], "the start was cut off\n{}", server.process.log.tail());
}
