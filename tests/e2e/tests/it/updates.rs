//! An endpoint that is changed while it serves: to the end, back to what it was, and through the
//! death of the process that asked for it.

use longhaul_e2e::{Setup, Sim, Stdio, report};
use serde_json::{Value, json};

use crate::deaths::Death;

const ENDPOINT: &str = "it-changes";

fn deployment() -> Value {
    json!({ "model_id": "sim-ic-mobilenet", "endpoint_name": ENDPOINT })
}

/// The same model on a larger type.
fn larger() -> Value {
    json!({ "model_id": "sim-ic-mobilenet", "endpoint_name": ENDPOINT, "instance_type": "ml.m5.xlarge" })
}

async fn in_service(sim: &Sim) -> Stdio {
    let mut server = Setup::sagemaker(sim).stdio();
    let deployed = server.call("deploy_jumpstart_model", deployment()).await;
    assert_eq!(report(&deployed)["state"], "succeeded", "{deployed}");
    server
}

async fn described(server: &mut Stdio) -> Value {
    let answer = server.call("describe_sagemaker_endpoint", json!({ "endpoint_name": ENDPOINT })).await;
    report(&answer)["result"].clone()
}

async fn serves_on(server: &mut Stdio, instance_type: &str) {
    let seen = described(server).await;
    assert_eq!((&seen["status"], &seen["instance_types"]), (&json!("InService"), &json!([instance_type])), "{seen}");
}

/// Nothing of it is left, neither of what it served before.
async fn is_removed(sim: &Sim, server: &mut Stdio) {
    let removal = json!({ "endpoint_name": ENDPOINT, "confirm": ENDPOINT });
    let removed = server.call("delete_sagemaker_endpoint", removal).await;
    assert_eq!((&report(&removed)["state"], sim.there().await), (&json!("succeeded"), [0, 0, 0]), "{removed}");
}

#[tokio::test]
async fn to_another_type_it_is_followed_to_the_end() {
    let sim = Sim::start(&["--create-seconds=0", "--delete-seconds=0"]).await;
    let mut server = in_service(&sim).await;
    sim.settings(json!({ "create_seconds": 3 })).await;
    let answer = server.call("update_sagemaker_endpoint", larger()).await;
    let updated = report(&answer);
    assert_eq!((&updated["state"], &updated["result"]["status"]), (&json!("succeeded"), &json!("InService")));
    serves_on(&mut server, "ml.m5.xlarge").await;
    assert_eq!((sim.there().await, sim.count("UpdateEndpoint").await), ([1, 2, 2], 1));
    is_removed(&sim, &mut server).await;
}

#[tokio::test]
async fn the_same_call_again_joins_and_changes_nothing() {
    let sim = Sim::start(&["--create-seconds=0"]).await;
    let mut server = in_service(&sim).await;
    for _ in 0..2 {
        let answer = server.call("update_sagemaker_endpoint", larger()).await;
        assert_eq!(report(&answer)["state"], "succeeded", "{answer}");
    }
    assert_eq!((sim.created().await, sim.count("UpdateEndpoint").await), ([1, 2, 2], 1));
}

#[tokio::test]
async fn back_to_what_it_served_at_first_is_an_update_as_well() {
    let sim = Sim::start(&["--create-seconds=0"]).await;
    let mut server = in_service(&sim).await;
    server.call("update_sagemaker_endpoint", larger()).await;
    let back = server.call("update_sagemaker_endpoint", deployment()).await;
    assert_eq!(report(&back)["state"], "succeeded", "{back}");
    serves_on(&mut server, "ml.m5.large").await;
    // It is what its deployment asked for again.
    let joined = server.call("deploy_jumpstart_model", deployment()).await;
    assert_eq!((&report(&joined)["state"], sim.created().await), (&json!("succeeded"), [1, 2, 2]), "{joined}");
}

#[tokio::test]
async fn meanwhile_it_serves_and_waiting_goes_on_with_it() {
    let sim = Sim::start(&["--create-seconds=0"]).await;
    let mut server = in_service(&sim).await;
    sim.settings(json!({ "create_seconds": 900 })).await;
    let mut bounded = larger();
    bounded["wait_seconds"] = json!(0);
    let answer = server.call("update_sagemaker_endpoint", bounded).await;
    let running = report(&answer).clone();
    assert_eq!((&running["state"], &running["phase"]), (&json!("running"), &json!("Updating")), "{running}");
    let seen = described(&mut server).await;
    assert!(seen["pending_endpoint_config_name"].is_string() && seen["status"] == "Updating", "{seen}");
    sim.advance(900).await;
    let next = &running["next"];
    let waited = server.call(next["tool"].as_str().unwrap(), next["arguments"].clone()).await;
    assert_eq!(report(&waited)["state"], "succeeded", "{waited}");
}

/// SageMaker goes back: it is in service, and that is no success.
async fn fails(script: Value) -> (Sim, Stdio, Value) {
    let sim = Sim::start(&["--create-seconds=0", "--delete-seconds=0"]).await;
    let mut server = in_service(&sim).await;
    sim.settings(json!({ "create_seconds": 2 })).await;
    let mut all = json!({ "endpoint": ENDPOINT, "on": "update" });
    all.as_object_mut().unwrap().extend(script.as_object().unwrap().clone());
    sim.script(all).await;
    let answer = server.call("update_sagemaker_endpoint", larger()).await;
    let failed = report(&answer).clone();
    assert_eq!((&answer["result"]["isError"], &failed["state"]), (&json!(true), &json!("failed")), "{answer}");
    assert_eq!(failed["error"]["code"], "operation_failed", "{failed}");
    (sim, server, failed)
}

