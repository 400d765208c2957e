//! Fallback types, made as instance pools; and the date at which an endpoint is no longer needed.

use serde_json::{Value, json};

use crate::{
    deploy::{DEPLOY, oak, oak_and},
    desk::Desk,
    fake::{Fake, GATED, OPEN},
};

/// Deploys on the model's default type or these, to the end.
async fn deployed(fake: Fake, types: Value) -> Desk {
    let desk = Desk::open(fake).await;
    let told = desk.watch(DEPLOY, oak_and(json!({"fallback_instance_types": types}))).await;
    assert_eq!(told.state(), "succeeded", "{told:?}");
    desk
}

/// What was sent under this name, in order.
fn sent(desk: &Desk, doing: &str) -> Vec<Value> {
    let state = desk.fake.state();
    state.sent.iter().filter(|(sent, _)| *sent == doing).map(|(_, request)| request.clone()).collect()
}

/// The oak, which also runs on a second type with the same container as its default.
fn with_a_sibling() -> Fake {
    let mut document: Value = serde_json::from_str(include_str!("../../fixtures/open_cpu.hub.json")).unwrap();
    document["SupportedInferenceInstanceTypes"].as_array_mut().unwrap().push(json!("ml.m5.xlarge"));
    let fake = Fake::new();
    fake.state().document = Some(document.to_string());
    fake
}

#[tokio::test(start_paused = true)]
async fn the_default_type_and_the_fallbacks_are_pools_in_their_order() {
    let desk = deployed(with_a_sibling(), json!(["ml.m5.xlarge", "ml.g5.xlarge"])).await;
    let models = sent(&desk, "CreateModel");
    let variant = &sent(&desk, "CreateEndpointConfig")[0]["ProductionVariants"][0];
    let expected = json!([
        {"InstanceType": "ml.m5.large", "Priority": 1},
        {"InstanceType": "ml.m5.xlarge", "Priority": 2},
        {"InstanceType": "ml.g5.xlarge", "Priority": 3, "ModelNameOverride": models[1]["ModelName"]},
    ]);
    assert_eq!((&variant["InstancePools"], &variant["InstanceType"]), (&expected, &Value::Null));
    assert_eq!(
        (models.len(), &variant["ModelName"]),
        (2, &models[0]["ModelName"]),
        "only another container needs a model"
    );
    assert_eq!(variant["VolumeSizeInGB"], Value::Null, "g5 takes none");
}

#[tokio::test(start_paused = true)]
async fn a_pool_with_another_container_gets_a_model_that_differs_in_nothing_else() {
    let desk = deployed(Fake::new(), json!(["ml.g5.xlarge"])).await;
    let mut models = sent(&desk, "CreateModel");
    assert!(models[1]["PrimaryContainer"]["Image"].as_str().unwrap().ends_with("4.2-gpu"), "{models:?}");
    for model in &mut models {
        model["ModelName"].take();
        model["PrimaryContainer"]["Image"].take();
    }
    assert_eq!(models[0], models[1]);
}

#[tokio::test(start_paused = true)]
async fn a_gated_model_carries_its_acceptance_into_every_pool() {
    let desk = Desk::open(Fake::new()).await;
    let types = json!(["ml.p3.16xlarge", "ml.p6-b200.48xlarge"]);
    let told = desk
        .watch(
            DEPLOY,
            json!({"model_id": GATED, "accept_eula": true, "endpoint_name": "r", "fallback_instance_types": types}),
        )
        .await;
    assert_eq!(told.state(), "succeeded", "{told:?}");
    let accepted = "/PrimaryContainer/ModelDataSource/S3DataSource/ModelAccessConfig/AcceptEula";
    let accepted: Vec<_> = sent(&desk, "CreateModel").iter().map(|model| model.pointer(accepted).cloned()).collect();
    assert_eq!(accepted, [Some(json!(true)), Some(json!(true)), Some(json!(true))]);
}

#[tokio::test(start_paused = true)]
async fn more_than_four_a_doubled_or_an_unsupported_one_are_refused_before_anything_is_made() {
    let five = json!(["ml.a.b", "ml.a.c", "ml.a.d", "ml.a.e", "ml.a.f"]);
    let (twice, first) = (json!(["ml.g5.xlarge", "ml.g5.xlarge"]), json!(["ml.m5.large"]));
    for (types, says) in [
        (five, "at most 4"),
        (twice, "ml.g5.xlarge is there twice"),
        (first, "ml.m5.large is there twice"),
        (json!(["ml.p5.48xlarge"]), "not among the supported"),
        (json!(["g5"]), "instance types"),
    ] {
        let desk = Desk::open(Fake::new()).await;
        let told = desk.watch(DEPLOY, oak_and(json!({"fallback_instance_types": types}))).await;
        assert_eq!((told.code(), desk.fake.writes()), ("invalid_argument", vec![]), "{types}");
        assert!(told.sentence.contains(says), "{says}: {}", told.sentence);
    }
}

