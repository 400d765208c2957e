//! `update_sagemaker_endpoint`: changes what an endpoint serves, once, and tells truthfully what
//! it serves in the end.

use std::{sync::Arc, time::Duration};

use sagemaker_mcp::names;
use serde_json::{Value, json};

use crate::{
    deploy::{DEPLOY, oak, oak_and},
    desk::{Desk, Told},
    fake::{Fake, Show, stages},
};

const UPDATE: &str = "update_sagemaker_endpoint";

/// To another type.
fn wanted() -> Value {
    oak_and(json!({"instance_type": "ml.c5.xlarge"}))
}

/// An endpoint that this server has deployed, an hour ago.
async fn deployed() -> Desk {
    let desk = Desk::open(Fake::new()).await;
    assert_eq!(desk.watch(DEPLOY, oak()).await.state(), "succeeded");
    tokio::time::sleep(Duration::from_secs(3000)).await;
    desk
}

/// What was changed since the deployment.
fn steps(desk: &Desk) -> Vec<String> {
    desk.fake.writes()[3..].iter().map(|write| write.split(' ').next().unwrap().to_owned()).collect()
}

/// The configuration that it serves.
fn served(desk: &Desk) -> Value {
    let sent = desk.fake.state().sent.clone();
    let configs = sent.iter().filter(|(doing, _)| *doing == "CreateEndpointConfig");
    configs.map(|(_, request)| request["EndpointConfigName"].clone()).next_back().unwrap()
}

/// Updates what stands so in the way that nothing is changed.
async fn refused(desk: &Desk, code: &str, next: &str) -> Told {
    let before = desk.fake.writes().len();
    let told = desk.watch(UPDATE, wanted()).await;
    assert_eq!((told.state(), told.code(), told.next().0), ("failed", code, next), "{told:?}");
    assert_eq!(desk.fake.writes().len(), before);
    told
}

/// Deployed, and shown so from then on.
async fn shown(show: Show) -> Desk {
    let desk = deployed().await;
    desk.fake.state().endpoints.get_mut("oak").unwrap().show = show;
    desk
}

const IN_ORDER: [&str; 3] = ["CreateModel", "CreateConfig", "UpdateEndpoint"];

#[tokio::test(start_paused = true)]
async fn an_update_is_followed_until_what_is_wanted_serves() {
    let desk = deployed().await;
    let told = desk.watch(UPDATE, wanted()).await;
    assert_eq!((told.state(), told.at, steps(&desk)), ("succeeded", 3900, IN_ORDER.map(str::to_owned).to_vec()));
    assert_eq!(told.report["result"]["deployment_time_minutes"], 5.0, "of the update, not of the endpoint");
    let described = desk.call("describe_sagemaker_endpoint", json!({"endpoint_name": "oak"})).await;
    assert_eq!(described.report["result"]["endpoint_config_name"], served(&desk));
    assert_eq!(described.report["result"]["instance_types"], json!(["ml.c5.xlarge"]));
    assert!(desk.progress().iter().any(|(_, _, told)| told.starts_with("oak: Updating")));
}

#[tokio::test(start_paused = true)]
async fn the_same_call_again_joins_and_updates_nothing() {
    let desk = deployed().await;
    for _ in 0..3 {
        let told = desk.call(UPDATE, wanted()).await;
        assert_eq!((told.state(), told.next().0), ("running", "wait_sagemaker_endpoint"), "{told:?}");
    }
    assert_eq!(desk.watch(UPDATE, wanted()).await.state(), "succeeded");
    assert_eq!(desk.watch(UPDATE, wanted()).await.state(), "succeeded", "and joins what serves it");
    assert_eq!(steps(&desk), IN_ORDER);
}