#[tokio::test]
async fn rolled_back_it_serves_as_before_and_the_update_has_failed() {
    let (sim, mut server, failed) = fails(json!({ "outcome": "out_of_memory", "ending": "rolled_back" })).await;
    assert!(failed["message"].as_str().unwrap().contains("did not come through"), "{failed}");
    assert_eq!(failed["phase"], "InService", "{failed}");
    // What the update was made of is there still, and serves nothing.
    let left: Vec<&str> = failed["leftovers"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(left.len() == 2 && left[0].starts_with("endpoint-config ") && left[1].starts_with("model "), "{failed}");
    assert_eq!(failed["result"]["failure_class"], "out_of_memory", "{failed}");
    // What serves is never offered for deletion.
    assert_ne!(failed["next"]["tool"], "delete_sagemaker_endpoint", "{failed}");
    serves_on(&mut server, "ml.m5.large").await;
    // Nothing stands in the way of another try.
    let again = server.call("update_sagemaker_endpoint", larger()).await;
    assert_eq!((&report(&again)["state"], sim.count("UpdateEndpoint").await), (&json!("succeeded"), 2), "{again}");
    serves_on(&mut server, "ml.m5.xlarge").await;
    is_removed(&sim, &mut server).await;
}

#[tokio::test]
async fn without_a_reason_a_rollback_is_a_failure_all_the_same() {
    let (_sim, mut server, failed) = fails(json!({ "ending": "rolled_back" })).await;
    assert!(failed["message"].as_str().unwrap().contains("did not come through"), "{failed}");
    serves_on(&mut server, "ml.m5.large").await;
}

#[tokio::test]
async fn where_even_the_rollback_fails_it_serves_a_mix_and_can_be_updated() {
    let (sim, mut server, failed) = fails(json!({ "outcome": "capacity", "ending": "rollback_failed" })).await;
    assert_eq!(failed["phase"], "UpdateRollbackFailed", "{failed}");
    assert_ne!(failed["next"]["tool"], "delete_sagemaker_endpoint", "{failed}");
    let again = server.call("update_sagemaker_endpoint", larger()).await;
    assert_eq!(report(&again)["state"], "succeeded", "{again}");
    is_removed(&sim, &mut server).await;
}

#[tokio::test]
async fn an_update_that_ends_the_endpoint_leads_to_its_removal() {
    let (sim, mut server, failed) = fails(json!({ "outcome": "health_check", "ending": "failed" })).await;
    assert_eq!((&failed["phase"], &failed["next"]["tool"]), (&json!("Failed"), &json!("delete_sagemaker_endpoint")));
    let again = server.call("update_sagemaker_endpoint", larger()).await;
    assert_eq!(report(&again)["error"]["code"], "failed_before", "{again}");
    is_removed(&sim, &mut server).await;
}

#[tokio::test]
async fn what_is_not_there_or_not_ready_is_not_updated() {
    let sim = Sim::start(&[]).await;
    let mut server = Setup::sagemaker(&sim).stdio();
    let missing = server.call("update_sagemaker_endpoint", larger()).await;
    assert_eq!(report(&missing)["error"]["code"], "not_found", "{missing}");
    let mut bounded = deployment();
    bounded["wait_seconds"] = json!(0);
    server.call("deploy_jumpstart_model", bounded).await;
    let early = server.call("update_sagemaker_endpoint", larger()).await;
    let early = report(&early);
    let told = (&early["error"]["code"], &early["next"]["tool"]);
    assert_eq!(told, (&json!("not_yet"), &json!("wait_sagemaker_endpoint")), "{early}");
    // What stands in the way of the deployment stands in the way of the update.
    sim.advance(900).await;
    sim.settings(json!({ "instance_quotas": { "ml.m5.xlarge": 0 } })).await;
    // Quotas are remembered for a while; another process has not seen them.
    let refused = Setup::sagemaker(&sim).stdio().call("update_sagemaker_endpoint", larger()).await;
    assert_eq!(report(&refused)["error"]["code"], "quota", "{refused}");
    assert_eq!((sim.created().await, sim.count("UpdateEndpoint").await), ([1, 1, 1], 0));
}

/// An update whose process dies is finished by the same call from another process, and SageMaker
/// is asked for it once.
async fn update_survives(death: Death) {
    let sim = Sim::start(&["--create-seconds=0", "--delete-seconds=0"]).await;
    let server = in_service(&sim).await;
    sim.settings(json!({ "create_seconds": 900 })).await;
    death.befalls(&sim, server, "update_sagemaker_endpoint", larger()).await;

    let mut second = Setup::sagemaker(&sim).stdio();
    let mut bounded = larger();
    bounded["wait_seconds"] = json!(0);
    let joined = second.call("update_sagemaker_endpoint", bounded).await;
    assert_eq!(report(&joined)["state"], "running", "{joined}");
    sim.advance(900).await;
    let updated = second.call("update_sagemaker_endpoint", larger()).await;
    assert_eq!(report(&updated)["state"], "succeeded", "{updated}");
    serves_on(&mut second, "ml.m5.xlarge").await;
    assert_eq!((sim.created().await, sim.requests("UpdateEndpoint").await.len()), ([1, 2, 2], 1));
    is_removed(&sim, &mut second).await;
}

macro_rules! each {
    ($($name:ident $death:expr;)*) => { $(
        #[tokio::test]
        async fn $name() {
            use Death::*;
            update_survives($death).await;
        }
    )* };
}

each! {
    killed_before_the_new_model Before("CreateModel");
    killed_after_the_new_configuration After("CreateEndpointConfig");
    killed_before_the_update Before("UpdateEndpoint");
    killed_after_the_update After("UpdateEndpoint");
    // It looks before it begins, before it asks for the update, and then to follow it.
    killed_while_it_follows_the_update BeforeNext("DescribeEndpoint", 2);
}
