//! What endpoints cost, in lists and descriptions; and whose end was asked for.

use std::sync::Arc;

use sagemaker_mcp::names;
use serde_json::{Value, json};

use crate::{
    deploy::{DEPLOY, oak_and},
    desk::Desk,
    fake::{Fake, stages},
};

fn priced() -> Fake {
    let fake = Fake::new();
    fake.state().prices = [("ml.m5.large".to_owned(), 0.115), ("ml.g5.xlarge".to_owned(), 1.408)].into();
    fake
}

/// Deploys with these arguments; what the list and the description say that it costs.
async fn costs(fake: Fake, more: Value) -> [Value; 2] {
    let desk = Desk::open(fake).await;
    assert_eq!(desk.watch(DEPLOY, oak_and(more)).await.state(), "succeeded");
    told(&desk).await
}

async fn told(desk: &Desk) -> [Value; 2] {
    let listed = desk.call("list_sagemaker_endpoints", json!({})).await;
    let described = desk.call("describe_sagemaker_endpoint", json!({"endpoint_name": "oak"})).await;
    assert!(!listed.is_error && !described.is_error);
    [listed.report["result"]["endpoints"][0]["hourly_usd"].clone(), described.report["result"]["hourly_usd"].clone()]
}

#[tokio::test(start_paused = true)]
async fn the_price_of_an_endpoint_is_that_of_all_its_instances() {
    assert_eq!(costs(priced(), json!({})).await, [json!(0.115), json!(0.115)]);
    assert_eq!(costs(priced(), json!({"initial_instance_count": 3})).await, [json!(0.345), json!(0.345)]);
    assert_eq!(costs(priced(), json!({"instance_type": "ml.g5.xlarge"})).await, [json!(1.408), json!(1.408)]);
}

#[tokio::test(start_paused = true)]
async fn the_price_of_pools_is_that_of_the_type_that_was_got() {
    assert_eq!(
        costs(priced(), json!({"fallback_instance_types": ["ml.g5.xlarge"]})).await,
        [json!(0.115), json!(0.115)]
    );
    let desk = Desk::open(priced()).await;
    desk.watch(DEPLOY, oak_and(json!({"fallback_instance_types": ["ml.g5.xlarge"]}))).await;
    let got = vec![("ml.g5.xlarge".to_owned(), 1)];
    desk.fake.state().endpoints.get_mut("oak").unwrap().seen.variants[0].instance_types = got;
    assert_eq!(told(&desk).await, [json!(1.408), json!(1.408)]);
}

#[tokio::test(start_paused = true)]
async fn the_price_follows_a_change_of_the_number_of_instances() {
    let desk = Desk::open(priced()).await;
    desk.watch(DEPLOY, oak_and(json!({}))).await;
    desk.watch("scale_sagemaker_endpoint", json!({"endpoint_name": "oak", "instance_count": 2})).await;
    assert_eq!(told(&desk).await, [json!(0.23), json!(0.23)]);
}

#[tokio::test(start_paused = true)]
async fn a_price_that_is_not_known_is_said_to_be_unknown() {
    let unknown = [json!("unknown"), json!("unknown")];
    assert_eq!(costs(priced(), json!({"instance_type": "ml.c5.xlarge"})).await, unknown);
    assert_eq!(costs(priced().denied("GetProducts"), json!({})).await, unknown);
    assert_eq!(costs(priced().hanging("GetProducts"), json!({})).await, unknown);
    let desk = Desk::open(priced().with("oak", stages(&[(0, "InService")]))).await;
    assert_eq!(told(&desk).await, unknown, "its configuration is not to be seen");
}

#[tokio::test(start_paused = true)]
async fn a_price_list_that_does_not_answer_holds_a_long_list_back_for_seconds_only() {
    let desk = Desk::open(priced().hanging("GetProducts")).await;
    for n in 0..40 {
        desk.call(DEPLOY, oak_and(json!({"endpoint_name": format!("e{n}"), "wait_seconds": 0}))).await;
    }
    let before = desk.call("check_environment", json!({})).await.at;
    let listed = desk.call("list_sagemaker_endpoints", json!({"max_results": 100})).await;
    assert_eq!(listed.report["result"]["count"], json!(40));
    assert!(listed.at - before <= 40, "{} s", listed.at - before);
}

#[tokio::test(start_paused = true)]
async fn whose_end_was_asked_for_is_listed_with_the_call_that_carries_it_out() {
    for status in ["InService", "Creating", "Updating", "Failed", "SomeNewState"] {
        let fake = Fake::new().with("oak", Arc::new(move |_, seen| seen.status = status.into()));
        let mark = (names::TAG_ENDING.to_owned(), "2026-11-20T10:00:00Z".to_owned());
        fake.state().endpoints.get_mut("oak").unwrap().tags.extend([mark]);
        let desk = Desk::open(fake).await;
        let listed = desk.call("list_sagemaker_endpoints", json!({})).await;
        let described = desk.call("describe_sagemaker_endpoint", json!({"endpoint_name": "oak"})).await;
        for next in [&listed.report["result"]["endpoints"][0]["next"], &described.report["result"]["next"]] {
            let removal = json!({"endpoint_name": "oak", "confirm": "oak"});
            assert_eq!(
                (&next["tool"], &next["arguments"]),
                (&json!("delete_sagemaker_endpoint"), &removal),
                "{status}"
            );
        }
    }
}
