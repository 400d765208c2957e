//! `check_environment`: what can be seen is told, whatever else cannot.

use longhaul::fault::Backend;
use sagemaker_mcp::{
    Config,
    error::{SageMakerError, Why},
};
use serde_json::json;

use crate::{
    desk::{Desk, Told, config},
    fake::{Fake, ROLE},
};

const CHECK: &str = "check_environment";
const LOOKS: [&str; 6] = ["identity", "region", "endpoints", "roles", "permissions", "quotas"];

fn account() -> Fake {
    let fake = Fake::new();
    fake.state().quotas = [("ml.g5.xlarge".to_owned(), 2.0), ("ml.p5.48xlarge".to_owned(), 0.0)].into();
    fake
}

async fn check(fake: Fake) -> Told {
    let desk = Desk::open(fake).await;
    let told = desk.call(CHECK, json!({})).await;
    assert_eq!((desk.fake.writes(), told.is_error), (vec![], false));
    told
}

/// What came of each look.
fn verdicts(told: &Told) -> Vec<(&str, &str)> {
    let checks = told.report["result"]["checks"].as_array().unwrap_or_else(|| panic!("{told:?}"));
    checks.iter().map(|check| (check["check"].as_str().unwrap(), check["verdict"].as_str().unwrap())).collect()
}

/// Denies one request: only this look is told to have failed so.
async fn without(request: &'static str, look: &str, verdict: &str) -> Told {
    let told = check(account().denied(request)).await;
    let expected: Vec<_> = LOOKS.into_iter().map(|name| (name, if name == look { verdict } else { "ok" })).collect();
    assert_eq!(verdicts(&told), expected, "{told:?}");
    assert!(told.sentence.contains(&format!("{look}: {request} failed")), "{}", told.sentence);
    assert!(told.sentence.contains("not authorized"), "AWS's own words: {}", told.sentence);
    told
}

#[tokio::test(start_paused = true)]
async fn where_all_is_well_all_that_can_be_seen_is_told() {
    let told = check(account()).await;
    let result = &told.report["result"];
    assert_eq!(verdicts(&told), LOOKS.map(|look| (look, "ok")));
    assert_eq!((told.sentence.as_str(), &result["ready"]), ("All is well.", &json!(true)));
    assert_eq!((told.text("/result/region"), told.text("/result/account")), ("us-east-2", "123456789012"));
    assert_eq!((&result["role_candidates"], &result["quotas"]), (&json!([ROLE]), &json!({"ml.g5.xlarge": 2.0})));
    assert_eq!(
        (&result["permissions"]["sagemaker:CreateEndpoint"], &result["permissions"]["iam:PassRole"]),
        (&json!(true), &json!(false))
    );
    assert!(told.text("/result/checks/4/message").contains("denied: iam:ListRoles, iam:PassRole"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_denied_is_told_and_spoils_nothing_else() {
    for (request, look) in
        [("ListRoles", "roles"), ("SimulatePrincipalPolicy", "permissions"), ("ListServiceQuotas", "quotas")]
    {
        let told = without(request, look, "unknown").await;
        assert_eq!(told.report["result"]["ready"], json!(true), "endpoints can be looked at all the same");
    }
}

#[tokio::test(start_paused = true)]
async fn who_may_not_list_endpoints_is_not_ready() {
    let told = without("ListEndpoints", "endpoints", "blocked").await;
    assert_eq!(told.report["result"]["ready"], json!(false));
}

#[tokio::test(start_paused = true)]
async fn whose_identity_is_denied_hears_that_permissions_were_not_looked_at() {
    let told = check(account().denied("GetCallerIdentity")).await;
    let failed: Vec<_> = verdicts(&told).into_iter().filter(|(_, verdict)| *verdict != "ok").collect();
    assert_eq!(failed, [("identity", "blocked"), ("permissions", "unknown")]);
    assert_eq!((&told.report["result"]["ready"], told.text("/result/account")), (&json!(false), "nothing"));
}

#[tokio::test(start_paused = true)]
async fn without_credentials_every_look_says_so() {
    let told = check(account().trouble("", 0..99, || SageMakerError::Vendor {
        doing: "GetCallerIdentity",
        why: Why::NoCredentials,
        backend: Box::new(Backend {
            text: Some("no providers in chain provided credentials".into()),
            ..Backend::default()
        }),
        retry_after: None,
    }))
    .await;
    let failed: Vec<_> =
        verdicts(&told).into_iter().filter(|(_, verdict)| *verdict != "ok").map(|(name, _)| name).collect();
    assert_eq!(
        (failed, &told.report["result"]["ready"]),
        (vec!["identity", "endpoints", "roles", "permissions", "quotas"], &json!(false))
    );
    assert!(
        told.sentence.starts_with("Not ready") && told.sentence.contains("no usable AWS credentials"),
        "{}",
        told.sentence
    );
}

#[tokio::test(start_paused = true)]
async fn a_network_that_does_not_answer_is_no_refusal() {
    let down = || crate::fake::aws("X", "", "<html>502</html>", 502);
    let told = check(account().trouble("", 0..99, down)).await;
    assert!(verdicts(&told).iter().all(|(name, verdict)| *name == "region" || *verdict == "unknown"), "{told:?}");
    assert_eq!(told.report["result"]["ready"], json!(false));
}

#[tokio::test(start_paused = true)]
async fn a_region_that_is_not_set_is_told_with_the_setting() {
    let fake = account();
    fake.state().region = "";
    let told = check(fake).await;
    assert_eq!(verdicts(&told)[1], ("region", "blocked"));
    assert!(told.sentence.contains("AWS_REGION"), "{}", told.sentence);
}

#[tokio::test(start_paused = true)]
async fn proxy_and_endpoint_are_told_without_their_secrets() {
    let url = Some("http://me:hunter2canary@sim:8080".to_owned());
    let set = Config { endpoint_url: url, network: vec!["HTTPS_PROXY is set".into()], ..config() };
    let desk = Desk::with(account(), &set).await;
    let told = desk.call(CHECK, json!({})).await;
    assert_eq!(told.report["result"]["network"], json!(["HTTPS_PROXY is set"]));
    assert!(
        told.text("/result/checks/1/message").contains("by way of http://") && !desk.has_heard("hunter2canary"),
        "{told:?}"
    );
}
