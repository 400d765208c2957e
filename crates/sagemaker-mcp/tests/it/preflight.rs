//! What stands in the way of a start is refused before anything is made, and what could not be
//! looked at stands in no way.

use serde_json::{Value, json};

use crate::{
    deploy::{DEPLOY, oak, oak_and},
    desk::Desk,
    fake::{Fake, GATED, OPEN, ROLE, stages},
};

const M5: &str = "ml.m5.large";

fn account(quota: f64) -> Fake {
    let fake = Fake::new();
    fake.state().quotas = [(M5.to_owned(), quota)].into();
    fake
}

/// Deploys what is refused with this code and these words of help; nothing is made.
async fn refused(fake: Fake, arguments: Value, code: &str, help: &str) {
    let desk = Desk::open(fake).await;
    let told = desk.watch(DEPLOY, arguments).await;
    assert_eq!((told.state(), told.code(), desk.fake.writes()), ("failed", code, vec![]), "{told:?}");
    assert!(told.advises(help) || told.sentence.contains(help) || told.next().0 == help, "{help}: {told:?}");
    assert!(told.report["leftovers"].is_null());
}

/// Deploys to the end.
async fn goes_on(fake: Fake) {
    let desk = Desk::open(fake).await;
    let told = desk.watch(DEPLOY, oak()).await;
    assert_eq!((told.state(), desk.fake.writes().len()), ("succeeded", 3), "{told:?}");
    assert!(told.at <= 640, "{} s", told.at);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_is_refused_with_what_is_there() {
    let fake = account(2.0).with("oak", stages(&[(0, "InService")]));
    refused(fake, oak(), "conflict", "describe_sagemaker_endpoint").await;
}

#[tokio::test(start_paused = true)]
async fn a_role_that_sagemaker_may_not_assume_is_refused_with_what_it_needs() {
    let fake = account(2.0);
    fake.state().distrusted = vec![ROLE.to_owned()];
    refused(fake, oak(), "invalid_argument", "trust sagemaker.amazonaws.com").await;
}

#[tokio::test(start_paused = true)]
async fn a_role_that_does_not_exist_is_refused_with_what_it_needs() {
    let missing = json!({"role_arn": "arn:aws:iam::123456789012:role/missing"});
    refused(account(2.0), oak_and(missing), "invalid_argument", "must exist in this account").await;
}

#[tokio::test(start_paused = true)]
async fn no_quota_is_refused_with_the_quota_to_ask_for_and_the_tool_that_finds_another_type() {
    refused(account(0.0), oak(), "quota", "`ml.m5.large for endpoint usage`").await;
    refused(account(0.0), oak(), "quota", "recommend_instance").await;
    refused(account(2.0), oak_and(json!({"initial_instance_count": 3})), "quota", "3 are asked for").await;
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_is_used_up_is_refused_with_the_tool_that_shows_by_what() {
    let desk = Desk::open(account(1.0)).await;
    desk.watch(DEPLOY, json!({"model_id": OPEN, "endpoint_name": "other"})).await;
    let told = desk.watch(DEPLOY, oak()).await;
    assert_eq!((told.code(), desk.fake.writes().len()), ("quota", 3));
    assert!(told.advises("list_sagemaker_endpoints"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_licence_that_is_not_accepted_is_refused_with_its_address() {
    refused(account(2.0), json!({"model_id": GATED}), "invalid_argument", "eula/rocket.txt").await;
}

#[tokio::test(start_paused = true)]
async fn a_type_that_the_model_does_not_run_on_is_refused_with_those_that_it_does() {
    let unsupported = oak_and(json!({"instance_type": "ml.p5.48xlarge"}));
    refused(account(2.0), unsupported, "invalid_argument", "ml.c5.xlarge").await;
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_not_there_is_refused_with_the_tool_that_finds_models() {
    refused(account(2.0), json!({"model_id": "no-such-model"}), "not_found", "search_jumpstart_models").await;
}

#[tokio::test(start_paused = true)]
async fn the_same_call_again_is_not_refused_for_the_quota_that_it_uses_itself() {
    let desk = Desk::open(account(1.0)).await;
    for _ in 0..2 {
        assert_eq!(desk.watch(DEPLOY, oak()).await.state(), "succeeded");
    }
    assert_eq!(desk.fake.writes().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_where_quotas_cannot_be_read() {
    goes_on(account(0.0).denied("ListServiceQuotas")).await;
    goes_on(account(0.0).hanging("ListServiceQuotas")).await;
    goes_on(account(1.0).denied("ListEndpoints")).await;
    goes_on(account(1.0).hanging("ListEndpoints")).await;
    goes_on(Fake::new()).await;
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_where_the_role_cannot_be_read() {
    goes_on(account(1.0).denied("GetRole")).await;
    goes_on(account(1.0).hanging("GetRole")).await;
}
