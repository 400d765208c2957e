//! `plan_deployment`: shows what a start would do and what stands in its way, and does nothing.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    deploy::{DEPLOY, oak, oak_and},
    desk::{Desk, Told},
    fake::{Fake, GATED, OPEN, ROLE, stages},
};

pub(crate) const PLAN: &str = "plan_deployment";

/// The default type of [`OPEN`].
const M5: &str = "ml.m5.large";

/// An account that may have two of them, at a price.
fn account() -> Fake {
    let fake = Fake::new();
    fake.state().quotas = [(M5.to_owned(), 2.0)].into();
    fake.state().prices = [(M5.to_owned(), 0.115)].into();
    fake
}

/// Plans with these arguments, and nothing is changed.
async fn check(fake: Fake, arguments: Value) -> (Desk, Told) {
    let desk = Desk::open(fake).await;
    let told = desk.call(PLAN, arguments).await;
    assert_eq!(desk.fake.writes(), [""; 0], "{told:?}");
    (desk, told)
}

/// What came of looking at one thing.
fn verdict<'a>(told: &'a Told, check: &str) -> &'a str {
    let checks = told.report["result"]["checks"].as_array().unwrap_or_else(|| panic!("{told:?}"));
    let found = checks.iter().find(|found| found["check"] == check);
    found.and_then(|found| found["verdict"].as_str()).unwrap_or("not looked at")
}

/// Plans what cannot be started, for this reason.
async fn blocked(fake: Fake, arguments: Value, check_named: &str, says: &str) {
    let (_, told) = check(fake, arguments).await;
    assert_eq!((told.is_error, &told.report["result"]["ready"]), (false, &json!(false)), "{told:?}");
    assert_eq!((verdict(&told, check_named), told.next().0), ("blocked", "nothing"), "{told:?}");
    assert!(
        told.sentence.contains("cannot be deployed like this") && told.sentence.contains(says),
        "{}",
        told.sentence
    );
}

/// Plans what could not be looked at altogether; the answer comes in time.
async fn unseen(fake: Fake, check_named: &str) {
    let (_, told) = check(fake, oak()).await;
    assert_eq!((&told.report["result"]["ready"], verdict(&told, check_named)), (&json!(true), "unknown"), "{told:?}");
    assert!(told.at <= 15 && told.sentence.contains("as far as was seen"), "{told:?}");
    assert_eq!(told.next().0, DEPLOY);
}