#[tokio::test(start_paused = true)]
async fn without_fallbacks_there_are_no_pools() {
    let desk = deployed(Fake::new(), json!([])).await;
    let variant = &sent(&desk, "CreateEndpointConfig")[0]["ProductionVariants"][0];
    assert_eq!((&variant["InstanceType"], &variant["InstancePools"]), (&json!("ml.m5.large"), &Value::Null));
    assert_eq!(desk.watch(DEPLOY, oak()).await.state(), "succeeded", "an empty list and none are the same words");
    assert_eq!(desk.fake.writes().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_models_of_pools_that_are_in_use_are_no_leftovers() {
    let desk = deployed(Fake::new(), json!(["ml.g5.xlarge", "ml.c5.xlarge"])).await;
    tokio::time::sleep(std::time::Duration::from_secs(1000)).await;
    let told = desk.call("cleanup_leftovers", json!({})).await;
    assert_eq!((told.report["result"]["leftovers"].clone(), desk.fake.remains().len()), (json!([]), 5));
    let described = desk.call("describe_sagemaker_endpoint", json!({"endpoint_name": "oak"})).await;
    assert_eq!(described.report["result"]["models"].as_array().unwrap().len(), 3);
    assert_eq!(described.report["result"]["instance_types"], json!(["ml.m5.large", "ml.g5.xlarge", "ml.c5.xlarge"]));
}

#[tokio::test(start_paused = true)]
async fn a_removal_takes_the_models_of_all_pools() {
    let desk = deployed(Fake::new(), json!(["ml.g5.xlarge", "ml.c5.xlarge"])).await;
    let told = desk.watch("delete_sagemaker_endpoint", json!({"endpoint_name": "oak", "confirm": "oak"})).await;
    assert_eq!((told.state(), desk.fake.remains()), ("succeeded", vec![]));
}

#[tokio::test(start_paused = true)]
async fn the_models_of_pools_that_no_endpoint_came_to_use_are_leftovers() {
    let quota = || crate::fake::aws("CreateEndpoint", "ResourceLimitExceeded", "0 Instances", 400);
    let desk = Desk::open(Fake::new().trouble("CreateEndpoint", 0..9, quota)).await;
    let told = desk.watch(DEPLOY, oak_and(json!({"fallback_instance_types": ["ml.g5.xlarge"]}))).await;
    assert_eq!((told.code(), told.report["leftovers"].as_array().unwrap().len()), ("quota", 3));
    tokio::time::sleep(std::time::Duration::from_secs(700)).await;
    let found = desk.go_on(&told).await;
    let leftovers = found.report["result"]["leftovers"].as_array().unwrap();
    let names: Vec<&str> = leftovers.iter().map(|left| left["name"].as_str().unwrap()).collect();
    let remove = json!({"dry_run": false, "names": names, "confirm": names.len().to_string()});
    assert_eq!((names.len(), desk.call("cleanup_leftovers", remove).await.is_error), (2, false));
    assert_eq!(desk.fake.remains(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn when_it_is_no_longer_needed_becomes_a_tag_and_is_shown() {
    let desk = Desk::open(Fake::new()).await;
    let at = "2026-12-24T18:00:00Z";
    desk.watch(DEPLOY, oak_and(json!({"expires_at": at}))).await;
    for request in desk.fake.state().sent.iter().map(|(_, request)| &request["Tags"]) {
        assert!(request.as_array().unwrap().contains(&json!({"Key": "longhaul:expires-at", "Value": at})), "{request}");
    }
    let listed = desk.call("list_sagemaker_endpoints", json!({})).await;
    let described = desk.call("describe_sagemaker_endpoint", json!({"endpoint_name": "oak"})).await;
    assert_eq!((listed.text("/result/endpoints/0/expires_at"), described.text("/result/expires_at")), (at, at));
}

#[tokio::test(start_paused = true)]
async fn when_it_is_no_longer_needed_makes_no_other_endpoint() {
    let desk = Desk::open(Fake::new()).await;
    let mut names = vec![];
    for at in [json!(null), json!("2026-12-24T18:00:00Z")] {
        let told = desk.watch(DEPLOY, json!({"model_id": OPEN, "expires_at": at})).await;
        names.push(told.text("/resource").to_owned());
    }
    assert!(names[0] == names[1] && desk.fake.writes().len() == 3, "{names:?}");
}
