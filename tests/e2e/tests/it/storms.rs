//! AWS answers badly for a while: the work is done once all the same.

use longhaul_e2e::{Setup, Sim, report};
use serde_json::{Value, json};

/// Deploys and removes while each of these requests goes wrong so many times.
async fn is_weathered(ops: &[&str], fault: Value) {
    let sim = Sim::start(&["--create-seconds=0", "--delete-seconds=0"]).await;
    for op in ops {
        let mut fault = fault.clone();
        fault["op"] = json!(op);
        sim.fault(fault).await;
    }
    let mut server = Setup::sagemaker(&sim).stdio();
    let name = json!({ "model_id": "sim-ic-mobilenet", "endpoint_name": "weathered" });
    let deployed = server.call("deploy_jumpstart_model", name).await;
    assert_eq!(report(&deployed)["state"], "succeeded", "{fault}: {deployed}");
    let removed =
        server.call("delete_sagemaker_endpoint", json!({ "endpoint_name": "weathered", "confirm": "weathered" })).await;
    assert_eq!(report(&removed)["state"], "succeeded", "{fault}: {removed}");
    assert_eq!((sim.created().await, sim.there().await), ([1, 1, 1], [0, 0, 0]), "{fault}");
    let met = sim.log().await.iter().filter(|entry| !entry["fault"].is_null()).count();
    assert!(met >= ops.len(), "only {met} requests went wrong");
}

const WRITES: [&str; 7] = [
    "CreateModel",
    "CreateEndpointConfig",
    "CreateEndpoint",
    "AddTags",
    "DeleteEndpoint",
    "DeleteEndpointConfig",
    "DeleteModel",
];

#[tokio::test]
async fn the_answer_of_every_write_is_lost_once() {
    is_weathered(&WRITES, json!({ "kind": "commit_then_reset" })).await;
}

#[tokio::test]
async fn half_of_every_writes_answer_is_lost_once() {
    is_weathered(&WRITES, json!({ "kind": "truncate" })).await;
}

#[tokio::test]
async fn every_write_is_reset_twice() {
    is_weathered(&WRITES, json!({ "kind": "reset", "times": 2 })).await;
}

#[tokio::test]
async fn every_write_is_throttled_twice() {
    is_weathered(&WRITES, json!({ "kind": "throttle", "times": 2 })).await;
}

#[tokio::test]
async fn six_503_in_a_row_meet_a_start_half_way() {
    is_weathered(&["CreateEndpointConfig"], json!({ "kind": "http_503", "times": 6 })).await;
}

#[tokio::test]
async fn four_proxy_pages_in_a_row_meet_the_last_step_of_a_start() {
    is_weathered(&["CreateEndpoint"], json!({ "kind": "http_500_html", "times": 4 })).await;
}

#[tokio::test]
async fn a_storm_over_a_deployment_that_is_followed_is_survived() {
    let sim = Sim::start(&[]).await;
    let mut server = Setup::sagemaker(&sim).stdio();
    let id = server.begin("deploy_jumpstart_model", json!({ "model_id": "sim-ic-mobilenet" })).await;
    sim.hears("DescribeEndpoint", 3).await;
    for kind in ["http_503", "http_500_html", "reset", "truncate"] {
        sim.fault(json!({ "op": "DescribeEndpoint", "kind": kind, "times": 2 })).await;
    }
    sim.advance(900).await;
    let answer = server.answer(id).await;
    assert_eq!((&report(&answer)["state"], sim.created().await), (&json!("succeeded"), [1, 1, 1]), "{answer}");
}

/// A look that fails says nothing of the work, the first one neither.
#[tokio::test]
async fn a_wait_that_never_gets_to_look_leaves_the_state_unknown() {
    let sim = Sim::start(&[]).await;
    let mut server = Setup::sagemaker(&sim).env("SAGEMAKER_PATIENCE_SECONDS", "2").stdio();
    let deployment = json!({ "model_id": "sim-ic-mobilenet", "endpoint_name": "lives", "wait_seconds": 0 });
    server.call("deploy_jumpstart_model", deployment).await;
    sim.fault(json!({ "op": "DescribeEndpoint", "kind": "http_503", "times": -1 })).await;
    let answer = server.call("wait_sagemaker_endpoint", json!({ "endpoint_name": "lives" })).await;
    let report = report(&answer);
    assert_eq!(
        (&report["state"], &report["next"]["tool"]),
        (&json!("unknown"), &json!("wait_sagemaker_endpoint")),
        "{report}"
    );
}
