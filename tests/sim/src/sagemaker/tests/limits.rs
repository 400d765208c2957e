//! Quotas, scalable targets, permissions and roles.

use super::*;

const LIST: &str = "ServiceQuotasV20190624.ListServiceQuotas";

async fn quota_of(client: &Client, kind: &str) -> Option<Value> {
    let mut request = json!({"ServiceCode": "sagemaker"});
    loop {
        let page = client.ask(LIST, request.clone()).await;
        let name = format!("{kind} for endpoint usage");
        let quotas = page["Quotas"].as_array().unwrap();
        assert!(quotas.len() <= 100);
        if let Some(found) = quotas.iter().find(|quota| quota["QuotaName"] == name) {
            return Some(found.clone());
        }
        request["NextToken"] = page.get("NextToken")?.clone();
    }
}

#[tokio::test]
async fn quotas_are_listed_in_pages_and_shown_by_code() {
    let client = Client::start().await;
    assert_eq!(quota_of(&client, "ml.g5.xlarge").await.unwrap()["Value"], 10_000);
    assert_eq!(quota_of(&client, "ml.trn1.2xlarge").await, None);
    client.control("/_sim/settings", json!({"endpoint_quota": 4, "instance_quotas": {"ml.g5.xlarge": 0}})).await;
    let quota = quota_of(&client, "ml.g5.xlarge").await.unwrap();
    assert_eq!(quota["Value"], 0);
    assert_eq!(quota_of(&client, "ml.trn1.2xlarge").await.unwrap()["Value"], 4);
    let request = json!({"ServiceCode": "sagemaker", "QuotaCode": quota["QuotaCode"]});
    assert_eq!(client.ask("ServiceQuotasV20190624.GetServiceQuota", request).await["Quota"], quota);
    let refused = client.refused(LIST, json!({"ServiceCode": "teleport"})).await;
    assert!(refused.starts_with("NoSuchResourceException"), "{refused}");
}

#[tokio::test]
async fn an_update_needs_room_for_a_second_fleet_unless_it_rolls() {
    let client = Client::start().await;
    client.control("/_sim/settings", json!({"endpoint_quota": 5})).await;
    client.deploy(&[]).await;
    client.configure("three", json!({"InstanceType": "ml.m5.large", "InitialInstanceCount": 3})).await;
    client.ask("SageMaker.CreateEndpoint", json!({"EndpointName": "e", "EndpointConfigName": "three"})).await;
    client.advance(901).await;
    let mut request = json!({"EndpointName": "e", "EndpointConfigName": "three"});
    let refused = client.refused("SageMaker.UpdateEndpoint", request.clone()).await;
    assert!(refused.contains("utilization of 3 Instances and a request delta of 3 Instances"), "{refused}");
    let batch = json!({"Type": "INSTANCE_COUNT", "Value": 1});
    request["DeploymentConfig"] =
        json!({"RollingUpdatePolicy": {"MaximumBatchSize": batch, "WaitIntervalInSeconds": 0}});
    client.ask("SageMaker.UpdateEndpoint", request.clone()).await;
    assert_eq!(client.describe("e").await["LastDeploymentConfig"], request["DeploymentConfig"]);
}

fn target(op: &str) -> String {
    format!("AnyScaleFrontendService.{op}")
}

fn scalable(more: Value) -> Value {
    let mut request = json!({
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/e/variant/v",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    });
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

#[tokio::test]
async fn only_variants_that_exist_become_scalable_targets() {
    let client = Client::start().await;
    client.deploy(&["e"]).await;
    let register = target("RegisterScalableTarget");
    let bounds = json!({"MinCapacity": 1, "MaxCapacity": 3});
    client.ask(&register, scalable(bounds.clone())).await;
    for (more, message) in [
        (json!({"ResourceId": "endpoint/f/variant/v", "MinCapacity": 1, "MaxCapacity": 1}), "doesn't exist"),
        (json!({"ResourceId": "endpoint/e/variant/w", "MinCapacity": 1, "MaxCapacity": 1}), "doesn't exist"),
        (json!({"ResourceId": "e", "MinCapacity": 1, "MaxCapacity": 1}), "Unsupported service namespace"),
        (json!({"MinCapacity": 4}), "cannot be less than minimum"),
    ] {
        let refused = client.refused(&register, scalable(more)).await;
        assert!(refused.starts_with("ValidationException") && refused.contains(message), "{refused}");
    }
    for op in ["DeregisterScalableTarget", "DeleteScalingPolicy", "PutScalingPolicy"] {
        let request = scalable(json!({"ResourceId": "endpoint/f/variant/v", "PolicyName": "p"}));
        let refused = client.refused(&target(op), request).await;
        assert!(refused.starts_with("ObjectNotFoundException"), "{refused}");
    }
}

#[tokio::test]
async fn a_scaled_variant_keeps_its_type_and_goes_with_its_endpoint() {
    let client = Client::start().await;
    client.deploy(&["e"]).await;
    client.configure("c2", json!({"InstanceType": "ml.m5.xlarge"})).await;
    client.advance(901).await;
    client.ask(&target("RegisterScalableTarget"), scalable(json!({"MinCapacity": 1, "MaxCapacity": 3}))).await;
    let request = json!({"EndpointName": "e", "EndpointConfigName": "c2"});
    let refused = client.refused("SageMaker.UpdateEndpoint", request).await;
    assert!(refused.contains("\"v\" must be deregistered as scalable targets"), "{refused}");
    client.call("DeleteEndpoint", json!({"EndpointName": "e"})).await;
    let seen = client.ask(&target("DescribeScalableTargets"), json!({"ServiceNamespace": "sagemaker"})).await;
    assert_eq!(seen["ScalableTargets"], json!([]));
}

#[tokio::test]
async fn roles_and_permissions_follow_the_settings() {
    let client = Client::start().await;
    let settings = json!({"roles": {"Science": "ec2.amazonaws.com"}, "denied_actions": ["sagemaker:Create*"]});
    client.control("/_sim/settings", settings).await;
    let role = "arn:aws:iam::123456789012:role/Science";
    let model = json!({"ModelName": "m", "ExecutionRoleArn": role, "PrimaryContainer": {"Image": "i"}});
    let refused = client.refused("SageMaker.CreateModel", model).await;
    assert!(refused.starts_with(&format!("ValidationException: Could not assume role {role}")), "{refused}");
    let body = format!(
        "Action=SimulatePrincipalPolicy&Version=2010-05-08&PolicySourceArn={role}\
         &ActionNames.member.1=sagemaker:CreateModel&ActionNames.member.2=sagemaker:ListModels"
    );
    let answer = client.raw("POST", "/", "", &body).await;
    let decisions: Vec<&str> = answer.body().split("<EvalDecision>").skip(1).map(|rest| &rest[..7]).collect();
    assert_eq!(decisions, ["implici", "allowed"], "{}", answer.text);
}
