//! What stands in the way of a deployment: a plan shows it, and a start is refused for it before
//! anything is created.

use longhaul_e2e::{Setup, Sim, report};
use serde_json::{Value, json};

const OPEN: &str = "sim-ic-mobilenet";
const GATED: &str = "sim-textgeneration-gated-7b";

fn role(name: &str) -> String {
    format!("arn:aws:iam::123456789012:role/{name}")
}

/// How many requests came that would create something.
async fn creations(sim: &Sim) -> usize {
    let log = sim.log().await;
    log.iter().filter(|entry| entry["op"].as_str().is_some_and(|op| op.starts_with("Create"))).count()
}

/// The plan is blocked by this check and by nothing else; the start is refused with this code, in
/// the words of the check, and asks for nothing to be created. The plan and the refusal.
async fn blocked(sim: &Sim, arguments: Value, check: &str, code: &str) -> (Value, Value) {
    let mut server = Setup::sagemaker(sim).stdio();
    let before = creations(sim).await;
    let answer = server.call("plan_deployment", arguments.clone()).await;
    let plan = report(&answer)["result"].clone();
    let checks = plan["checks"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let blocked: Vec<&Value> = checks.iter().filter(|seen| seen["verdict"] == "blocked").collect();
    assert_eq!((blocked.len(), &plan["ready"], &plan["next"]), (1, &json!(false), &Value::Null), "{plan}");
    assert_eq!(blocked[0]["check"], check, "{plan}");

    let answer = server.call("deploy_jumpstart_model", arguments).await;
    let refused = report(&answer).clone();
    assert_eq!((&answer["result"]["isError"], &refused["state"]), (&json!(true), &json!("failed")), "{answer}");
    assert_eq!((&refused["error"]["code"], &refused["message"]), (&json!(code), &blocked[0]["message"]), "{refused}");
    assert_eq!(creations(sim).await, before, "something was created");
    (plan, refused)
}

#[tokio::test]
async fn a_role_that_another_service_may_assume() {
    let sim = Sim::start(&[]).await;
    sim.settings(json!({ "roles": { "ForLambda": "lambda.amazonaws.com" } })).await;
    let arguments = json!({ "model_id": OPEN, "role_arn": role("ForLambda") });
    let (_, refused) = blocked(&sim, arguments, "role", "invalid_argument").await;
    let text = refused["error"].to_string();
    assert!(text.contains("`role_arn`") && text.contains("sagemaker.amazonaws.com"), "{refused}");
}

#[tokio::test]
async fn a_role_that_is_not_there() {
    let sim = Sim::start(&[]).await;
    let arguments = json!({ "model_id": OPEN, "role_arn": role("Nobody") });
    let (_, refused) = blocked(&sim, arguments, "role", "invalid_argument").await;
    assert!(refused["message"].as_str().unwrap().contains("does not exist"), "{refused}");
}

#[tokio::test]
async fn no_role_at_all_and_one_too_many() {
    let sim = Sim::start(&["--sagemaker-roles=0"]).await;
    blocked(&sim, json!({ "model_id": OPEN }), "role", "invalid_argument").await;
    sim.settings(json!({ "sagemaker_roles": 2 })).await;
    let (_, refused) = blocked(&sim, json!({ "model_id": OPEN }), "role", "invalid_argument").await;
    let advice = refused["error"]["troubleshooting"].to_string();
    assert!(advice.contains("SageMakerExec") && advice.contains("AmazonSageMaker-ExecutionRole-0002"), "{refused}");
}

#[tokio::test]
async fn a_type_of_which_the_account_may_have_none() {
    let sim = Sim::start(&[]).await;
    sim.settings(json!({ "instance_quotas": { "ml.m5.large": 0 } })).await;
    let (plan, refused) = blocked(&sim, json!({ "model_id": OPEN }), "quota", "quota").await;
    assert!(refused["message"].as_str().unwrap().contains("ml.m5.large"), "{refused}");
    // Everything else is told all the same.
    assert_eq!((&plan["hourly_usd"], plan["requests"].as_object().unwrap().len()), (&json!(0.115), 3), "{plan}");
}

#[tokio::test]
async fn a_quota_that_is_used_up() {
    let sim = Sim::start(&["--endpoint-quota=2", "--create-seconds=0"]).await;
    let mut server = Setup::sagemaker(&sim).stdio();
    let first = server.call("deploy_jumpstart_model", json!({ "model_id": OPEN, "endpoint_name": "first" })).await;
    assert_eq!(report(&first)["state"], "succeeded", "{first}");
    let two = json!({ "model_id": OPEN, "endpoint_name": "second", "initial_instance_count": 2 });
    let (_, refused) = blocked(&sim, two, "quota", "quota").await;
    assert!(refused["message"].as_str().unwrap().contains("1 are in use, 2 are asked for"), "{refused}");
    let one = server.call("deploy_jumpstart_model", json!({ "model_id": OPEN, "endpoint_name": "second" })).await;
    assert_eq!(report(&one)["state"], "succeeded", "{one}");
}

#[tokio::test]
async fn a_licence_that_nobody_has_accepted() {
    let sim = Sim::start(&[]).await;
    let (_, refused) = blocked(&sim, json!({ "model_id": GATED }), "eula", "invalid_argument").await;
    let advice = refused["error"]["troubleshooting"].to_string();
    assert!(advice.contains("accept_eula") && advice.contains("simEula.txt"), "{refused}");
}

#[tokio::test]
async fn a_further_licence_that_nobody_has_accepted() {
    let sim = Sim::start(&[]).await;
    let arguments = json!({ "model_id": GATED, "inference_config": "lmi-optimized", "accept_eula": true });
    let (_, refused) = blocked(&sim, arguments, "eula", "invalid_argument").await;
    let advice = refused["error"]["troubleshooting"].to_string();
    assert!(advice.contains("accept_additional_eulas") && advice.contains("simDraftEula.txt"), "{refused}");
}

#[tokio::test]
async fn a_type_that_the_model_does_not_run_on() {
    let sim = Sim::start(&[]).await;
    let arguments = json!({ "model_id": OPEN, "instance_type": "ml.p5.48xlarge" });
    let (_, refused) = blocked(&sim, arguments, "instance_type", "invalid_argument").await;
    assert!(refused["message"].as_str().unwrap().contains("ml.m5.xlarge"), "{refused}");
}

#[tokio::test]
async fn a_model_that_is_not_there() {
    let sim = Sim::start(&[]).await;
    let (_, refused) = blocked(&sim, json!({ "model_id": "sim-ic-mobilnet" }), "model", "not_found").await;
    assert!(refused["error"].to_string().contains(OPEN), "the one that was meant is not named: {refused}");
}

#[tokio::test]
async fn a_name_that_is_taken() {
    let sim = Sim::start(&["--create-seconds=0"]).await;
    let mut server = Setup::sagemaker(&sim).stdio();
    server.call("deploy_jumpstart_model", json!({ "model_id": OPEN, "endpoint_name": "taken" })).await;
    let other = json!({ "model_id": OPEN, "endpoint_name": "taken", "instance_type": "ml.m5.xlarge" });
    let (_, refused) = blocked(&sim, other, "name", "conflict").await;
    assert_eq!(refused["next"]["tool"], "describe_sagemaker_endpoint", "{refused}");
    // The same words are no conflict: they join.
    let same = server.call("plan_deployment", json!({ "model_id": OPEN, "endpoint_name": "taken" })).await;
    assert_eq!(report(&same)["result"]["ready"], true, "{same}");
}

#[tokio::test]
async fn what_may_not_be_looked_at_does_not_stand_in_the_way() {
    let sim = Sim::start(&["--create-seconds=0"]).await;
    for op in ["ListServiceQuotas", "GetRole", "GetProducts"] {
        sim.fault(json!({ "op": op, "kind": "denied", "times": -1 })).await;
    }
    let mut server = Setup::sagemaker(&sim).stdio();
    let answer = server.call("plan_deployment", json!({ "model_id": OPEN })).await;
    let plan = &report(&answer)["result"];
    let unknown = |name: &str| {
        let checks = plan["checks"].as_array().unwrap();
        checks.iter().any(|check| check["check"] == name && check["verdict"] == "unknown")
    };
    assert!(plan["ready"] == true && unknown("role") && unknown("quota"), "{plan}");
    assert_eq!(plan["hourly_usd"], "unknown", "{plan}");
    let deployed = server.call("deploy_jumpstart_model", json!({ "model_id": OPEN })).await;
    assert_eq!(report(&deployed)["state"], "succeeded", "{deployed}");
}

#[tokio::test]
async fn a_plan_changes_nothing_and_names_the_call_that_carries_it_out() {
    let sim = Sim::start(&["--create-seconds=0"]).await;
    let mut reader = Setup::sagemaker(&sim).without_flags().stdio();
    let arguments = json!({ "model_id": OPEN, "endpoint_name": "planned", "instance_type": "ml.m5.xlarge" });
    let answer = reader.call("plan_deployment", arguments).await;
    let plan = &report(&answer)["result"];
    assert_eq!((&plan["ready"], &plan["hourly_usd"], creations(&sim).await), (&json!(true), &json!(0.23), 0), "{plan}");
    let next = &plan["next"];
    let mut writer = Setup::sagemaker(&sim).stdio();
    let deployed = writer.call(next["tool"].as_str().unwrap(), next["arguments"].clone()).await;
    let deployed = report(&deployed);
    assert_eq!((&deployed["state"], &deployed["resource"]), (&json!("succeeded"), &json!("planned")), "{deployed}");
}
