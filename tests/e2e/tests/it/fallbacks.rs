//! Where AWS has no instances left: the types that are, by advice or by instance pools.

use longhaul_e2e::{Setup, Sim, Stdio, report};
use serde_json::{Value, json};

const ENDPOINT: &str = "elsewhere";

fn deployment(fallbacks: &[&str]) -> Value {
    json!({ "model_id": "sim-ic-mobilenet", "endpoint_name": ENDPOINT, "fallback_instance_types": fallbacks })
}

async fn without(types: &[&str]) -> (Sim, Stdio) {
    let sim = Sim::start(&["--create-seconds=0", "--delete-seconds=0"]).await;
    // Pools are waited for; here nobody waits.
    sim.settings(json!({ "no_capacity": types })).await;
    let server = Setup::sagemaker(&sim).stdio();
    (sim, server)
}

async fn nothing_remains(sim: &Sim, server: &mut Stdio) {
    let removal = json!({ "endpoint_name": ENDPOINT, "confirm": ENDPOINT });
    let removed = server.call("delete_sagemaker_endpoint", removal).await;
    assert_eq!((&report(&removed)["state"], sim.there().await), (&json!("succeeded"), [0, 0, 0]), "{removed}");
}

#[tokio::test]
async fn without_fallbacks_the_failure_leads_to_a_type_that_is_left() {
    let (sim, mut server) = without(&["ml.m5.large"]).await;
    let answer = server.call("deploy_jumpstart_model", deployment(&[])).await;
    let failed = report(&answer);
    let next = &failed["next"];
    assert_eq!((&failed["result"]["failure_class"], &next["tool"]), (&json!("capacity"), &json!("plan_deployment")));
    assert_eq!(next["arguments"]["instance_type"], "ml.m5.xlarge", "{failed}");

    // From there on `next` alone leads into service.
    let plan = server.call("plan_deployment", next["arguments"].clone()).await;
    let next = &report(&plan)["result"]["next"];
    let deployed = server.call(next["tool"].as_str().unwrap(), next["arguments"].clone()).await;
    assert_eq!(report(&deployed)["state"], "succeeded", "{deployed}");
    nothing_remains_of_the_failed_one(&sim, &mut server).await;
}

async fn nothing_remains_of_the_failed_one(sim: &Sim, server: &mut Stdio) {
    let removal = json!({ "endpoint_name": ENDPOINT, "confirm": ENDPOINT });
    let removed = server.call("delete_sagemaker_endpoint", removal).await;
    assert_eq!((&report(&removed)["state"], sim.there().await), (&json!("succeeded"), [1, 1, 1]), "{removed}");
}

#[tokio::test]
async fn with_fallbacks_it_comes_into_service_on_the_next_type() {
    let (sim, mut server) = without(&["ml.m5.large"]).await;
    let deployed = server.call("deploy_jumpstart_model", deployment(&["ml.m5.xlarge", "ml.c5.xlarge"])).await;
    assert_eq!(report(&deployed)["state"], "succeeded", "{deployed}");
    let described = server.call("describe_sagemaker_endpoint", json!({ "endpoint_name": ENDPOINT })).await;
    let seen = &report(&described)["result"];
    assert_eq!(seen["instance_types"], json!(["ml.m5.large", "ml.m5.xlarge", "ml.c5.xlarge"]), "{seen}");
    // The price is that of the type that it got.
    assert_eq!((&seen["status"], &seen["hourly_usd"]), (&json!("InService"), &json!(0.23)), "{seen}");
    assert_eq!(sim.there().await, [1, 1, 1]);
    nothing_remains(&sim, &mut server).await;
}

/// Its container is another, so the pool has a model of its own.
#[tokio::test]
async fn a_type_with_a_container_of_its_own_leaves_nothing_either() {
    let (sim, mut server) = without(&["ml.m5.large"]).await;
    let deployed = server.call("deploy_jumpstart_model", deployment(&["ml.c5.2xlarge"])).await;
    assert_eq!(report(&deployed)["state"], "succeeded", "{deployed}");
    assert_eq!(sim.there().await, [1, 1, 2]);
    let models = sim.requests("CreateModel").await;
    let workers: Vec<&Value> = models
        .iter()
        .map(|model| &model["PrimaryContainer"]["Environment"]["SAGEMAKER_MODEL_SERVER_WORKERS"])
        .collect();
    assert_eq!(workers, [&json!("1"), &json!("4")]);
    nothing_remains(&sim, &mut server).await;
}

#[tokio::test]
async fn where_none_of_the_types_is_left_a_further_one_is_named() {
    let (sim, mut server) = without(&["ml.m5.large", "ml.m5.xlarge"]).await;
    let answer = server.call("deploy_jumpstart_model", deployment(&["ml.m5.xlarge"])).await;
    let failed = report(&answer);
    assert_eq!((&failed["state"], &failed["result"]["failure_class"]), (&json!("failed"), &json!("capacity")));
    assert_eq!(failed["next"]["arguments"]["instance_type"], "ml.c5.xlarge", "{failed}");
    nothing_remains(&sim, &mut server).await;
}

#[tokio::test]
async fn where_every_type_was_tried_only_the_removal_is_left() {
    let types = ["ml.m5.large", "ml.m5.xlarge", "ml.c5.xlarge", "ml.c5.2xlarge"];
    let (sim, mut server) = without(&types).await;
    let answer = server.call("deploy_jumpstart_model", deployment(&types[1..])).await;
    let failed = report(&answer);
    assert_eq!(failed["next"]["tool"], "delete_sagemaker_endpoint", "{failed}");
    nothing_remains(&sim, &mut server).await;
}

#[tokio::test]
async fn the_same_call_with_fallbacks_joins_and_another_order_is_another_deployment() {
    let (sim, mut server) = without(&[]).await;
    for _ in 0..2 {
        let answer = server.call("deploy_jumpstart_model", deployment(&["ml.m5.xlarge", "ml.c5.xlarge"])).await;
        assert_eq!(report(&answer)["state"], "succeeded", "{answer}");
    }
    let other = server.call("deploy_jumpstart_model", deployment(&["ml.c5.xlarge", "ml.m5.xlarge"])).await;
    assert_eq!((&report(&other)["error"]["code"], sim.created().await), (&json!("conflict"), [1, 1, 1]), "{other}");
}
