//! What this server sees of an account: who calls, what is there, what it costs, what it wrote.

use longhaul_e2e::{Setup, Sim, Stdio, report};
use serde_json::{Value, json};

const ENDPOINT: &str = "it-is-there";

async fn in_service(more: Value) -> (Sim, Stdio) {
    let sim = Sim::start(&["--create-seconds=0"]).await;
    let mut server = Setup::sagemaker(&sim).stdio();
    let mut deployment = json!({ "model_id": "sim-ic-mobilenet", "endpoint_name": ENDPOINT });
    deployment.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let deployed = server.call("deploy_jumpstart_model", deployment).await;
    assert_eq!(report(&deployed)["state"], "succeeded", "{deployed}");
    (sim, server)
}

async fn told(server: &mut Stdio, tool: &str, arguments: Value) -> Value {
    let answer = server.call(tool, arguments).await;
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    report(&answer)["result"].clone()
}

fn verdict<'a>(seen: &'a Value, check: &str) -> &'a Value {
    let checks = seen["checks"].as_array().unwrap();
    &checks.iter().find(|one| one["check"] == check).unwrap_or_else(|| panic!("{check}: {seen}"))["verdict"]
}

#[tokio::test]
async fn the_environment_is_checked_and_nothing_is_changed() {
    let sim = Sim::start(&[]).await;
    sim.settings(json!({ "denied_actions": ["sagemaker:CreateEndpoint"] })).await;
    let setup = Setup::sagemaker(&sim).without_flags().env("HTTPS_PROXY", "http://me:canary@127.0.0.1:9");
    let answer = setup.stdio().call("check_environment", json!({})).await;
    let seen = &report(&answer)["result"];
    assert_eq!((&seen["ready"], &seen["region"]), (&json!(true), &json!("us-east-1")), "{seen}");
    assert_eq!((&seen["account"], verdict(seen, "identity")), (&json!("123456789012"), &json!("ok")), "{seen}");
    assert_eq!(seen["role_candidates"], json!(["arn:aws:iam::123456789012:role/SageMakerExec"]), "{seen}");
    let permissions = &seen["permissions"];
    let allowed = (&permissions["sagemaker:CreateEndpoint"], &permissions["sagemaker:CreateModel"]);
    assert_eq!(allowed, (&json!(false), &json!(true)), "{seen}");
    assert!(seen["quotas"]["ml.m5.large"].as_f64().unwrap() > 0.0, "{seen}");
    assert!(seen["network"].to_string().contains("127.0.0.1:9"), "{seen}");
    assert!(!answer.to_string().contains("canary"), "{answer}");
    assert_eq!(sim.created().await, [0, 0, 0]);
}

#[tokio::test]
async fn an_environment_without_credentials_says_which_are_missing() {
    let sim = Sim::start(&[]).await;
    let setup = Setup::bare().env("AWS_REGION", "us-east-1").env("AWS_ENDPOINT_URL", sim.url());
    let seen = told(&mut setup.stdio(), "check_environment", json!({})).await;
    assert_eq!((&seen["ready"], verdict(&seen, "identity")), (&json!(false), &json!("blocked")), "{seen}");
    assert_eq!(verdict(&seen, "endpoints"), "blocked", "{seen}");
}

#[tokio::test]
async fn an_environment_where_little_may_be_seen_is_ready_all_the_same() {
    let sim = Sim::start(&[]).await;
    for op in ["ListRoles", "SimulatePrincipalPolicy", "ListServiceQuotas"] {
        sim.fault(json!({ "op": op, "kind": "denied", "times": -1 })).await;
    }
    let seen = told(&mut Setup::sagemaker(&sim).stdio(), "check_environment", json!({})).await;
    assert_eq!(seen["ready"], true, "{seen}");
    for check in ["roles", "permissions", "quotas"] {
        assert_eq!(verdict(&seen, check), "unknown", "{seen}");
    }
}

#[tokio::test]
async fn an_endpoint_is_listed_and_described_with_its_price_and_its_end() {
    let expires = "2027-01-01T00:00:00Z";
    let more = json!({ "initial_instance_count": 3, "instance_type": "ml.m5.xlarge", "expires_at": expires });
    let (_sim, mut server) = in_service(more).await;
    let listed = told(&mut server, "list_sagemaker_endpoints", json!({})).await;
    let line = &listed["endpoints"][0];
    assert_eq!((&line["hourly_usd"], &line["expires_at"]), (&json!(0.69), &json!(expires)), "{line}");
    let seen = told(&mut server, "describe_sagemaker_endpoint", json!({ "endpoint_name": ENDPOINT })).await;
    assert_eq!((&seen["hourly_usd"], &seen["expires_at"]), (&json!(0.69), &json!(expires)), "{seen}");
    assert_eq!((&seen["managed"], &seen["instance_types"]), (&json!(true), &json!(["ml.m5.xlarge"])), "{seen}");
}

