//! `delete_sagemaker_endpoint`: endpoint, then configuration, then model; what cannot go yet is
//! waited for, and what is not ours stays.

use std::{sync::Arc, time::Duration};

use longhaul::{mcp::Settings, tool::Class};
use serde_json::{Value, json};

use crate::{
    deploy::{DEPLOY, oak},
    desk::{Desk, Told, config},
    fake::{Fake, Show, aws, stages},
};

const DELETE: &str = "delete_sagemaker_endpoint";

fn confirmed() -> Value {
    json!({"endpoint_name": "oak", "confirm": "oak"})
}

fn dry_run() -> Value {
    json!({"endpoint_name": "oak", "dry_run": true})
}

/// An endpoint that this server has made, which now lives so.
async fn deployed(show: Show) -> Desk {
    let fake = Fake::new();
    fake.state().show = show;
    let desk = Desk::open(fake).await;
    desk.call(DEPLOY, oak()).await;
    desk
}

/// The first words of what was changed since the deployment.
fn steps(desk: &Desk) -> Vec<String> {
    desk.fake.writes()[3..].iter().map(|write| write.split(' ').next().unwrap().to_owned()).collect()
}

/// Deletes with progress what lives so, to the end.
async fn check(show: Show) -> (Desk, Told) {
    let desk = deployed(show).await;
    let told = desk.watch(DELETE, confirmed()).await;
    (desk, told)
}

const IN_ORDER: [&str; 4] = ["AddTags", "DeleteEndpoint", "DeleteConfig", "DeleteModel"];

#[tokio::test(start_paused = true)]
async fn an_endpoint_goes_first_then_its_configuration_then_its_model() {
    let (desk, told) = check(stages(&[(0, "InService")])).await;
    assert_eq!((told.state(), told.is_error, told.at), ("succeeded", false, 60));
    assert_eq!((told.text("/result/status"), told.sentence.as_str()), ("Deleted", "Nothing of oak is there any more."));
    assert_eq!((steps(&desk), desk.fake.remains()), (IN_ORDER.map(str::to_owned).to_vec(), vec![]));
}

