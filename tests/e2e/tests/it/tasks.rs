//! Tasks without a table of tasks: made by one process, read by another, cancelled through a third.

use longhaul_e2e::{Era, Http, Setup, Sim, binaries, report};
use serde_json::{Value, json};

const KEY: &str = "k1:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const OTHER: &str = "k1:ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";

fn deployment() -> Value {
    json!({ "model_id": "sim-ic-mobilenet", "endpoint_name": "shared" })
}

#[track_caller]
fn is_unknown(answer: &Value) {
    let text = answer["error"]["message"].as_str().unwrap_or_default();
    assert!(answer["error"]["code"] == -32602 && text.starts_with("unknown task"), "{answer}");
}

#[track_caller]
fn is(status: &str, answer: &Value) {
    assert_eq!(answer["result"]["status"], status, "{answer}");
}

/// The tag that records that somebody asked for the end.
async fn end_was_asked_for(sim: &Sim) -> bool {
    let state = sim.state().await;
    let tags = state["endpoints"][0]["tags"].as_array().cloned().unwrap_or_default();
    tags.iter().any(|tag| tag["Key"] == "longhaul:ending")
}

#[tokio::test]
async fn over_stdio_a_task_outlives_its_process_and_is_read_by_the_next() {
    let sim = Sim::start(&[]).await;
    let mut first = Setup::sagemaker(&sim).stdio();
    let task = first.task("deploy_jumpstart_model", deployment()).await;
    first.kill().await;

    let mut second = Setup::sagemaker(&sim).without_flags().stdio();
    is("working", &second.get_task(&task).await);
    sim.advance(900).await;
    let done = second.get_task(&task).await;
    is("completed", &done);
    assert_eq!(done["result"]["result"]["isError"], false, "{done}");
    assert_eq!(done["result"]["result"]["structuredContent"]["result"]["status"], "InService", "{done}");
    second.kill().await;

    // Over stays over, for a third as well, and a cancel changes nothing.
    let mut third = Setup::sagemaker(&sim).stdio();
    assert!(third.cancel_task(&task).await["error"].is_null());
    is("completed", &third.get_task(&task).await);
    assert_eq!((sim.created().await, end_was_asked_for(&sim).await), ([1, 1, 1], false));
}

#[tokio::test]
async fn over_stdio_a_cancel_through_a_third_process_is_recorded_and_never_lies() {
    let sim = Sim::start(&["--delete-seconds=600"]).await;
    let mut first = Setup::sagemaker(&sim).stdio();
    let task = first.task("deploy_jumpstart_model", deployment()).await;
    first.kill().await;
    is("working", &Setup::sagemaker(&sim).stdio().get_task(&task).await);

    // SageMaker does not delete what it is creating: the wish is kept, and the task goes on.
    let mut third = Setup::sagemaker(&sim).stdio();
    assert!(third.cancel_task(&task).await["error"].is_null());
    assert!(end_was_asked_for(&sim).await);
    is("working", &third.get_task(&task).await);
    assert_eq!(sim.there().await, [1, 1, 1]);
    let again = third.call("deploy_jumpstart_model", deployment()).await;
    assert_eq!(report(&again)["error"]["code"], "failed_before", "{again}");
    assert_eq!(sim.created().await, [1, 1, 1]);
}

#[tokio::test]
async fn over_stdio_a_cancel_that_takes_ends_the_work_and_then_the_task() {
    let sim = Sim::start(&["--delete-seconds=600"]).await;
    // A word that nobody knows is work under way; SageMaker would delete it.
    let timeline = json!([{ "status": "Creating", "seconds": 1 }, { "status": "Warming" }]);
    sim.script(json!({ "endpoint": "*", "timeline": timeline })).await;
    let mut first = Setup::sagemaker(&sim).stdio();
    let task = first.task("deploy_jumpstart_model", deployment()).await;
    first.kill().await;
    sim.advance(2).await;
    let seen = Setup::sagemaker(&sim).stdio().get_task(&task).await;
    is("working", &seen);
    assert!(seen["result"]["statusMessage"].as_str().unwrap().contains("Warming"), "{seen}");

    let mut third = Setup::sagemaker(&sim).stdio();
    assert!(third.cancel_task(&task).await["error"].is_null());
    assert!(end_was_asked_for(&sim).await);
    is("cancelled", &Setup::sagemaker(&sim).stdio().get_task(&task).await);
    sim.advance(600).await;
    assert_eq!(sim.there().await[0], 0);
}

#[tokio::test]
async fn a_process_that_may_only_read_reads_a_task_and_does_not_cancel_it() {
    let sim = Sim::start(&[]).await;
    let task = Setup::sagemaker(&sim).stdio().task("deploy_jumpstart_model", deployment()).await;
    let mut reader = Setup::sagemaker(&sim).without_flags().stdio();
    is("working", &reader.get_task(&task).await);
    reader.cancel_task(&task).await;
    assert!(!end_was_asked_for(&sim).await);
    reader.process.log.line("tasks/cancel").await;
}

