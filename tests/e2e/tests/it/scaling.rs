//! How many instances an endpoint has: a fixed number, or by its load.

use longhaul_e2e::{Setup, Sim, Stdio, report};
use serde_json::{Value, json};

const ENDPOINT: &str = "it-grows";

async fn in_service() -> (Sim, Stdio) {
    let sim = Sim::start(&["--create-seconds=0", "--delete-seconds=0"]).await;
    let mut server = Setup::sagemaker(&sim).stdio();
    let deployment = json!({ "model_id": "sim-ic-mobilenet", "endpoint_name": ENDPOINT });
    let deployed = server.call("deploy_jumpstart_model", deployment).await;
    assert_eq!(report(&deployed)["state"], "succeeded", "{deployed}");
    (sim, server)
}

async fn scaled(server: &mut Stdio, mut arguments: Value) -> Value {
    arguments["endpoint_name"] = json!(ENDPOINT);
    let answer = server.call("scale_sagemaker_endpoint", arguments).await;
    report(&answer).clone()
}

async fn instances(server: &mut Stdio) -> Value {
    let answer = server.call("describe_sagemaker_endpoint", json!({ "endpoint_name": ENDPOINT })).await;
    let variant = &report(&answer)["result"]["variants"][0];
    json!([variant["current_instance_count"], variant["desired_instance_count"]])
}

#[tokio::test]
async fn a_fixed_number_is_followed_until_it_is_there() {
    let (sim, mut server) = in_service().await;
    sim.settings(json!({ "create_seconds": 3 })).await;
    let told = scaled(&mut server, json!({ "instance_count": 3 })).await;
    assert_eq!((&told["state"], instances(&mut server).await), (&json!("succeeded"), json!([3, 3])), "{told}");
    // The same again has nothing to do, and asks for nothing.
    let told = scaled(&mut server, json!({ "instance_count": 3 })).await;
    assert_eq!(told["state"], "succeeded", "{told}");
    assert_eq!(sim.count("UpdateEndpointWeightsAndCapacities").await, 1);
}

#[tokio::test]
async fn under_way_the_same_call_joins_and_another_has_to_wait() {
    let (sim, mut server) = in_service().await;
    sim.settings(json!({ "create_seconds": 900 })).await;
    for _ in 0..2 {
        let told = scaled(&mut server, json!({ "instance_count": 2, "wait_seconds": 0 })).await;
        assert_eq!((&told["state"], &told["phase"]), (&json!("running"), &json!("Updating")), "{told}");
    }
    let other = scaled(&mut server, json!({ "instance_count": 4 })).await;
    assert_eq!(other["error"]["code"], "not_yet", "{other}");
    sim.advance(900).await;
    let told = scaled(&mut server, json!({ "instance_count": 2 })).await;
    assert_eq!((&told["state"], sim.count("UpdateEndpointWeightsAndCapacities").await), (&json!("succeeded"), 1));
}

#[tokio::test]
async fn what_aws_cannot_give_is_a_failure_and_the_old_number_stays() {
    let (sim, mut server) = in_service().await;
    sim.settings(json!({ "no_capacity": ["ml.m5.large"] })).await;
    let told = scaled(&mut server, json!({ "instance_count": 3 })).await;
    assert_eq!((&told["state"], &told["result"]["failure_class"]), (&json!("failed"), &json!("capacity")), "{told}");
    assert_ne!(told["next"]["tool"], "delete_sagemaker_endpoint", "{told}");
    assert_eq!(instances(&mut server).await, json!([1, 1]));
}

#[tokio::test]
async fn a_quota_is_refused_in_the_words_of_aws() {
    let (sim, mut server) = in_service().await;
    sim.settings(json!({ "instance_quotas": { "ml.m5.large": 2 } })).await;
    let told = scaled(&mut server, json!({ "instance_count": 3 })).await;
    assert_eq!(told["error"]["code"], "quota", "{told}");
    assert!(told["error"]["backend"]["text"].as_str().unwrap().contains("ml.m5.large for endpoint usage"), "{told}");
}

fn by_load() -> Value {
    json!({ "min_instances": 1, "max_instances": 4, "invocations_per_instance": 120.5 })
}

