//! The same through rmcp's own client: it judges types and transports as a client does.

use std::collections::BTreeMap;

use longhaul_e2e::{Setup, Sim};
use rmcp::{
    RoleClient, ServiceExt,
    model::{
        CallToolRequestParams, CallToolResponse, ClientCapabilities, ClientConfig, GetTaskParams, Implementation,
        ProtocolVersion, TaskPayload,
    },
    service::{ClientLifecycleMode, ClientServiceExt, RunningService},
    transport::{StreamableHttpClientTransport, TokioChildProcess},
};
use serde_json::{Value, json};

const KEY: &str = "k1:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

type Client = RunningService<RoleClient, ClientConfig>;

fn config() -> ClientConfig {
    ClientConfig::new(ClientCapabilities::builder().enable_tasks().build(), Implementation::new("e2e", "1"))
}

fn modern() -> ClientLifecycleMode {
    ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] }
}

async fn over_stdio(setup: &Setup) -> Client {
    let transport = TokioChildProcess::new(setup.command()).unwrap();
    config().serve_with_lifecycle(transport, modern()).await.unwrap()
}

fn call(tool: &'static str, arguments: &Value) -> CallToolRequestParams {
    CallToolRequestParams::new(tool).with_arguments(arguments.as_object().unwrap().clone())
}

#[tokio::test]
async fn a_task_made_over_stdio_is_read_over_http() {
    let sim = Sim::start(&[]).await;
    let setup = Setup::sagemaker(&sim).env("LONGHAUL_HANDLE_KEYS", KEY);
    let first = over_stdio(&setup).await;
    let deployment = json!({ "model_id": "sim-ic-mobilenet" });
    let made = first.call_tool_once(call("deploy_jumpstart_model", &deployment)).await.unwrap();
    let CallToolResponse::Task(made) = made else { panic!("no task: {made:?}") };
    let id = made.task.task_id.clone();
    first.cancel().await.unwrap();

    let server = setup.http().await;
    let transport = StreamableHttpClientTransport::from_uri(server.url());
    let second = config().serve_with_lifecycle(transport, modern()).await.unwrap();
    let seen = second.get_task(GetTaskParams::new(id.clone())).await.unwrap();
    assert!(matches!(seen.task.payload, TaskPayload::Working), "{seen:?}");
    sim.advance(900).await;
    let seen = second.get_task(GetTaskParams::new(id)).await.unwrap();
    let TaskPayload::Completed { result } = seen.task.payload else { panic!("{seen:?}") };
    assert_eq!(result["structuredContent"]["state"], "succeeded");
    second.cancel().await.unwrap();
}

#[tokio::test]
async fn a_client_of_each_era_lists_and_calls_over_both_transports() {
    let sim = Sim::start(&["--create-seconds=0"]).await;
    let setup = Setup::sagemaker(&sim);
    let server = setup.http().await;
    let http = || StreamableHttpClientTransport::from_uri(server.url());
    let pipes = || TokioChildProcess::new(setup.command()).unwrap();
    let clients = BTreeMap::from([
        ("legacy http", config().serve(http()).await.unwrap()),
        ("modern http", config().serve_with_lifecycle(http(), modern()).await.unwrap()),
        ("legacy stdio", config().serve(pipes()).await.unwrap()),
        ("modern stdio", config().serve_with_lifecycle(pipes(), modern()).await.unwrap()),
    ]);
    for (name, client) in clients {
        assert_eq!(client.list_all_tools().await.unwrap().len(), 17, "{name}");
        let listed = client.call_tool(call("list_sagemaker_endpoints", &json!({}))).await.unwrap();
        assert_eq!(listed.is_error, Some(false), "{name}: {listed:?}");
        let wrong = client.call_tool(call("list_sagemaker_endpoints", &json!({ "max_results": -1 }))).await.unwrap();
        assert_eq!(wrong.is_error, Some(true), "{name}: {wrong:?}");
        assert!(client.call_tool(call("no_such_tool", &json!({}))).await.is_err(), "{name}");
        client.cancel().await.unwrap();
    }
}