#[tokio::test]
async fn over_stdio_a_task_is_unknown_elsewhere_and_tampered() {
    let sim = Sim::start(&[]).await;
    let task = Setup::sagemaker(&sim).stdio().task("deploy_jumpstart_model", deployment()).await;
    let mut elsewhere = Setup::sagemaker(&sim).env("AWS_REGION", "eu-west-1").stdio();
    is_unknown(&elsewhere.get_task(&task).await);
    is_unknown(&elsewhere.cancel_task(&task).await);
    let mut with_keys = Setup::sagemaker(&sim).env("LONGHAUL_HANDLE_KEYS", KEY).stdio();
    is_unknown(&with_keys.get_task(&task).await);

    let mut here = Setup::sagemaker(&sim).stdio();
    let tampered = format!("{}A", &task[..task.len() - 1]);
    let tampered = if tampered == task { format!("{}B", &task[..task.len() - 1]) } else { tampered };
    for id in [tampered.as_str(), "", "x", "deploy_jumpstart_model~", &task.replacen("deploy_jumpstart", "delete", 1)] {
        is_unknown(&here.get_task(id).await);
    }
    is("working", &here.get_task(&task).await);
    // None of it was asked of AWS: two looks for the start, one for the last get.
    assert_eq!(sim.count("DescribeEndpoint").await, 3);
}

#[tokio::test]
async fn a_task_about_something_that_is_no_more_is_unknown() {
    let sim = Sim::start(&["--create-seconds=0", "--delete-seconds=0"]).await;
    let mut server = Setup::sagemaker(&sim).stdio();
    let task = server.task("deploy_jumpstart_model", deployment()).await;
    is("completed", &server.get_task(&task).await);
    server.call("delete_sagemaker_endpoint", json!({ "endpoint_name": "shared", "confirm": "shared" })).await;
    server.call("deploy_jumpstart_model", deployment()).await;
    // A namesake took its place.
    is_unknown(&server.get_task(&task).await);
}

async fn replica(sim: &Sim, keys: &str) -> Http {
    Setup::sagemaker(sim).env("LONGHAUL_HANDLE_KEYS", keys).http().await
}

#[tokio::test]
async fn over_http_replicas_with_the_same_key_share_every_task() {
    let sim = Sim::start(&[]).await;
    let (mut first, second, third) = (replica(&sim, KEY).await, replica(&sim, KEY).await, replica(&sim, KEY).await);
    let task = first.task("deploy_jumpstart_model", deployment()).await;
    first.process.kill().await;
    is("working", &second.get_task(&task).await);
    assert!(third.cancel_task(&task).await["error"].is_null());
    assert!(end_was_asked_for(&sim).await);
    sim.advance(900).await;
    is("completed", &second.get_task(&task).await);
    is("completed", &third.get_task(&task).await);
    assert_eq!(sim.created().await, [1, 1, 1]);
}

#[tokio::test]
async fn over_http_a_key_can_be_rotated_and_another_key_opens_nothing() {
    let sim = Sim::start(&[]).await;
    let task = replica(&sim, KEY).await.task("deploy_jumpstart_model", deployment()).await;
    let rotated = OTHER.replacen("k1", "k2", 1);
    is("working", &replica(&sim, &format!("{rotated},{KEY}")).await.get_task(&task).await);
    is_unknown(&replica(&sim, &rotated).await.get_task(&task).await);
    // The same id of a key, but another key.
    let forger = replica(&sim, OTHER).await;
    is_unknown(&forger.get_task(&task).await);
    is_unknown(&forger.cancel_task(&task).await);
    assert!(!end_was_asked_for(&sim).await);
    let elsewhere = Setup::sagemaker(&sim).env("LONGHAUL_HANDLE_KEYS", KEY).env("AWS_REGION", "eu-west-1").http().await;
    is_unknown(&elsewhere.get_task(&task).await);
}

#[tokio::test]
async fn over_http_without_keys_there_are_no_tasks_but_the_work_is_started_all_the_same() {
    let sim = Sim::start(&["--create-seconds=0"]).await;
    let server = Setup::sagemaker(&sim).http().await;
    let answer = server.call(Era::Tasks, "deploy_jumpstart_model", deployment()).await;
    assert_eq!((&answer["result"]["resultType"], &report(&answer)["state"]), (&json!("complete"), &json!("succeeded")));
    // Not even the method is there.
    assert_eq!(server.get_task("deploy_jumpstart_model~rs1.x.y").await["error"]["code"], -32601);
}

#[tokio::test]
async fn a_legacy_client_that_declares_tasks_gets_a_report_and_no_task() {
    let sim = Sim::start(&["--create-seconds=0"]).await;
    let mut server = Setup::sagemaker(&sim).stdio().speaking(Era::Legacy).await;
    let answer = server.call("deploy_jumpstart_model", deployment()).await;
    assert_eq!(report(&answer)["state"], "succeeded", "{answer}");
    assert!(answer["result"].get("taskId").is_none(), "{answer}");
}

/// `sagemaker-mcp` knows only one caller as yet; the engine and the shell know several.
#[tokio::test]
async fn another_principal_does_not_know_the_task() {
    let fragile = Setup::of(binaries::program("fragile-mcp")).env("LONGHAUL_HANDLE_KEYS", KEY).flag("--allow-write");
    let (one, other) = (fragile.http().await, fragile.http().await);
    let call = json!({ "name": "drop_vase", "arguments": {} });
    let call = longhaul_e2e::wire::request(Era::Tasks, 1, "tools/call", call);
    let made = one.post(&call, &[("x-principal", "alice")]).await;
    let id = made.messages[0]["result"]["taskId"].clone();
    let get = longhaul_e2e::wire::request(Era::Tasks, 2, "tasks/get", json!({ "taskId": id }));
    is("working", &other.post(&get, &[("x-principal", "alice")]).await.messages[0]);
    is_unknown(&other.post(&get, &[("x-principal", "mallory")]).await.messages[0]);
    is_unknown(&one.post(&get, &[]).await.messages[0]);
}
