//! What becomes of a new endpoint: outcomes, instance pools, invocations.

use super::*;

async fn fails(outcome: &str, more: Value) -> (Client, Value) {
    let client = Client::start().await;
    let mut script = json!({"endpoint": "e", "outcome": outcome});
    script.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    client.control("/_sim/script", script).await;
    client.deploy(&["e"]).await;
    assert_eq!(client.describe("e").await["EndpointStatus"], "Creating");
    client.advance(901).await;
    let seen = client.describe("e").await;
    assert_eq!(seen["EndpointStatus"], "Failed");
    (client, seen["FailureReason"].clone())
}

async fn written(client: &Client) -> Vec<String> {
    let request = json!({"logGroupName": "/aws/sagemaker/Endpoints/e"});
    let answer = client.call_other("Logs_20140328.FilterLogEvents", request).await.json();
    let events = answer["events"].as_array().cloned().unwrap_or_default();
    events.iter().map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_failure_inside_the_container_is_in_the_log() {
    let (client, reason) = fails("out_of_memory", json!({})).await;
    assert!(reason.as_str().unwrap().contains("variant v did not pass the ping health check"), "{reason}");
    let written = written(&client).await.join("\n");
    assert!(written.contains("CUDA out of memory") && written.contains("Killed"), "{written}");
}

#[tokio::test]
async fn without_a_container_there_is_no_log() {
    let (client, reason) = fails("image_pull", json!({})).await;
    assert!(reason.as_str().unwrap().contains("permission for the image: 'i'"), "{reason}");
    assert_eq!(written(&client).await, [""; 0]);
}

#[tokio::test]
async fn a_script_may_word_the_reason_and_the_log() {
    let (client, reason) = fails("eula", json!({"failure_reason": "why", "log_lines": ["one", "two"]})).await;
    assert_eq!(reason, "why");
    assert_eq!(written(&client).await, ["one", "two"]);
}

#[tokio::test]
async fn pools_fall_to_the_next_type_that_has_capacity() {
    let client = Client::start().await;
    client.control("/_sim/settings", json!({"no_capacity": ["ml.g5.xlarge"]})).await;
    client.deploy(&[]).await;
    let pool = |kind: &str, priority: u64| json!({"InstanceType": kind, "Priority": priority});
    let pools = [pool("ml.g5.xlarge", 1), pool("ml.g5.2xlarge", 2)];
    client.configure("pooled", json!({"InstancePools": pools})).await;
    client.configure("plain", json!({"InstanceType": "ml.g5.xlarge"})).await;
    for name in ["pooled", "plain"] {
        client.ask("SageMaker.CreateEndpoint", json!({"EndpointName": name, "EndpointConfigName": name})).await;
    }
    client.advance(901).await;
    let seen = client.describe("pooled").await;
    let pools = &seen["ProductionVariants"][0]["InstancePools"];
    assert_eq!(pools[0], json!({"InstanceType": "ml.g5.xlarge", "CurrentInstanceCount": 0}));
    assert_eq!(pools[1], json!({"InstanceType": "ml.g5.2xlarge", "CurrentInstanceCount": 1}));
    let seen = client.describe("plain").await;
    assert_eq!(seen["EndpointStatus"], "Failed");
    assert!(seen["FailureReason"].as_str().unwrap().contains("InsufficientInstanceCapacity"), "{seen}");
}

#[tokio::test]
async fn pools_are_checked() {
    let client = Client::start().await;
    client.deploy(&[]).await;
    let pool = json!({"InstanceType": "ml.g5.xlarge", "Priority": 1});
    for (variant, message) in [
        (json!({"InstancePools": []}), "greater than or equal to 1"),
        (json!({"InstancePools": vec![pool.clone(); 6]}), "less than or equal to 5"),
        (json!({"InstancePools": [{"InstanceType": "ml.g5.xlarge"}]}), "'instancePools.1.member.priority'"),
        (json!({"InstancePools": [{"InstanceType": "ml.g5.xlarge", "Priority": 6}]}), "less than or equal to 5"),
        (json!({"InstancePools": [{"InstanceType": "g5", "Priority": 1}]}), "enum value set"),
        (json!({"InstancePools": [pool.clone()], "InstanceType": "ml.g5.xlarge"}), "cannot be specified together"),
        (json!({"InstancePools": [pool], "VolumeSizeInGB": 30}), "VolumeSize parameter is not allowed"),
    ] {
        let mut fields = variant.as_object().unwrap().clone();
        fields.insert("VariantName".to_owned(), json!("v"));
        let config = json!({"EndpointConfigName": "c2", "ProductionVariants": [fields]});
        let refused = client.refused("SageMaker.CreateEndpointConfig", config).await;
        assert!(refused.contains(message), "{variant}: {refused}");
    }
}

#[tokio::test]
async fn an_endpoint_answers_invocations_once_in_service() {
    let client = Client::start().await;
    client.deploy(&["e"]).await;
    let invoke = || client.raw("POST", "/endpoints/e/invocations", "Content-Type: text/csv\r\n", "1,2");
    let early = invoke().await;
    assert_eq!(early.status(), "400");
    assert!(early.text.contains("x-amzn-errortype: ValidationError"), "{}", early.text);
    client.advance(901).await;
    let answer = invoke().await;
    assert!(answer.text.contains("x-amzn-invoked-production-variant: v\r"), "{}", answer.text);
    let expected = json!({"received_bytes": 3, "content_type": "text/csv", "accept": null, "variant": "v"});
    assert_eq!(answer.json(), expected);
    for (script, status) in [(json!({"kind": "model_error"}), "424"), (json!({"kind": "unavailable"}), "503")] {
        client.control("/_sim/script", json!({"endpoint": "e", "on": "invoke", "answer": script})).await;
        assert_eq!(invoke().await.status(), status);
    }
    client.control("/_sim/fault", json!({"op": "InvokeEndpoint", "kind": "throttle"})).await;
    assert!(invoke().await.text.contains("x-amzn-errortype: ThrottlingException"));
    let log = client.get("/_sim/log").await;
    let last = log.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["op"], &last["resource"], &last["request"]["Body"]),
        (&json!("InvokeEndpoint"), &json!("e"), &json!("1,2"))
    );
}
