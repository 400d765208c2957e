//! `kill -9` at every step, and the same call again from another process.

use longhaul_e2e::{Setup, Sim, Stdio, report};
use serde_json::{Value, json};

const ENDPOINT: &str = "it-lives-on";

fn deployment() -> Value {
    json!({ "model_id": "sim-ic-mobilenet", "endpoint_name": ENDPOINT, "wait_seconds": 0 })
}

fn removal() -> Value {
    json!({ "endpoint_name": ENDPOINT, "confirm": ENDPOINT })
}

/// Where a process dies.
#[derive(Clone, Copy)]
pub(crate) enum Death {
    /// While its request for this is on the way.
    Before(&'static str),
    /// The same, when it has asked for it so many times already.
    BeforeNext(&'static str, u64),
    /// After the request was carried out, and before it knows.
    After(&'static str),
}

impl Death {
    /// Lets `server` begin a call and kills it where it shall die.
    pub(crate) async fn befalls(self, sim: &Sim, mut server: Stdio, tool: &str, arguments: Value) {
        let (op, skip) = match self {
            Self::Before(op) => (op, 0),
            Self::BeforeNext(op, already) => (op, already),
            Self::After(op) => {
                sim.fault(json!({ "op": op, "kind": "commit_then_reset" })).await;
                (op, 0)
            }
        };
        sim.fault(json!({ "op": op, "kind": "hang", "skip": skip, "times": -1 })).await;
        server.begin(tool, arguments).await;
        sim.holds(op).await;
        server.kill().await;
        sim.clear_faults().await;
    }
}

/// A deployment whose process dies is carried on by the same call, by its task, and by its name,
/// each from a process that knows nothing of the others.
async fn deploy_survives(death: Death) {
    let sim = Sim::start(&["--delete-seconds=0"]).await;
    death.befalls(&sim, Setup::sagemaker(&sim).stdio(), "deploy_jumpstart_model", deployment()).await;
    is_carried_on(&sim, deployment()).await;
}

/// The same, where the model's version leads to the bucket in place of the hub.
async fn deploy_by_pattern_survives(death: Death) {
    let sim = Sim::start(&["--delete-seconds=0"]).await;
    let mut deployment = deployment();
    deployment["model_version"] = json!("2.*");
    death.befalls(&sim, Setup::sagemaker(&sim).stdio(), "deploy_jumpstart_model", deployment.clone()).await;
    is_carried_on(&sim, deployment).await;
}

/// The same, where a process dies that only joined.
async fn join_survives(death: Death) {
    let sim = Sim::start(&["--delete-seconds=0"]).await;
    Setup::sagemaker(&sim).stdio().call("deploy_jumpstart_model", deployment()).await;
    death.befalls(&sim, Setup::sagemaker(&sim).stdio(), "deploy_jumpstart_model", deployment()).await;
    is_carried_on(&sim, deployment()).await;
}

async fn is_carried_on(sim: &Sim, deployment: Value) {
    let server = || Setup::sagemaker(sim).stdio();
    let mut second = server();
    let task = second.task("deploy_jumpstart_model", deployment.clone()).await;
    second.kill().await;

    let mut third = server();
    let seen = third.get_task(&task).await;
    assert_eq!(seen["result"]["status"], "working", "{seen}");
    sim.advance(900).await;
    let seen = third.get_task(&task).await;
    let result = &seen["result"]["result"]["structuredContent"];
    assert_eq!((&seen["result"]["status"], &result["state"]), (&json!("completed"), &json!("succeeded")), "{seen}");

    let waited = server().call("wait_sagemaker_endpoint", json!({ "endpoint_name": ENDPOINT })).await;
    assert_eq!(report(&waited)["state"], "succeeded", "{waited}");
    let joined = server().call("deploy_jumpstart_model", deployment).await;
    assert_eq!(report(&joined)["state"], "succeeded", "{joined}");
    assert_eq!((sim.created().await, sim.there().await), ([1, 1, 1], [1, 1, 1]));

    let removed = server().call("delete_sagemaker_endpoint", removal()).await;
    assert_eq!(report(&removed)["state"], "succeeded", "{removed}");
    assert_eq!((sim.created().await, sim.there().await), ([1, 1, 1], [0, 0, 0]));
}

/// A removal whose process dies is finished by the same call from another one.
async fn delete_survives(death: Death) {
    let sim = Sim::start(&["--create-seconds=0", "--delete-seconds=0"]).await;
    let mut first = Setup::sagemaker(&sim).stdio();
    let deployed = first.call("deploy_jumpstart_model", deployment()).await;
    assert_eq!(report(&deployed)["state"], "succeeded", "{deployed}");
    death.befalls(&sim, first, "delete_sagemaker_endpoint", removal()).await;

    let removed = Setup::sagemaker(&sim).stdio().call("delete_sagemaker_endpoint", removal()).await;
    assert_eq!(report(&removed)["state"], "succeeded", "{removed}");
    assert_eq!((sim.created().await, sim.there().await), ([1, 1, 1], [0, 0, 0]));
}

macro_rules! each {
    ($story:ident: $($name:ident $death:expr;)*) => { $(
        #[tokio::test]
        async fn $name() {
            $story($death).await;
        }
    )* };
}

mod deploy {
    use super::{Death::*, deploy_by_pattern_survives, deploy_survives, join_survives};

    each! { deploy_survives:
        killed_while_it_looks_for_the_name Before("DescribeEndpoint");
        killed_while_it_reads_the_model_document Before("DescribeHubContent");
        killed_while_it_asks_who_it_is Before("GetCallerIdentity");
        killed_while_it_looks_for_a_role Before("ListRoles");
        killed_before_the_model Before("CreateModel");
        killed_after_the_model After("CreateModel");
        killed_before_the_configuration Before("CreateEndpointConfig");
        killed_after_the_configuration After("CreateEndpointConfig");
        killed_while_it_looks_at_the_configuration Before("DescribeEndpointConfig");
        killed_before_the_endpoint Before("CreateEndpoint");
        killed_after_the_endpoint After("CreateEndpoint");
        killed_while_it_looks_for_the_new_endpoint BeforeNext("DescribeEndpoint", 1);
        killed_while_it_follows BeforeNext("DescribeEndpoint", 2);
    }

    each! { deploy_by_pattern_survives:
        killed_while_it_reads_the_manifest Before("GetObject");
        killed_while_it_reads_the_models_own_document BeforeNext("GetObject", 1);
    }

    each! { join_survives:
        killed_while_it_looks_for_what_it_joins Before("DescribeEndpoint");
        killed_while_it_reads_the_tags_of_what_it_joins Before("ListTags");
        killed_while_it_follows_what_it_joins BeforeNext("DescribeEndpoint", 1);
    }
}

mod delete {
    use super::{Death::*, delete_survives};

    each! { delete_survives:
        killed_while_it_looks_for_the_endpoint Before("DescribeEndpoint");
        killed_while_it_lists_configurations Before("ListEndpointConfigs");
        killed_while_it_lists_models Before("ListModels");
        killed_while_it_reads_tags Before("ListTags");
        killed_before_the_intention_is_recorded Before("AddTags");
        killed_after_the_intention_is_recorded After("AddTags");
        killed_before_the_endpoint Before("DeleteEndpoint");
        killed_after_the_endpoint After("DeleteEndpoint");
        killed_while_it_follows BeforeNext("DescribeEndpoint", 1);
        killed_while_it_looks_what_remains Before("DescribeEndpointConfig");
        killed_while_it_looks_for_the_model Before("DescribeModel");
        killed_before_the_configuration Before("DeleteEndpointConfig");
        killed_after_the_configuration After("DeleteEndpointConfig");
        killed_before_the_model Before("DeleteModel");
        killed_after_the_model After("DeleteModel");
    }
}

/// SageMaker takes its time; meanwhile the process dies.
#[tokio::test]
async fn killed_while_sagemaker_deletes() {
    let sim = Sim::start(&["--create-seconds=0", "--delete-seconds=600"]).await;
    let mut first = Setup::sagemaker(&sim).stdio();
    first.call("deploy_jumpstart_model", deployment()).await;
    Death::BeforeNext("DescribeEndpoint", 2).befalls(&sim, first, "delete_sagemaker_endpoint", removal()).await;

    let mut second = Setup::sagemaker(&sim).stdio();
    let mut removal = removal();
    removal["wait_seconds"] = json!(0);
    let bounded = second.call("delete_sagemaker_endpoint", removal.clone()).await;
    let bounded = report(&bounded);
    assert_eq!((&bounded["state"], &bounded["phase"]), (&json!("running"), &json!("Deleting")), "{bounded}");
    assert_eq!((sim.there().await, sim.count("DeleteEndpoint").await), ([1, 1, 1], 1));
    sim.advance(600).await;
    // `next` alone leads to the end.
    let next = &bounded["next"];
    let removed = second.call(next["tool"].as_str().unwrap(), next["arguments"].clone()).await;
    assert_eq!(report(&removed)["state"], "succeeded", "{removed}");
    assert_eq!(sim.there().await, [0, 0, 0]);
}

/// A process that dies after a deployment was marked for its end leaves no start that joins it.
#[tokio::test]
async fn a_start_does_not_join_what_somebody_began_to_remove() {
    let sim = Sim::start(&["--create-seconds=0", "--delete-seconds=0"]).await;
    let mut first = Setup::sagemaker(&sim).stdio();
    first.call("deploy_jumpstart_model", deployment()).await;
    Death::After("AddTags").befalls(&sim, first, "delete_sagemaker_endpoint", removal()).await;

    let mut second = Setup::sagemaker(&sim).stdio();
    let answer = second.call("deploy_jumpstart_model", deployment()).await;
    let report = report(&answer);
    assert_eq!(
        (&report["error"]["code"], &report["next"]["tool"]),
        (&json!("failed_before"), &json!("delete_sagemaker_endpoint")),
        "{report}"
    );
    // Exactly as it was told.
    let next = report["next"]["arguments"].clone();
    let removed = second.call("delete_sagemaker_endpoint", next).await;
    assert_eq!((longhaul_e2e::report(&removed)["state"].as_str(), sim.there().await), (Some("succeeded"), [0, 0, 0]));
}

/// Whoever lost the answer of a start finds it in the list, with the call that goes on.
#[tokio::test]
async fn a_new_conversation_finds_what_a_dead_process_started() {
    let sim = Sim::start(&[]).await;
    Death::BeforeNext("DescribeEndpoint", 2)
        .befalls(&sim, Setup::sagemaker(&sim).stdio(), "deploy_jumpstart_model", deployment())
        .await;
    let mut second = Setup::sagemaker(&sim).without_flags().stdio();
    let listed = second.call("list_sagemaker_endpoints", json!({})).await;
    let line = &report(&listed)["result"]["endpoints"][0];
    assert_eq!((&line["endpoint_name"], &line["status"]), (&json!(ENDPOINT), &json!("Creating")), "{line}");
    sim.advance(900).await;
    let next = &line["next"];
    let waited = second.call(next["tool"].as_str().unwrap(), next["arguments"].clone()).await;
    assert_eq!(report(&waited)["state"], "succeeded", "{waited}");
}
