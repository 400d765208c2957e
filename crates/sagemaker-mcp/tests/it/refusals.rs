//! A removal that AWS refuses: its mark is taken back, and what is left is named with the call
//! that goes on.

use sagemaker_mcp::names;
use serde_json::{Value, json};

use crate::{
    deploy::{DEPLOY, oak},
    desk::{Desk, Told},
    fake::{Fake, Show, aws, stages},
};

const DELETE: &str = "delete_sagemaker_endpoint";

fn confirmed() -> Value {
    json!({"endpoint_name": "oak", "confirm": "oak"})
}

/// Deploys what lives so, then removes it where these requests are denied.
async fn check(what: &'static str, show: Show) -> (Desk, Told) {
    let fake = Fake::new().denied(what);
    fake.state().show = show;
    let desk = Desk::open(fake).await;
    desk.call(DEPLOY, oak()).await;
    let told = desk.watch(DELETE, confirmed()).await;
    assert_eq!((told.state(), told.code()), ("failed", "forbidden"), "{told:?}");
    (desk, told)
}

fn steps(desk: &Desk) -> Vec<String> {
    desk.fake.writes()[3..].iter().map(|write| write.split(' ').next().unwrap().to_owned()).collect()
}

/// The kinds of what is told to be left.
fn left(told: &Told) -> Vec<&str> {
    let left = told.report["leftovers"].as_array().unwrap_or_else(|| panic!("{told:?}"));
    left.iter().map(|left| left.as_str().unwrap().split(' ').next().unwrap()).collect()
}

fn marked(desk: &Desk) -> bool {
    desk.fake.state().endpoints["oak"].tags.contains_key(names::TAG_ENDING)
}

const ALL: [&str; 3] = ["endpoint", "endpoint-config", "model"];

#[tokio::test(start_paused = true)]
async fn a_removal_that_is_refused_for_good_takes_its_mark_back_and_names_what_is_left() {
    let (desk, told) = check("DeleteEndpoint", stages(&[(0, "InService")])).await;
    assert_eq!(steps(&desk), ["AddTags", "DeleteEndpoint", "RemoveTag"]);
    assert_eq!((left(&told), marked(&desk), desk.fake.remains().len()), (ALL.to_vec(), false, 3));
    assert!(told.advises("permission for DeleteEndpoint"), "{told:?}");
    assert_eq!(desk.watch(DEPLOY, oak()).await.state(), "succeeded", "no mark is in the way of a start");
}

#[tokio::test(start_paused = true)]
async fn so_does_one_that_had_to_wait_for_the_endpoint_first() {
    let (desk, told) = check("DeleteEndpoint", stages(&[(0, "Creating"), (300, "InService")])).await;
    assert_eq!(steps(&desk), ["AddTags", "DeleteEndpoint", "RemoveTag"]);
    assert_eq!((left(&told), marked(&desk), told.next()), (ALL.to_vec(), false, (DELETE, confirmed())));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_refused_names_what_is_left_and_the_call_that_goes_on() {
    for (what, expected) in [("DeleteConfig", &ALL[1..]), ("DeleteModel", &ALL[2..])] {
        let (desk, told) = check(what, stages(&[(0, "InService")])).await;
        assert_eq!((left(&told), told.next()), (expected.to_vec(), (DELETE, confirmed())), "{what}");
        assert_eq!(desk.fake.remains().len(), expected.len());
        assert!(told.advises(&format!("permission for {what}")), "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_was_refused_is_finished_by_the_same_call_once_it_is_allowed() {
    let denied = || aws("DeleteConfig", "AccessDeniedException", "not authorized", 400);
    let desk = Desk::open(Fake::new().trouble("DeleteConfig", 0..1000, denied)).await;
    desk.watch(DEPLOY, oak()).await;
    let told = desk.watch(DELETE, confirmed()).await;
    assert_eq!(told.code(), "forbidden");
    tokio::time::sleep(std::time::Duration::from_secs(1000)).await;
    assert_eq!((desk.go_on(&told).await.state(), desk.fake.remains()), ("succeeded", vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_mark_that_cannot_be_taken_back_does_not_hide_the_refusal() {
    let fake = Fake::new().denied("DeleteEndpoint").denied("RemoveTag");
    fake.state().show = stages(&[(0, "InService")]);
    let desk = Desk::open(fake).await;
    desk.call(DEPLOY, oak()).await;
    let told = desk.watch(DELETE, confirmed()).await;
    assert_eq!((told.code(), left(&told), marked(&desk)), ("forbidden", ALL.to_vec(), true));
}

#[tokio::test(start_paused = true)]
async fn who_may_not_write_the_mark_removes_nothing() {
    let (desk, _) = check("AddTags", stages(&[(0, "InService")])).await;
    assert_eq!((steps(&desk), desk.fake.remains().len()), (vec!["AddTags".to_owned()], 3));
}