#[tokio::test(start_paused = true)]
async fn whatever_can_be_deleted_is_deleted_words_that_nobody_knows_included() {
    for status in
        ["InService", "Failed", "OutOfService", "UpdateRollbackFailed", "Updating", "RollingBack", "SomeNewState", ""]
    {
        let (desk, told) = check(Arc::new(|_, seen| seen.status = status.into())).await;
        assert_eq!((told.state(), desk.fake.remains()), ("succeeded", vec![]), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_being_created_is_waited_for_while_the_call_is_open_and_then_deleted() {
    for status in ["Creating", "SystemUpdating"] {
        let show: Show =
            Arc::new(move |seconds, seen| seen.status = if seconds < 500 { status } else { "InService" }.into());
        let (desk, told) = check(show).await;
        assert_eq!((told.state(), told.at, desk.fake.remains()), ("succeeded", 560, vec![]), "{status}");
        assert_eq!(steps(&desk), IN_ORDER);
        let progress = desk.progress();
        assert!(progress.iter().any(|(at, _, told)| *at > 400 && told.contains(status)), "{progress:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_being_created_is_not_yet_to_be_deleted_by_a_call_that_does_not_wait() {
    let desk = deployed(stages(&[(0, "Creating"), (500, "InService")])).await;
    let told = desk.call(DELETE, json!({"endpoint_name": "oak", "confirm": "oak", "wait_seconds": 0})).await;
    assert_eq!(
        (told.state(), told.code(), told.is_error, told.text("/error/status")),
        ("failed", "not_yet", true, "Creating")
    );
    assert_eq!((told.next(), &told.report["error"]["retryable"]), ((DELETE, confirmed()), &json!(true)));
    assert_eq!(steps(&desk), ["AddTags"], "the wish is on record");
    let left: Vec<&str> =
        told.report["leftovers"].as_array().unwrap().iter().map(|left| left.as_str().unwrap()).collect();
    assert_eq!(left[0], "endpoint oak");
    assert_eq!((desk.go_on(&told).await.state(), desk.fake.remains()), ("succeeded", vec![]));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_stuck_in_creation_is_told_so_at_the_bound_and_nothing_is_lost() {
    let (desk, told) = check(stages(&[(0, "Creating")])).await;
    assert_eq!((told.state(), told.code(), told.next()), ("failed", "not_yet", (DELETE, confirmed())));
    assert!(desk.fake.asked("").len() < 150, "{} requests", desk.fake.asked("").len());
    assert_eq!((steps(&desk), desk.fake.remains().len()), (vec!["AddTags".to_owned()], 3));
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_call_is_finished_by_repeating_it() {
    let desk = deployed(stages(&[(0, "InService")])).await;
    let told = desk.call(DELETE, json!({"endpoint_name": "oak", "confirm": "oak", "wait_seconds": 30})).await;
    assert_eq!((told.state(), told.text("/phase"), told.next()), ("running", "Deleting", (DELETE, confirmed())));
    assert_eq!(told.report["leftovers"].as_array().unwrap().len(), 3);
    let told = desk.go_on(&told).await;
    assert_eq!(
        (told.state(), desk.fake.remains(), steps(&desk)),
        ("succeeded", vec![], IN_ORDER.map(str::to_owned).to_vec())
    );
    assert_eq!(desk.watch(DELETE, confirmed()).await.state(), "succeeded", "and once more does no harm");
}

#[tokio::test(start_paused = true)]
async fn what_others_delete_is_followed_and_what_is_behind_it_removed() {
    let desk = deployed(stages(&[(0, "InService")])).await;
    desk.fake.state().endpoints.get_mut("oak").unwrap().show = stages(&[(0, "Deleting"), (100, "gone")]);
    let told = desk.watch(DELETE, confirmed()).await;
    assert_eq!((told.state(), steps(&desk)), ("succeeded", vec!["DeleteConfig".to_owned(), "DeleteModel".into()]));
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_start_of_the_name_has_left_goes_too() {
    let fake = Fake::new().with_parts("oak-lh-0123456789ab", "oak", Duration::from_secs(9000));
    let desk = Desk::open(fake).await;
    desk.watch(DEPLOY, oak()).await;
    let told = desk.watch(DELETE, confirmed()).await;
    assert_eq!((told.state(), desk.fake.remains()), ("succeeded", vec![]));
}

#[tokio::test(start_paused = true)]
async fn of_an_endpoint_that_others_made_nothing_else_is_touched() {
    let fake =
        Fake::new().with("oak", stages(&[(0, "InService")])).with_parts("config-of-others", "another", Duration::ZERO);
    let desk = Desk::open(fake).await;
    let told = desk.watch(DELETE, confirmed()).await;
    assert_eq!((told.state(), told.at), ("succeeded", 60));
    assert_eq!(desk.fake.remains(), ["Config config-of-others", "Model config-of-others"]);
}

#[tokio::test(start_paused = true)]
async fn what_belongs_to_another_endpoint_whose_name_contains_this_one_stays() {
    let fake = Fake::new().with_parts("big-oak-lh-0123456789ab", "big-oak", Duration::from_secs(9000));
    let desk = Desk::open(fake).await;
    desk.watch(DEPLOY, oak()).await;
    assert_eq!(desk.watch(DELETE, confirmed()).await.state(), "succeeded");
    assert_eq!(desk.fake.remains(), ["Config big-oak-lh-0123456789ab", "Model big-oak-lh-0123456789ab"]);
}

#[tokio::test(start_paused = true)]
async fn of_a_namesake_that_came_meanwhile_nothing_is_touched() {
    let desk = deployed(stages(&[(0, "InService")])).await;
    desk.call(DELETE, json!({"endpoint_name": "oak", "confirm": "oak", "wait_seconds": 0})).await;
    let anew: Show = Arc::new(|seconds, seen| seen.created += Duration::from_secs(seconds / 10));
    desk.fake.state().endpoints.get_mut("oak").unwrap().show = anew;
    let told = desk.watch(DELETE, confirmed()).await;
    assert_eq!((told.code(), desk.fake.state().parts.len()), ("superseded", 2));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_is_deleted() {
    let desk = Desk::open(Fake::new()).await;
    let told = desk.watch(DELETE, confirmed()).await;
    assert_eq!((told.state(), desk.fake.writes()), ("succeeded", vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_tells_what_would_go_needs_no_confirmation_and_changes_nothing() {
    let desk = deployed(stages(&[(0, "Creating")])).await;
    let part = desk.fake.state().parts[0].listed.name.clone();
    let told = desk.watch(DELETE, dry_run()).await;
    assert_eq!((told.state(), told.text("/result/status"), steps(&desk).len()), ("succeeded", "Creating", 0));
    let expected = json!(["endpoint oak", format!("endpoint-config {part}"), format!("model {part}")]);
    assert_eq!(told.report["result"]["would_remove"], expected);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_of_nothing_says_so() {
    let told = Desk::open(Fake::new()).await.watch(DELETE, dry_run()).await;
    assert_eq!((told.state(), told.sentence.as_str()), ("succeeded", "There is nothing called oak to remove."));
}

#[tokio::test(start_paused = true)]
async fn without_the_name_repeated_nothing_is_done() {
    let desk = deployed(stages(&[(0, "InService")])).await;
    for confirm in [json!(null), json!(""), json!("Oak"), json!("yes"), json!(true)] {
        let told = desk.watch(DELETE, json!({"endpoint_name": "oak", "confirm": confirm})).await;
        assert_eq!((told.code(), steps(&desk).len()), ("invalid_argument", 0), "{confirm}");
        assert!(told.sentence.contains("`confirm`"), "{}", told.sentence);
    }
}

#[tokio::test(start_paused = true)]
async fn where_deletion_is_not_allowed_only_the_dry_run_is_answered() {
    for allowed in [Class::Read, Class::Write] {
        let fake = Arc::new(Fake::new().with("oak", stages(&[(0, "InService")])));
        let server = sagemaker_mcp::server(fake.clone(), &config(), Settings { allowed, ..Settings::default() });
        let desk = Desk::at(server, fake.clone()).await;
        assert_eq!((desk.watch(DELETE, confirmed()).await.code(), fake.asked("").len()), ("forbidden", 0));
        assert_eq!((desk.watch(DELETE, dry_run()).await.state(), fake.writes()), ("succeeded", vec![]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_aws_is_told_and_nothing_behind_the_endpoint_is_touched() {
    let denied = || aws("DeleteEndpoint", "AccessDeniedException", "not authorized to perform DeleteEndpoint", 400);
    let desk = Desk::open(Fake::new().trouble("DeleteEndpoint", 0..9999, denied)).await;
    desk.watch(DEPLOY, oak()).await;
    let told = desk.watch(DELETE, confirmed()).await;
    assert_eq!((told.state(), told.code(), desk.fake.remains().len()), ("failed", "forbidden", 3));
    assert!(told.text("/error/backend/text").contains("DeleteEndpoint"));
}

#[tokio::test(start_paused = true)]
async fn deletions_that_never_show_are_not_repeated_without_a_pause() {
    let desk = deployed(stages(&[(0, "InService")])).await;
    desk.fake.state().blind = true;
    let told = desk.watch(DELETE, confirmed()).await;
    assert_eq!((told.state(), told.code(), told.next()), ("failed", "not_yet", (DELETE, confirmed())));
    assert!(desk.fake.asked("DeleteEndpoint").len() <= 62, "{} deletions", desk.fake.asked("DeleteEndpoint").len());
}

#[tokio::test(start_paused = true)]
async fn parts_whose_deletion_never_shows_are_not_deleted_without_a_pause() {
    let fake = Fake::new().with_parts("oak-lh-0123456789ab", "oak", Duration::from_secs(9000));
    fake.state().blind = true;
    let desk = Desk::open(fake).await;
    let told = desk.watch(DELETE, confirmed()).await;
    assert_eq!((told.state(), told.code(), told.text("/phase")), ("failed", "not_yet", "RemovingEndpointConfig"));
    assert!(desk.fake.asked("DeleteConfig").len() <= 62, "{} deletions", desk.fake.asked("DeleteConfig").len());
}