#[tokio::test]
async fn by_load_a_target_and_a_policy_are_set() {
    let (sim, mut server) = in_service().await;
    for _ in 0..2 {
        let told = scaled(&mut server, by_load()).await;
        assert_eq!(told["state"], "succeeded", "{told}");
        assert!(told["message"].as_str().unwrap().contains("from 1 to 4 instances"), "{told}");
    }
    let scaling = sim.state().await["scaling"].clone();
    let resource = format!("endpoint/{ENDPOINT}/variant/AllTraffic");
    assert_eq!(scaling["targets"], json!([["us-east-1", resource]]), "{scaling}");
    assert_eq!(scaling["policies"].as_array().unwrap().len(), 1, "{scaling}");
    let policy = &sim.requests("PutScalingPolicy").await[0]["TargetTrackingScalingPolicyConfiguration"];
    assert_eq!(policy["TargetValue"], 120.5, "{policy}");
    let metric = &policy["PredefinedMetricSpecification"]["PredefinedMetricType"];
    assert_eq!(metric, "SageMakerVariantInvocationsPerInstance", "{policy}");
}

#[tokio::test]
async fn a_fixed_number_ends_the_scaling_by_load() {
    let (sim, mut server) = in_service().await;
    scaled(&mut server, by_load()).await;
    let told = scaled(&mut server, json!({ "instance_count": 2 })).await;
    assert_eq!((&told["state"], instances(&mut server).await), (&json!("succeeded"), json!([2, 2])), "{told}");
    assert_eq!(sim.state().await["scaling"], json!({ "targets": [], "policies": [] }));
}

/// Also where the number is there already: load would change it again.
#[tokio::test]
async fn a_fixed_number_that_is_there_already_ends_the_scaling_by_load_too() {
    let (sim, mut server) = in_service().await;
    scaled(&mut server, by_load()).await;
    let told = scaled(&mut server, json!({ "instance_count": 1 })).await;
    assert_eq!(told["state"], "succeeded", "{told}");
    assert_eq!(sim.state().await["scaling"], json!({ "targets": [], "policies": [] }));
}

/// AWS refuses another type as long as a variant scales by load.
#[tokio::test]
async fn what_scales_by_load_is_not_updated_to_another_type() {
    let (sim, mut server) = in_service().await;
    scaled(&mut server, by_load()).await;
    let update = json!({ "model_id": "sim-ic-mobilenet", "endpoint_name": ENDPOINT, "instance_type": "ml.m5.xlarge" });
    let answer = server.call("update_sagemaker_endpoint", update.clone()).await;
    let told = report(&answer);
    assert_eq!((&told["state"], &told["error"]["code"]), (&json!("failed"), &json!("invalid_argument")), "{told}");
    assert!(told["error"]["backend"]["text"].as_str().unwrap().contains("must be deregistered"), "{told}");
    scaled(&mut server, json!({ "instance_count": 1 })).await;
    let answer = server.call("update_sagemaker_endpoint", update).await;
    assert_eq!((&report(&answer)["state"], sim.created().await[0]), (&json!("succeeded"), 1), "{answer}");
}

#[tokio::test]
async fn with_the_endpoint_its_scaling_goes() {
    let (sim, mut server) = in_service().await;
    scaled(&mut server, by_load()).await;
    let removal = json!({ "endpoint_name": ENDPOINT, "confirm": ENDPOINT });
    let removed = server.call("delete_sagemaker_endpoint", removal).await;
    assert_eq!((&report(&removed)["state"], sim.there().await), (&json!("succeeded"), [0, 0, 0]), "{removed}");
    assert_eq!(sim.state().await["scaling"], json!({ "targets": [], "policies": [] }));
}

#[tokio::test]
async fn arguments_that_contradict_each_other_are_refused_by_name_and_nothing_is_asked() {
    let (sim, mut server) = in_service().await;
    let before = sim.log().await.len();
    for (arguments, named) in [
        (json!({}), "instance_count"),
        (json!({ "instance_count": 0 }), "instance_count"),
        (json!({ "instance_count": 2, "max_instances": 3 }), "instance_count"),
        (json!({ "min_instances": 3, "max_instances": 2, "invocations_per_instance": 1 }), "min_instances"),
        (json!({ "min_instances": 1, "max_instances": 2 }), "invocations_per_instance"),
    ] {
        let told = scaled(&mut server, arguments).await;
        assert_eq!(told["error"]["code"], "invalid_argument", "{told}");
        assert!(told["message"].as_str().unwrap().contains(&format!("`{named}`")), "{told}");
    }
    assert_eq!(sim.log().await.len(), before);
}
