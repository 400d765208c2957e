//! The requests that a plan shows are those that a start sends.

use longhaul_e2e::{Setup, Sim, report};
use serde_json::{Map, Value, json};

/// JSON knows one kind of number, and `1.0` is `1`; a field that is absent and one that is empty
/// mean the same to AWS.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| !matches!(value, Value::Null | Value::Bool(false)));
            Value::Object(kept.map(|(name, value)| (name.clone(), plain(value))).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// Plans, starts, and compares. The plan's requests.
async fn are_those_that_are_sent(arguments: Value) -> Value {
    let sim = Sim::start(&["--create-seconds=0"]).await;
    let mut server = Setup::sagemaker(&sim).stdio();
    let answer = server.call("plan_deployment", arguments.clone()).await;
    let planned = report(&answer)["result"]["requests"].clone();
    let deployed = server.call("deploy_jumpstart_model", arguments).await;
    assert_eq!(report(&deployed)["state"], "succeeded", "{deployed}");

    let mut models = vec![planned["CreateModel"].clone()];
    models.extend(planned["CreateModelOfPools"].as_array().cloned().unwrap_or_default());
    let wanted = [models, vec![planned["CreateEndpointConfig"].clone()], vec![planned["CreateEndpoint"].clone()]];
    for (op, wanted) in ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"].into_iter().zip(wanted) {
        let sent: Vec<Value> = sim.requests(op).await.iter().map(plain).collect();
        assert_eq!(sent, wanted.iter().map(plain).collect::<Vec<_>>(), "{op}");
    }
    planned
}

#[tokio::test]
async fn of_an_open_model() {
    let planned = are_those_that_are_sent(json!({ "model_id": "sim-ic-mobilenet" })).await;
    let variant = &planned["CreateEndpointConfig"]["ProductionVariants"][0];
    assert_eq!((&variant["InstanceType"], &variant["InitialInstanceCount"]), (&json!("ml.m5.large"), &json!(1)));
}

#[tokio::test]
async fn of_a_gated_model_whose_licence_was_accepted() {
    let gated = json!({ "model_id": "sim-textgeneration-gated-7b", "accept_eula": true, "initial_instance_count": 2 });
    let planned = are_those_that_are_sent(gated).await;
    let source = &planned["CreateModel"]["PrimaryContainer"]["ModelDataSource"]["S3DataSource"];
    assert_eq!(source["ModelAccessConfig"]["AcceptEula"], true, "{planned}");
    let variant = &planned["CreateEndpointConfig"]["ProductionVariants"][0];
    assert_eq!(variant["ModelDataDownloadTimeoutInSeconds"], 1200, "{planned}");
}

#[tokio::test]
async fn of_a_gated_draft_model() {
    let planned = are_those_that_are_sent(json!({
        "model_id": "sim-textgeneration-gated-7b",
        "inference_config": "lmi-optimized",
        "accept_eula": true,
        "accept_additional_eulas": ["draft_model"],
        "role_arn": "arn:aws:iam::123456789012:role/SageMakerExec",
    }))
    .await;
    let channels = &planned["CreateModel"]["PrimaryContainer"]["AdditionalModelDataSources"];
    assert_eq!(channels[0]["S3DataSource"]["ModelAccessConfig"]["AcceptEula"], true, "{planned}");
}

#[tokio::test]
async fn of_a_model_by_a_pattern_of_versions() {
    are_those_that_are_sent(json!({ "model_id": "sim-ic-mobilenet", "model_version": "2.*" })).await;
}

#[tokio::test]
async fn of_a_model_in_pools() {
    let fallbacks = ["ml.m5.xlarge", "ml.c5.2xlarge"];
    let pools = json!({ "model_id": "sim-ic-mobilenet", "fallback_instance_types": fallbacks });
    let planned = are_those_that_are_sent(pools).await;
    let variant = &planned["CreateEndpointConfig"]["ProductionVariants"][0];
    assert_eq!(variant["InstancePools"].as_array().unwrap().len(), 3, "{planned}");
    assert_eq!(planned["CreateModelOfPools"].as_array().unwrap().len(), 1, "{planned}");
}

/// They may be tokens: whoever gave them knows them.
#[tokio::test]
async fn the_callers_own_variables_are_sent_and_not_shown() {
    let sim = Sim::start(&["--create-seconds=0"]).await;
    let mut server = Setup::sagemaker(&sim).stdio();
    let arguments = json!({ "model_id": "sim-ic-mobilenet", "environment": { "HUB_WORD": "canary-of-mine" } });
    let plan = server.call("plan_deployment", arguments.clone()).await;
    let shown = &report(&plan)["result"]["requests"]["CreateModel"]["PrimaryContainer"]["Environment"];
    assert_eq!((&shown["HUB_WORD"], &shown["MODEL_CACHE_ROOT"]), (&json!("[as given]"), &json!("/opt/ml/model")));
    let deployed = server.call("deploy_jumpstart_model", arguments).await;
    let sent = &sim.requests("CreateModel").await[0]["PrimaryContainer"]["Environment"];
    assert_eq!(sent["HUB_WORD"], "canary-of-mine", "{sent}");
    for told in [plan, deployed] {
        assert!(!told.to_string().contains("canary-of-mine"), "{told}");
    }
    assert!(server.process.log.lines().iter().all(|line| !line.contains("canary-of-mine")));
}

#[tokio::test]
async fn each_resource_is_marked_with_whose_it_is_and_which_model_it_serves() {
    let planned = are_those_that_are_sent(json!({ "model_id": "sim-ic-mobilenet", "endpoint_name": "marked" })).await;
    for op in ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"] {
        let tags = planned[op]["Tags"].as_array().unwrap();
        for (key, value) in [
            ("longhaul:endpoint", "marked"),
            ("longhaul:tool", "deploy_jumpstart_model"),
            ("sagemaker-sdk:jumpstart-model-id", "sim-ic-mobilenet"),
            ("sagemaker-sdk:jumpstart-model-version", "2.1.0"),
        ] {
            assert!(tags.contains(&json!({ "Key": key, "Value": value })), "{op} {key}: {tags:?}");
        }
    }
}