#[tokio::test]
async fn a_price_that_cannot_be_had_is_unknown_and_spoils_nothing() {
    let (sim, mut server) = in_service(json!({})).await;
    for kind in ["denied", "hang"] {
        sim.clear_faults().await;
        sim.fault(json!({ "op": "GetProducts", "kind": kind, "times": -1 })).await;
        let listed = told(&mut server, "list_sagemaker_endpoints", json!({})).await;
        assert_eq!(listed["endpoints"][0]["hourly_usd"], "unknown", "{kind}: {listed}");
    }
}

#[tokio::test]
async fn lists_are_narrowed_to_what_this_server_made() {
    let (_sim, mut server) = in_service(json!({})).await;
    let other = json!({ "model_id": "sim-ic-mobilenet", "endpoint_name": "another" });
    told(&mut server, "deploy_jumpstart_model", other).await;
    for (arguments, count) in [
        (json!({ "managed_only": true }), 2),
        (json!({ "name_contains": "another" }), 1),
        (json!({ "status_filter": "Failed" }), 0),
        (json!({ "created_after": "2099-01-01T00:00:00Z" }), 0),
    ] {
        let listed = told(&mut server, "list_sagemaker_endpoints", arguments.clone()).await;
        assert_eq!(listed["count"], count, "{arguments}: {listed}");
    }
    let first = told(&mut server, "list_sagemaker_endpoints", json!({ "max_results": 1 })).await;
    let rest = json!({ "max_results": 1, "cursor": first["cursor"] });
    let second = told(&mut server, "list_sagemaker_endpoints", rest).await;
    assert_ne!(first["endpoints"][0]["endpoint_name"], second["endpoints"][0]["endpoint_name"]);
}

#[tokio::test]
async fn a_log_is_shown_by_its_end_by_a_text_and_by_a_time() {
    let (_sim, mut server) = in_service(json!({})).await;
    let logs = json!({ "endpoint_name": ENDPOINT });
    let with = |field: &str, value: Value| {
        let mut arguments = logs.clone();
        arguments[field] = value;
        arguments
    };
    let all = told(&mut server, "get_sagemaker_endpoint_logs", logs.clone()).await;
    let count = all["lines"].as_array().unwrap().len();
    assert!(count > 2 && all["lines"][0]["text"].as_str().unwrap().contains("Starting model server"), "{all}");
    assert!(all["lines"][0]["stream"].as_str().unwrap().starts_with("AllTraffic/"), "{all}");
    let end = told(&mut server, "get_sagemaker_endpoint_logs", with("lines", json!(2))).await;
    assert_eq!(end["lines"].as_array().unwrap(), &all["lines"].as_array().unwrap()[count - 2..]);
    let found = told(&mut server, "get_sagemaker_endpoint_logs", with("contains", json!("/ping HTTP/1.1\" 200"))).await;
    assert_eq!(found["lines"].as_array().unwrap().len(), 1, "{found}");
    let later = with("since", json!("2099-01-01T00:00:00Z"));
    assert_eq!(told(&mut server, "get_sagemaker_endpoint_logs", later).await["lines"], json!([]));
}

#[tokio::test]
async fn a_log_is_read_page_by_page() {
    let (_sim, mut server) = in_service(json!({})).await;
    let mut arguments = json!({ "endpoint_name": ENDPOINT, "since": "2020-01-01T00:00:00Z", "lines": 3 });
    let mut texts = Vec::new();
    loop {
        let page = told(&mut server, "get_sagemaker_endpoint_logs", arguments.clone()).await;
        texts.extend(page["lines"].as_array().unwrap().iter().map(|line| line["text"].to_string()));
        match page.get("cursor") {
            Some(cursor) => arguments["cursor"] = cursor.clone(),
            None => break,
        }
    }
    let whole = told(&mut server, "get_sagemaker_endpoint_logs", json!({ "endpoint_name": ENDPOINT })).await;
    assert_eq!(texts.len(), whole["lines"].as_array().unwrap().len(), "{texts:?}");
}

#[tokio::test]
async fn an_endpoint_that_never_ran_has_no_log_and_one_that_is_gone_has() {
    let (sim, mut server) = in_service(json!({})).await;
    sim.settings(json!({ "delete_seconds": 0 })).await;
    let missing = server.call("get_sagemaker_endpoint_logs", json!({ "endpoint_name": "nobody" })).await;
    assert_eq!(report(&missing)["error"]["code"], "not_found", "{missing}");
    let removal = json!({ "endpoint_name": ENDPOINT, "confirm": ENDPOINT });
    server.call("delete_sagemaker_endpoint", removal).await;
    let kept = told(&mut server, "get_sagemaker_endpoint_logs", json!({ "endpoint_name": ENDPOINT })).await;
    assert!(!kept["lines"].as_array().unwrap().is_empty(), "{kept}");
}