/// What was sent to make an endpoint, by operation.
fn sent(desk: &Desk) -> Value {
    desk.fake.state().sent.iter().map(|(doing, request)| ((*doing).to_owned(), request.clone())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_plan_shows_the_very_requests_that_its_next_call_then_sends() {
    for more in [json!({}), json!({"endpoint_name": null, "initial_instance_count": 2, "instance_type": M5})] {
        let (desk, planned) = check(account(), oak_and(more)).await;
        assert_eq!((&planned.report["result"]["ready"], planned.next().0), (&json!(true), DEPLOY), "{planned:?}");
        let deployed = desk.go_on(&planned).await;
        assert_eq!(deployed.state(), "succeeded");
        assert_eq!(planned.report["result"]["requests"], sent(&desk));
        assert_eq!(planned.text("/result/endpoint_name"), deployed.text("/resource"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_of_pools_shows_their_models_too() {
    let pools = json!({"fallback_instance_types": ["ml.g5.xlarge", "ml.c5.xlarge"]});
    let (desk, planned) = check(account(), oak_and(pools)).await;
    assert_eq!(verdict(&planned, "quota"), "unknown", "any of the types will do");
    assert_eq!(desk.go_on(&planned).await.state(), "succeeded");
    let mut sent = desk.fake.state().sent.iter().map(|(_, request)| request.clone()).collect::<Vec<_>>();
    let requests = &planned.report["result"]["requests"];
    assert_eq!(requests["CreateModelOfPools"], json!(sent.drain(1..3).collect::<Vec<_>>()));
    assert_eq!(
        json!([requests["CreateModel"], requests["CreateEndpointConfig"], requests["CreateEndpoint"]]),
        json!(sent)
    );
}

#[tokio::test(start_paused = true)]
async fn the_values_of_the_callers_variables_are_nowhere_in_the_answer() {
    for canary in ["zq-canary-7", "hf_canarycanarycanarycanary0123456789"] {
        let own = json!({"environment": {"HF_TOKEN": canary, "OAK_WORKERS": canary}});
        let (desk, planned) = check(account(), oak_and(own.clone())).await;
        assert!(!desk.has_heard(canary), "{planned:?}");
        let environment = "/result/requests/CreateModel/PrimaryContainer/Environment";
        let expected = json!({"HF_TOKEN": "[as given]", "OAK_WORKERS": "[as given]", "OAK_STRICT": "True"});
        assert_eq!(planned.report.pointer(environment), Some(&expected));
        // A call without them would be another one.
        assert_eq!((&planned.report["result"]["ready"], planned.next().0), (&json!(true), "nothing"));
        assert!(planned.sentence.contains(DEPLOY), "{}", planned.sentence);
        desk.watch(DEPLOY, oak_and(own)).await;
        let model = desk.fake.state().sent[0].1.clone();
        assert_eq!(model["PrimaryContainer"]["Environment"]["HF_TOKEN"], canary);
        assert_eq!(planned.report.pointer("/result/requests/CreateModel/ModelName"), Some(&model["ModelName"]));
    }
}

#[tokio::test(start_paused = true)]
async fn the_price_of_all_instances_is_told_or_said_to_be_unknown() {
    let (_, told) = check(account(), oak_and(json!({"initial_instance_count": 2}))).await;
    assert_eq!(told.report["result"]["hourly_usd"], json!(0.23));
    for fake in [Fake::new(), account().denied("GetProducts"), account().hanging("GetProducts")] {
        let (_, told) = check(fake, oak()).await;
        assert_eq!(
            (&told.report["result"]["hourly_usd"], &told.report["result"]["ready"]),
            (&json!("unknown"), &json!(true))
        );
        assert!(told.at <= 5, "{} s", told.at);
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_taken_is_found() {
    let fake = account().with("oak", stages(&[(0, "InService")]));
    blocked(fake, oak(), "name", "asked for differently").await;
}

#[tokio::test(start_paused = true)]
async fn a_role_that_sagemaker_may_not_assume_is_found() {
    let fake = account();
    fake.state().distrusted = vec![ROLE.to_owned()];
    blocked(fake, oak(), "role", "does not let SageMaker assume it").await;
}

#[tokio::test(start_paused = true)]
async fn a_role_that_does_not_exist_is_found() {
    let missing = json!({"role_arn": "arn:aws:iam::123456789012:role/missing"});
    blocked(account(), oak_and(missing), "role", "does not exist").await;
}

#[tokio::test(start_paused = true)]
async fn a_quota_of_nothing_is_found() {
    let fake = account();
    fake.state().quotas = [(M5.to_owned(), 0.0)].into();
    blocked(fake, oak(), "quota", "0 × ml.m5.large for endpoints are allowed").await;
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_other_endpoints_use_up_is_found() {
    let desk = Desk::open(account()).await;
    let other = json!({"model_id": OPEN, "endpoint_name": "other", "initial_instance_count": 2});
    assert_eq!(desk.watch(DEPLOY, other).await.state(), "succeeded");
    let told = desk.call(PLAN, oak()).await;
    assert_eq!((&told.report["result"]["ready"], verdict(&told, "quota")), (&json!(false), "blocked"));
    assert!(
        told.sentence.contains("2 × ml.m5.large for endpoints are allowed, 2 are in use, 1 are asked for"),
        "{told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_endpoint_uses_no_quota() {
    let desk = Desk::open(account()).await;
    let other = json!({"model_id": OPEN, "endpoint_name": "other", "initial_instance_count": 2});
    desk.fake.state().show = stages(&[(0, "Creating"), (60, "Failed")]);
    assert_eq!(desk.watch(DEPLOY, other).await.state(), "failed");
    assert_eq!(verdict(&desk.call(PLAN, oak()).await, "quota"), "ok");
}

#[tokio::test(start_paused = true)]
async fn what_is_there_as_it_is_wanted_needs_no_more_quota() {
    let desk = Desk::open(account()).await;
    desk.fake.state().quotas = [(M5.to_owned(), 1.0)].into();
    assert_eq!(desk.watch(DEPLOY, oak()).await.state(), "succeeded");
    let told = desk.call(PLAN, oak()).await;
    assert_eq!((&told.report["result"]["ready"], verdict(&told, "name")), (&json!(true), "ok"), "{told:?}");
    assert_eq!((desk.go_on(&told).await.state(), desk.fake.writes().len()), ("succeeded", 3));
}

#[tokio::test(start_paused = true)]
async fn a_licence_that_is_not_accepted_is_found() {
    blocked(account(), json!({"model_id": GATED}), "eula", "rocket.txt").await;
    let (_, told) = check(account(), json!({"model_id": GATED, "accept_eula": true})).await;
    assert_eq!((verdict(&told, "model"), told.next().1["accept_eula"].clone()), ("ok", json!(true)));
}

#[tokio::test(start_paused = true)]
async fn a_type_that_the_model_does_not_run_on_is_found() {
    let unsupported = oak_and(json!({"instance_type": "ml.p5.48xlarge"}));
    blocked(account(), unsupported, "instance_type", "is not among the supported instance types: ml.m5.large").await;
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_not_there_is_found() {
    blocked(account(), json!({"model_id": "acme-tabular-oaks"}), "model", "acme-tabular-oaks").await;
}

#[tokio::test(start_paused = true)]
async fn all_that_stands_in_the_way_is_told_at_once() {
    let fake = account().with("oak", stages(&[(0, "InService")]));
    fake.state().quotas = [("ml.p5.48xlarge".to_owned(), 0.0)].into();
    fake.state().distrusted = vec![ROLE.to_owned()];
    let (_, told) = check(fake, oak_and(json!({"instance_type": "ml.p5.48xlarge"}))).await;
    for looked_at in ["name", "instance_type", "role", "quota"] {
        assert_eq!(verdict(&told, looked_at), "blocked", "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn quotas_that_may_not_be_read_are_unknown_and_stand_in_no_way() {
    unseen(account().denied("ListServiceQuotas"), "quota").await;
    unseen(account().denied("ListEndpoints"), "quota").await;
    unseen(account().hanging("ListServiceQuotas"), "quota").await;
    unseen(account().hanging("ListEndpoints"), "quota").await;
    unseen(Fake::new(), "quota").await;
}

#[tokio::test(start_paused = true)]
async fn a_role_that_may_not_be_read_is_unknown_and_stands_in_no_way() {
    unseen(account().denied("GetRole"), "role").await;
    unseen(account().hanging("GetRole"), "role").await;
}

#[tokio::test(start_paused = true)]
async fn a_document_that_cannot_be_read_now_is_no_judgement() {
    let down = || crate::fake::aws("DescribeHubContent", "", "<html>503</html>", 503);
    let (desk, told) = check(account().trouble("DescribeHubContent", 0..60, down), oak()).await;
    assert_eq!((verdict(&told, "model"), &told.report["result"]["ready"]), ("unknown", &json!(false)), "{told:?}");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(desk.call(PLAN, oak()).await.report["result"]["ready"], json!(true));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_argument_is_refused_as_by_the_deployment() {
    for wrong in [json!({"initial_instance_count": 0}), json!({"expires_at": "soon"}), json!({"instance_type": "g5"})] {
        let (_, told) = check(account(), oak_and(wrong.clone())).await;
        let argument = wrong.as_object().unwrap().keys().next().unwrap();
        assert_eq!(told.code(), "invalid_argument");
        assert!(told.sentence.starts_with(&format!("`{argument}`")), "{}", told.sentence);
    }
}
