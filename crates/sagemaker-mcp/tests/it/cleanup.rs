//! `cleanup_leftovers`: lists what no endpoint uses, removes what is named and old enough.

use std::{sync::Arc, time::Duration};

use longhaul::{mcp::Settings, tool::Class};
use serde_json::{Value, json};

use crate::{
    desk::{Desk, Told, config},
    fake::{Fake, aws, stages},
};

const CLEANUP: &str = "cleanup_leftovers";
const OLD: Duration = Duration::from_secs(601);
const YOUNG: Duration = Duration::from_secs(598);

/// Names of parts as this server makes them.
const A: &str = "a-lh-0123456789ab";
const B: &str = "b-lh-0123456789ab";
const C: &str = "c-lh-0123456789ab";

/// `a` is old and `b` young, both without their endpoints; `c` is in use.
fn fake() -> Fake {
    let fake = Fake::new().with_parts(A, "a", OLD).with_parts(B, "b", YOUNG).with_parts(C, "c", OLD);
    fake.state().keep("c", C, Default::default(), stages(&[(0, "InService")]));
    fake
}

async fn check(fake: Fake, arguments: Value) -> (Desk, Told) {
    let desk = Desk::open(fake).await;
    let told = desk.call(CLEANUP, arguments).await;
    (desk, told)
}

/// Names what may not be removed: nothing is.
async fn refused(arguments: Value, code: &str) -> Told {
    let (desk, told) = check(fake(), arguments).await;
    assert_eq!((told.code(), told.is_error, desk.fake.writes()), (code, true, vec![]), "{told:?}");
    told
}

fn names_in<'a>(told: &'a Told, list: &str) -> Vec<&'a str> {
    let items = told.report["result"][list].as_array().unwrap().iter();
    items.map(|item| item.as_str().or_else(|| item["name"].as_str()).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn without_arguments_it_lists_what_no_endpoint_uses_and_removes_nothing() {
    let (desk, told) = check(fake(), json!({})).await;
    assert_eq!((names_in(&told, "leftovers"), desk.fake.writes()), (vec![A, B], vec![]));
    let first = json!({"name": A, "kinds": ["endpoint-config", "model"], "endpoint": "a", "why": "its endpoint does not exist", "age_seconds": 601, "young": false});
    assert_eq!(
        (&told.report["result"]["leftovers"][0], &told.report["result"]["leftovers"][1]["young"]),
        (&first, &json!(true))
    );
}

#[tokio::test(start_paused = true)]
async fn what_its_endpoint_has_left_behind_by_an_update_is_left_over() {
    let fake = Fake::new().with("c", stages(&[(0, "InService")])).with_parts(C, "c", OLD);
    let (_, told) = check(fake, json!({})).await;
    assert_eq!(told.text("/result/leftovers/0/why"), "its endpoint serves another configuration");
}

#[tokio::test(start_paused = true)]
async fn what_an_update_goes_to_is_in_use() {
    let fake = Fake::new().with_parts(C, "c", OLD);
    let update = Arc::new(|_, seen: &mut sagemaker_mcp::api::EndpointSeen| seen.pending_config = Some(C.into()));
    let (_, told) = check(fake.with("c", update), json!({})).await;
    assert_eq!(names_in(&told, "leftovers"), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_others_made_is_never_listed() {
    let fake = Fake::new().with_parts("x-lh-0123456789ab", "x", OLD);
    fake.state().parts.iter_mut().for_each(|part| part.tags.clear());
    let (_, told) = check(fake, json!({})).await;
    assert_eq!(names_in(&told, "leftovers"), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_named_and_confirmed_by_its_number_is_removed_configuration_first() {
    let (desk, told) = check(fake(), json!({"dry_run": false, "names": [A], "confirm": "1"})).await;
    assert_eq!((names_in(&told, "removed"), names_in(&told, "leftovers")), (vec![A], vec![B]));
    assert_eq!(desk.fake.writes(), [format!("DeleteConfig {A}"), format!("DeleteModel {A}")]);
}

#[tokio::test(start_paused = true)]
async fn the_number_may_be_a_number_and_a_name_counts_once_in_what_was_removed() {
    let (_, told) = check(fake(), json!({"dry_run": false, "names": [A, A], "confirm": 2})).await;
    assert_eq!(names_in(&told, "removed"), [A]);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_number_no_name_or_a_wrong_one_removes_nothing() {
    for confirm in [json!(null), json!("2"), json!("yes"), json!(A)] {
        let told = refused(json!({"dry_run": false, "names": [A], "confirm": confirm}), "invalid_argument").await;
        assert!(told.sentence.contains("`confirm`: must be `1`"), "{}", told.sentence);
    }
    let told = refused(json!({"dry_run": false}), "invalid_argument").await;
    assert!(told.sentence.contains("`names`") && told.next() == (CLEANUP, json!({"dry_run": true})), "{told:?}");
    for name in [C, "nobody", "", "../../x", "a"] {
        let told = refused(json!({"dry_run": false, "names": [A, name], "confirm": "2"}), "invalid_argument").await;
        assert!(told.sentence.contains("`names`"), "{}", told.sentence);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_young_may_belong_to_a_start_and_can_be_removed_later() {
    let named = json!({"dry_run": false, "names": [B], "confirm": "1"});
    refused(named.clone(), "not_yet").await;
    let desk = Desk::open(fake()).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(names_in(&desk.call(CLEANUP, named).await, "removed"), [B]);
}

#[tokio::test(start_paused = true)]
async fn more_than_a_hundred_at_once_are_refused() {
    let told = refused(json!({"dry_run": false, "names": vec![A; 101], "confirm": "101"}), "invalid_argument").await;
    assert!(told.sentence.contains("`names`: may hold at most 100"), "{}", told.sentence);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_removed_is_named_with_the_call_that_finds_it() {
    let denied = || aws("DeleteModel", "AccessDeniedException", "no", 400);
    let arguments = json!({"dry_run": false, "names": [A], "confirm": "1"});
    let (_, told) = check(fake().trouble("DeleteModel", 0..9, denied), arguments).await;
    assert_eq!((told.code(), told.next()), ("forbidden", (CLEANUP, json!({"dry_run": true}))));
    assert_eq!(told.report["leftovers"][0], json!(format!("endpoint-config and model {A}")));
}

#[tokio::test(start_paused = true)]
async fn where_deletion_is_not_allowed_it_still_lists() {
    let fake = Arc::new(fake());
    let reader =
        sagemaker_mcp::server(fake.clone(), &config(), Settings { allowed: Class::Write, ..Settings::default() });
    let desk = Desk::at(reader, fake.clone()).await;
    assert_eq!(names_in(&desk.call(CLEANUP, json!({})).await, "leftovers"), [A, B]);
    let told = desk.call(CLEANUP, json!({"dry_run": false, "names": [A], "confirm": "1"})).await;
    assert_eq!((told.code(), fake.writes()), ("forbidden", vec![]));
}

#[tokio::test(start_paused = true)]
async fn all_pages_are_read() {
    let mut fake = Fake::new();
    for n in 0..250 {
        fake = fake.with_parts(&format!("e{n}-lh-0123456789ab"), &format!("e{n}"), OLD);
    }
    let (desk, told) = check(fake, json!({})).await;
    assert_eq!((names_in(&told, "leftovers").len(), desk.fake.asked("ListParts").len()), (250, 6));
}
