//! UpdateEndpoint and UpdateEndpointWeightsAndCapacities.

use super::*;

/// An endpoint `e` in service with `c`, and a second configuration `c2`.
async fn in_service() -> Client {
    let client = Client::start().await;
    client.deploy(&["e"]).await;
    client.configure("c2", json!({"InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 2})).await;
    client.advance(901).await;
    client
}

async fn update(client: &Client, script: Value) {
    client.control("/_sim/script", script).await;
    client.ask("SageMaker.UpdateEndpoint", json!({"EndpointName": "e", "EndpointConfigName": "c2"})).await;
}

/// Status, configuration and whether there is a reason.
async fn seen(client: &Client) -> (String, String, bool) {
    let seen = client.describe("e").await;
    let text = |field: &str| seen[field].as_str().unwrap().to_owned();
    (text("EndpointStatus"), text("EndpointConfigName"), seen.get("FailureReason").is_some())
}

async fn check(script: Value, steps: &[(&str, bool)]) {
    let client = in_service().await;
    let mut all = json!({"endpoint": "e", "on": "update"});
    all.as_object_mut().unwrap().extend(script.as_object().unwrap().clone());
    update(&client, all).await;
    for (status, reason) in steps {
        assert_eq!(seen(&client).await, ((*status).to_owned(), "c".to_owned(), *reason), "{script}");
        client.advance(300).await;
    }
}

#[tokio::test]
async fn a_failing_update_is_rolled_back() {
    let steps = [("Updating", false), ("RollingBack", true), ("InService", true), ("InService", true)];
    check(json!({"outcome": "capacity"}), &steps).await;
}

#[tokio::test]
async fn a_rollback_may_fail_or_stay_silent() {
    let back = [("Updating", false), ("Updating", false), ("Updating", false)];
    let failed = [("RollingBack", true), ("UpdateRollbackFailed", true)];
    check(
        json!({"outcome": "health_check", "ending": "rollback_failed"}),
        &[back, [failed[0], failed[1], failed[1]]].concat(),
    )
    .await;
    let silent = [("RollingBack", false), ("InService", false)];
    check(json!({"ending": "rolled_back"}), &[back.as_slice(), &silent].concat()).await;
}

#[tokio::test]
async fn an_update_may_leave_nothing_but_a_failure() {
    check(json!({"outcome": "quota", "ending": "failed"}), &[("Updating", false), ("Failed", true)]).await;
}

#[tokio::test]
async fn an_update_shows_what_is_pending_until_it_has_come_through() {
    let client = in_service().await;
    client.ask("SageMaker.UpdateEndpoint", json!({"EndpointName": "e", "EndpointConfigName": "c2"})).await;
    let pending = client.describe("e").await["PendingDeploymentSummary"].clone();
    assert_eq!(pending["EndpointConfigName"], "c2");
    assert_eq!(pending["ProductionVariants"][0]["InstanceType"], "ml.m5.xlarge");
    assert_eq!(
        client.get("/_sim/state").await["endpoints"][0]["instances"],
        json!({"ml.m5.large": 1, "ml.m5.xlarge": 2})
    );
    client.advance(901).await;
    let now = client.describe("e").await;
    assert_eq!((&now["EndpointConfigName"], now.get("PendingDeploymentSummary")), (&json!("c2"), None));
    assert_eq!(client.get("/_sim/state").await["endpoints"][0]["instances"], json!({"ml.m5.xlarge": 2}));
}

fn resize(count: u64) -> Value {
    json!({"EndpointName": "e", "DesiredWeightsAndCapacities": [{"VariantName": "v", "DesiredInstanceCount": count}]})
}

const RESIZE: &str = "SageMaker.UpdateEndpointWeightsAndCapacities";

#[tokio::test]
async fn a_change_of_size_is_desired_at_once_and_current_later() {
    let client = in_service().await;
    client.ask(RESIZE, resize(3)).await;
    let counts = |seen: Value| {
        let variant = &seen["ProductionVariants"][0];
        let status = seen["EndpointStatus"].as_str().unwrap().to_owned();
        (status, variant["CurrentInstanceCount"].as_u64(), variant["DesiredInstanceCount"].as_u64())
    };
    let updating = client.describe("e").await;
    assert_eq!(updating.get("PendingDeploymentSummary"), None);
    assert_eq!(counts(updating), ("Updating".to_owned(), Some(1), Some(3)));
    client.advance(901).await;
    assert_eq!(counts(client.describe("e").await), ("InService".to_owned(), Some(3), Some(3)));
}

#[tokio::test]
async fn a_change_of_size_without_capacity_is_rolled_back() {
    let client = in_service().await;
    client.control("/_sim/settings", json!({"no_capacity": ["ml.m5.large"]})).await;
    client.ask(RESIZE, resize(3)).await;
    client.advance(901).await;
    let seen = client.describe("e").await;
    assert_eq!(
        (&seen["EndpointStatus"], &seen["ProductionVariants"][0]["DesiredInstanceCount"]),
        (&json!("InService"), &json!(1))
    );
    assert!(seen["FailureReason"].as_str().unwrap().contains("InsufficientInstanceCapacity"), "{seen}");
}

#[tokio::test]
async fn what_cannot_be_changed_now_is_refused() {
    let client = in_service().await;
    for (status, message) in [
        ("Creating", "in-progress"),
        ("Updating", "in-progress"),
        ("SystemUpdating", "in-progress"),
        ("Deleting", "in-progress"),
        ("Failed", "failed"),
    ] {
        let timeline = [json!({"status": status})];
        client.control("/_sim/script", json!({"endpoint": status, "timeline": timeline})).await;
        client.ask("SageMaker.CreateEndpoint", create(status)).await;
        let mut request = resize(2);
        request["EndpointName"] = json!(status);
        let refused = client.refused(RESIZE, request).await;
        assert!(refused.starts_with(&format!("ValidationException: Cannot update {message} endpoint")), "{refused}");
        let request = json!({"EndpointName": status, "EndpointConfigName": "c2"});
        let refused = client.refused("SageMaker.UpdateEndpoint", request).await;
        assert!(refused.contains(message), "{refused}");
    }
}

#[tokio::test]
async fn variants_are_named_once_and_exist() {
    let client = in_service().await;
    let change = |name: &str| json!({"VariantName": name, "DesiredWeight": 2});
    for (changes, message) in [
        (json!([]), "greater than or equal to 1"),
        (json!([change("v"), change("v")]), "non-unique"),
        (json!([change("w")]), "is/are not present within endpoint configuration \"c\""),
    ] {
        let request = json!({"EndpointName": "e", "DesiredWeightsAndCapacities": changes});
        let refused = client.refused(RESIZE, request).await;
        assert!(refused.contains(message), "{refused}");
    }
}