#[tokio::test(start_paused = true)]
async fn the_wait_that_a_running_update_names_sees_it_through() {
    for rolls_back in [false, true] {
        let desk = deployed().await;
        desk.fake.state().rolls_back = rolls_back;
        let told = desk.call(UPDATE, wanted()).await;
        assert_eq!(
            (told.next().0, told.next().1["endpoint_config_name"].clone()),
            ("wait_sagemaker_endpoint", served(&desk))
        );
        assert_eq!(desk.go_on(&told).await.state(), if rolls_back { "failed" } else { "succeeded" });
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_rolled_back_to_in_service_is_a_failure() {
    let desk = deployed().await;
    desk.fake.state().rolls_back = true;
    desk.fake.state().changed = stages(&[(0, "Updating"), (200, "RollingBack"), (400, "InService")]);
    let told = desk.watch(UPDATE, wanted()).await;
    assert_eq!((told.state(), told.code(), told.is_error, told.at), ("failed", "operation_failed", true, 4020));
    assert_eq!((told.text("/error/status"), told.next().0), ("InService", "describe_sagemaker_endpoint"));
    assert!(told.sentence.contains("the update did not come through"), "{}", told.sentence);
    assert!(told.advises("goes on serving") && !told.advises("Delete"), "{told:?}");
    let progress = desk.progress();
    assert!(progress.iter().any(|(_, _, told)| told.contains("is being taken back")), "{progress:?}");
}

#[tokio::test(start_paused = true)]
async fn an_update_that_was_rolled_back_can_be_made_again() {
    let desk = deployed().await;
    desk.fake.state().rolls_back = true;
    assert_eq!(desk.watch(UPDATE, wanted()).await.state(), "failed");
    desk.fake.state().rolls_back = false;
    assert_eq!(desk.watch(UPDATE, wanted()).await.state(), "succeeded");
    assert_eq!(desk.fake.asked("UpdateEndpoint").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_is_not_visible_at_first_is_no_failure() {
    for unseen in [1, 29, 55] {
        let desk = deployed().await;
        desk.fake.state().unseen = Duration::from_secs(unseen);
        let told = desk.watch(UPDATE, wanted()).await;
        assert_eq!((told.state(), told.at), ("succeeded", 3900), "{unseen}");
        assert_eq!(steps(&desk), IN_ORDER);
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_whose_answer_is_lost_is_not_made_twice() {
    for unseen in [0, 40] {
        let desk = deployed().await;
        desk.fake.state().lost = Some("UpdateEndpoint");
        desk.fake.state().unseen = Duration::from_secs(unseen);
        let told = desk.watch(UPDATE, wanted()).await;
        assert_eq!(told.state(), "succeeded", "{told:?}");
        let made = desk.fake.state().endpoints["oak"].changes();
        assert_eq!(made, 1, "{unseen}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_dies_after_the_update_finds_it_by_the_same_call() {
    let desk = deployed().await;
    desk.fake.state().lost = Some("UpdateEndpoint");
    let mut call = wanted();
    call["wait_seconds"] = json!(0);
    assert_eq!(desk.call(UPDATE, call).await.state(), "running");
    let another = Desk::open_at(&desk.fake).await;
    let told = another.watch(UPDATE, wanted()).await;
    assert_eq!((told.state(), desk.fake.asked("UpdateEndpoint").len()), ("succeeded", 1));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_being_created_or_updated_is_refused_for_now() {
    for status in ["Creating", "Updating", "SystemUpdating", "RollingBack", "SomeNewState"] {
        let desk = shown(Arc::new(move |seconds, seen| {
            seen.status = if seconds < 5000 { status } else { "InService" }.into();
        }))
        .await;
        let told = refused(&desk, "not_yet", "wait_sagemaker_endpoint").await;
        assert_eq!((told.text("/error/status"), &told.report["error"]["retryable"]), (status, &json!(true)));
        assert_eq!(desk.go_on(&told).await.state(), "succeeded", "the call that it names works");
        assert_eq!(desk.watch(UPDATE, wanted()).await.state(), "succeeded", "and so does this one then");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_has_failed_is_refused_with_the_call_that_clears_it() {
    let desk = shown(stages(&[(0, "Failed")])).await;
    let told = refused(&desk, "failed_before", "delete_sagemaker_endpoint").await;
    assert!(told.sentence.contains("cannot be updated"), "{}", told.sentence);
}

#[tokio::test(start_paused = true)]
async fn one_whose_end_was_asked_for_is_refused() {
    let desk = deployed().await;
    let mark = (names::TAG_ENDING.to_owned(), "2026-11-20T10:00:00Z".to_owned());
    desk.fake.state().endpoints.get_mut("oak").unwrap().tags.extend([mark]);
    let told = refused(&desk, "failed_before", "delete_sagemaker_endpoint").await;
    assert!(told.sentence.contains("was asked for at 2026-11-20T10:00:00Z"), "{}", told.sentence);
    let desk = shown(stages(&[(0, "Deleting")])).await;
    refused(&desk, "failed_before", "delete_sagemaker_endpoint").await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_there_is_refused_with_the_list() {
    let desk = Desk::open(Fake::new()).await;
    refused(&desk, "not_found", "list_sagemaker_endpoints").await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_out_of_service_or_stuck_is_mended_by_an_update() {
    for status in ["OutOfService", "UpdateRollbackFailed"] {
        let desk = shown(Arc::new(move |_, seen| seen.status = status.into())).await;
        assert_eq!(desk.watch(UPDATE, wanted()).await.state(), "succeeded", "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_needs_the_name_of_an_endpoint_and_what_a_start_needs() {
    let desk = deployed().await;
    for (wrong, code) in [
        (json!({"endpoint_name": null}), "invalid_argument"),
        (json!({"endpoint_name": " "}), "invalid_argument"),
        (json!({"instance_type": "ml.p5.48xlarge"}), "invalid_argument"),
        (json!({"model_id": "no-such-model"}), "not_found"),
    ] {
        assert_eq!(desk.watch(UPDATE, oak_and(wrong.clone())).await.code(), code, "{wrong}");
    }
    assert_eq!(steps(&desk).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_served_before_an_update_is_removed_with_the_endpoint() {
    let desk = deployed().await;
    desk.watch(UPDATE, wanted()).await;
    assert_eq!(desk.fake.remains().len(), 5);
    let told = desk.watch("delete_sagemaker_endpoint", json!({"endpoint_name": "oak", "confirm": "oak"})).await;
    assert_eq!((told.state(), desk.fake.remains()), ("succeeded", vec![]));
}
