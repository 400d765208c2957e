//! HTTP: every protocol version on one endpoint, progress over SSE, health and counters.

use longhaul_e2e::{Era, Http, Setup, Sim, http, report, wire};
use serde_json::{Value, json};

async fn both(flags: &[&str]) -> (Sim, Http) {
    let sim = Sim::start(flags).await;
    let server = Setup::sagemaker(&sim).http().await;
    (sim, server)
}

#[tokio::test]
async fn both_eras_are_served_on_one_endpoint_at_the_same_time() {
    let (sim, server) = both(&["--create-seconds=0"]).await;
    let initialized = server.post(&wire::initialize(1), &[]).await;
    assert_eq!(initialized.messages[0]["result"]["protocolVersion"], wire::LEGACY, "{initialized:?}");
    assert_eq!((initialized.status, initialized.session), (200, None));
    let discovered = server.request(Era::Modern, "server/discover", json!({})).await;
    let versions = discovered["result"]["supportedVersions"].to_string();
    assert!(versions.contains(wire::MODERN), "{discovered}");

    let deployment = json!({ "model_id": "sim-ic-mobilenet" });
    let (old, new) = tokio::join!(
        server.call(Era::Legacy, "deploy_jumpstart_model", deployment.clone()),
        server.call(Era::Modern, "deploy_jumpstart_model", deployment.clone()),
    );
    // Both asked for the same thing: it was made once.
    assert_eq!((&report(&old)["state"], &report(&new)["state"]), (&json!("succeeded"), &json!("succeeded")));
    assert_eq!(report(&old)["resource"], report(&new)["resource"]);
    assert_eq!(sim.created().await, [1, 1, 1]);
    assert_eq!((&old["result"]["resultType"], &new["result"]["resultType"]), (&Value::Null, &json!("complete")));
}

#[tokio::test]
async fn a_foreign_session_id_is_of_no_concern() {
    let (_sim, server) = both(&[]).await;
    let session = [("mcp-session-id", "made-by-a-gateway-0123456789")];
    for message in [
        wire::initialize(1),
        wire::request(Era::Legacy, 2, "tools/list", json!({})),
        wire::call(Era::Legacy, 3, "list_sagemaker_endpoints", json!({})),
        wire::call(Era::Modern, 4, "list_sagemaker_endpoints", json!({})),
    ] {
        let answer = server.post(&message, &session).await;
        let last = answer.messages.last().unwrap();
        assert!(answer.status == 200 && last["error"].is_null() && last["id"] == message["id"], "{answer:?}");
        assert_eq!(answer.session, None);
    }
}

/// Follows a deployment over SSE: what was told on the way, and the answer.
async fn progress(era: Era) -> (Vec<Value>, Value) {
    let (sim, server) = both(&[]).await;
    let timeline = json!([
        { "status": "Creating", "seconds": 100 }, { "status": "Updating", "seconds": 100 }, { "status": "InService" }
    ]);
    sim.script(json!({ "endpoint": "*", "timeline": timeline })).await;
    let call = wire::call(era, 7, "deploy_jumpstart_model", json!({ "model_id": "sim-ic-mobilenet" }));
    let stream = server.open(&wire::with_token(call, "p1"), &[]).await;
    let reading = tokio::spawn(http::read(stream));
    sim.hears("DescribeEndpoint", 4).await;
    sim.advance(100).await;
    sim.hears("DescribeEndpoint", 6).await;
    sim.advance(100).await;
    let mut messages = reading.await.unwrap().messages;
    let answer = messages.pop().unwrap();
    (messages, answer)
}

async fn progress_is_as_it_should_be(era: Era) {
    let (told, answer) = progress(era).await;
    // The answer is the last message: nothing came after it.
    assert!(answer["id"] == 7 && report(&answer)["state"] == "succeeded", "{answer}");
    let mut last = -1.0;
    for message in &told {
        let params = &message["params"];
        assert_eq!((&message["method"], &params["progressToken"]), (&json!("notifications/progress"), &json!("p1")));
        let now = params["progress"].as_f64().unwrap();
        assert!(now > last, "{told:#?}");
        assert_eq!(params["total"], told[0]["params"]["total"], "{told:#?}");
        last = now;
    }
    let words: Vec<&str> = told.iter().filter_map(|message| message["params"]["message"].as_str()).collect();
    assert!(words[0].starts_with("sim-ic-mobilenet-"), "the first names the resource: {words:?}");
    for phase in ["Creating", "Updating"] {
        assert!(words.iter().any(|word| word.contains(phase)), "{phase} was not told: {words:?}");
    }
}

