//! Tasks: what ending one does and, above all, does not do.

use std::sync::Arc;

use longhaul::mcp::{Sealer, Settings};
use rmcp::{
    ClientHandler, RoleClient, ServiceExt,
    model::{
        CallToolRequestParams, CallToolResponse, CancelTaskParams, ClientCapabilities, ClientConfig, GetTaskParams,
        ProtocolVersion,
    },
    service::{ClientLifecycleMode, ClientServiceExt, RunningService},
};
use serde_json::{Value, json};

use crate::{
    deploy::{DEPLOY, oak, oak_and},
    desk::{Desk, all, config},
    fake::{Fake, Show, stages},
};

/// A client that declares the tasks extension.
struct Caller;

impl ClientHandler for Caller {
    fn get_info(&self) -> ClientConfig {
        let mut info = ClientConfig::default();
        info.capabilities = ClientCapabilities::builder().enable_tasks().build();
        info
    }
}

struct Tasks(RunningService<RoleClient, Caller>);

impl Tasks {
    async fn at(fake: &Arc<Fake>) -> Self {
        let sealer = Sealer::new(vec![("k".into(), b"a key that every replica has, 32".to_vec())]).unwrap();
        let settings = Settings { sealer: Some(sealer), ..all() };
        let server = sagemaker_mcp::server(fake.clone(), &config(), settings);
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        tokio::spawn(async move {
            if let Ok(serving) = server.serve(ours).await {
                let _ = serving.waiting().await;
            }
        });
        let modern = ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] };
        Self(Caller.serve_with_lifecycle(theirs, modern).await.unwrap())
    }

    /// Begins a task; its id.
    async fn begin(&self, tool: &str, arguments: Value) -> String {
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments.as_object().unwrap().clone());
        let CallToolResponse::Task(task) = self.0.call_tool_once(params).await.unwrap() else { panic!("no task") };
        task.task.task_id
    }

    /// Ends a task; what was changed by that.
    async fn cancel(&self, fake: &Fake, id: &str) -> Vec<String> {
        let before = fake.writes().len();
        self.0.cancel_task(CancelTaskParams::new(id.to_owned())).await.unwrap();
        fake.writes()[before..].iter().map(|write| write.split(' ').next().unwrap().to_owned()).collect()
    }

    async fn state(&self, id: &str) -> Value {
        serde_json::to_value(self.0.get_task(GetTaskParams::new(id.to_owned())).await.unwrap()).unwrap()
    }
}

/// An endpoint that somebody else has deployed by the same call, and that lives so from now on.
async fn joined(show: Show) -> (Desk, Tasks, String) {
    let desk = Desk::open(Fake::new()).await;
    desk.call(DEPLOY, oak()).await;
    let tasks = Tasks::at(&desk.fake).await;
    desk.fake.state().endpoints.get_mut("oak").unwrap().show = show;
    let id = tasks.begin(DEPLOY, oak()).await;
    (desk, tasks, id)
}

#[tokio::test(start_paused = true)]
async fn the_task_of_a_deployment_ends_in_its_report() {
    let fake = Arc::new(Fake::new());
    let tasks = Tasks::at(&fake).await;
    let id = tasks.begin(DEPLOY, oak()).await;
    assert_eq!(tasks.state(&id).await["status"], "working");
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    let over = tasks.state(&id).await;
    let report = &over["result"]["structuredContent"];
    assert_eq!((&over["status"], &report["state"]), (&json!("completed"), &json!("succeeded")));
}

#[tokio::test(start_paused = true)]
async fn ending_the_task_that_created_an_endpoint_ends_the_endpoint() {
    let fake = Arc::new(Fake::new());
    let tasks = Tasks::at(&fake).await;
    let id = tasks.begin(DEPLOY, oak()).await;
    assert_eq!(tasks.cancel(&fake, &id).await, ["AddTags", "DeleteEndpoint"]);
}

#[tokio::test(start_paused = true)]
async fn ending_the_task_of_a_joined_endpoint_that_is_in_service_changes_nothing() {
    let (desk, tasks, id) = joined(stages(&[(0, "InService")])).await;
    assert_eq!(tasks.cancel(&desk.fake, &id).await, [""; 0]);
    assert_eq!(desk.fake.remains().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn ending_the_task_of_a_joined_endpoint_in_whatever_state_changes_nothing() {
    for status in ["Updating", "SystemUpdating", "RollingBack", "SomeNewState", "", "OutOfService", "Failed"] {
        let (desk, tasks, id) = joined(stages(&[(0, "InService")])).await;
        desk.fake.state().endpoints.get_mut("oak").unwrap().show = Arc::new(|_, seen| seen.status = status.into());
        assert_eq!(tasks.cancel(&desk.fake, &id).await, [""; 0], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn ending_the_task_of_an_endpoint_that_has_served_since_changes_nothing() {
    for status in ["Updating", "SystemUpdating", "RollingBack"] {
        let fake = Arc::new(Fake::new());
        let tasks = Tasks::at(&fake).await;
        let id = tasks.begin(DEPLOY, oak()).await;
        tokio::time::sleep(std::time::Duration::from_secs(7200)).await;
        fake.state().endpoints.get_mut("oak").unwrap().show = Arc::new(|_, seen| seen.status = status.into());
        assert_eq!(tasks.cancel(&fake, &id).await, [""; 0], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn ending_the_task_of_an_update_deletes_nothing() {
    let desk = Desk::open(Fake::new()).await;
    desk.watch(DEPLOY, oak()).await;
    let tasks = Tasks::at(&desk.fake).await;
    let id = tasks.begin("update_sagemaker_endpoint", oak_and(json!({"instance_type": "ml.c5.xlarge"}))).await;
    assert_eq!(tasks.state(&id).await["status"], "working");
    assert_eq!(tasks.cancel(&desk.fake, &id).await, [""; 0]);
    tokio::time::sleep(std::time::Duration::from_secs(300)).await;
    let over = tasks.state(&id).await;
    assert_eq!(over["result"]["structuredContent"]["state"], "succeeded", "and it goes on: {over}");
}

#[tokio::test(start_paused = true)]
async fn ending_the_task_of_a_wait_or_of_a_change_of_instances_changes_nothing() {
    let desk = Desk::open(Fake::new()).await;
    desk.watch(DEPLOY, oak()).await;
    let tasks = Tasks::at(&desk.fake).await;
    for (tool, arguments) in [
        ("scale_sagemaker_endpoint", json!({"endpoint_name": "oak", "instance_count": 3})),
        ("wait_sagemaker_endpoint", json!({"endpoint_name": "oak"})),
    ] {
        let id = tasks.begin(tool, arguments).await;
        assert_eq!(tasks.cancel(&desk.fake, &id).await, [""; 0], "{tool}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_iam_refuses_takes_its_mark_back() {
    let fake = Arc::new(Fake::new().denied("DeleteEndpoint"));
    let tasks = Tasks::at(&fake).await;
    let id = tasks.begin(DEPLOY, oak()).await;
    assert_eq!(tasks.cancel(&fake, &id).await, ["AddTags", "DeleteEndpoint", "RemoveTag"]);
    assert_eq!(tasks.state(&id).await["status"], "working");
    assert_eq!(Desk::open_at(&fake).await.watch(DEPLOY, oak()).await.state(), "succeeded", "no mark is in the way");
}