#[tokio::test]
async fn progress_over_sse_to_a_legacy_client() {
    progress_is_as_it_should_be(Era::Legacy).await;
}

#[tokio::test]
async fn progress_over_sse_to_a_modern_client() {
    progress_is_as_it_should_be(Era::Modern).await;
}

#[tokio::test]
async fn a_client_that_leaves_detaches_and_nothing_else() {
    let (sim, server) = both(&[]).await;
    let call = wire::call(Era::Modern, 1, "deploy_jumpstart_model", json!({ "model_id": "sim-ic-mobilenet" }));
    let stream = server.open(&wire::with_token(call, "p"), &[]).await;
    sim.hears("DescribeEndpoint", 3).await;
    drop(stream);
    server.shows("/metrics", "longhaul_operations_followed{kind=\"sagemaker.endpoint\"} 0").await;
    assert_eq!((sim.there().await, sim.count("DeleteEndpoint").await), ([1, 1, 1], 0));
    assert!(sim.log().await.iter().all(|entry| entry["op"] != "AddTags"));
}

#[tokio::test]
async fn ping_tells_busy_from_idle() {
    let (sim, server) = both(&[]).await;
    let ping = async || serde_json::from_str::<Value>(&server.get("/ping").await).unwrap();
    let idle = ping().await;
    assert_eq!(idle["status"], "Healthy");
    assert_eq!(ping().await["time_of_last_update"], idle["time_of_last_update"]);
    let call = wire::call(Era::Modern, 1, "deploy_jumpstart_model", json!({ "model_id": "sim-ic-mobilenet" }));
    let stream = server.open(&wire::with_token(call, "p"), &[]).await;
    sim.hears("DescribeEndpoint", 3).await;
    assert_eq!(ping().await["status"], "HealthyBusy");
    sim.advance(900).await;
    http::read(stream).await;
    assert_eq!(ping().await["status"], "Healthy");
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let (_sim, server) = both(&["--create-seconds=0"]).await;
    for _ in 0..3 {
        server.call(Era::Modern, "list_sagemaker_endpoints", json!({})).await;
    }
    server.call(Era::Legacy, "list_sagemaker_endpoints", json!({ "max_results": "many" })).await;
    server.call(Era::Modern, "wait_sagemaker_endpoint", json!({ "endpoint_name": "nowhere" })).await;
    server.call(Era::Modern, "deploy_jumpstart_model", json!({ "model_id": "sim-ic-mobilenet" })).await;
    let metrics = server.get("/metrics").await;
    for line in [
        "longhaul_calls_total{tool=\"list_sagemaker_endpoints\",outcome=\"ok\"} 3",
        "longhaul_calls_total{tool=\"list_sagemaker_endpoints\",outcome=\"error\"} 1",
        "longhaul_calls_total{tool=\"wait_sagemaker_endpoint\",outcome=\"error\"} 1",
        "longhaul_calls_total{tool=\"deploy_jumpstart_model\",outcome=\"ok\"} 1",
        "longhaul_operations_total{kind=\"sagemaker.endpoint\",state=\"succeeded\"} 1",
        "longhaul_operations_followed{kind=\"sagemaker.endpoint\"} 0",
        "longhaul_faults_total{code=\"invalid_argument\"} 1",
        "longhaul_faults_total{code=\"not_found\"} 1",
        "longhaul_panics_total 0",
        "target_info{service_name=\"sagemaker-mcp\",",
    ] {
        assert!(metrics.contains(line), "{line} is missing:\n{metrics}");
    }
    assert!(metrics.ends_with("# EOF\n") && !metrics.contains("sim-ic-mobilenet"), "{metrics}");
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused_before_anything_is_done() {
    let (sim, server) = both(&[]).await;
    let call = wire::call(Era::Modern, 1, "list_sagemaker_endpoints", json!({}));
    for header in [("origin", "https://evil.example"), ("host", "evil.example")] {
        assert_eq!(server.post(&call, &[header]).await.status, 403, "{header:?}");
    }
    assert_eq!(sim.log().await.len(), 0);
}
