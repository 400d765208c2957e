//! `list_sagemaker_endpoints` and `describe_sagemaker_endpoint`: what is there and what to do
//! with it.

use std::{sync::Arc, time::Duration};

use sagemaker_mcp::{names, states::STATUSES};
use serde_json::{Value, json};

use crate::{
    desk::{Desk, Told},
    fake::{Fake, aws, stages},
};

const LIST: &str = "list_sagemaker_endpoints";
const DESCRIBE: &str = "describe_sagemaker_endpoint";

/// The nine states and one that nobody knows, an endpoint each, called `e0` to `e9`.
fn one_of_each() -> Fake {
    STATUSES.into_iter().chain(["SomeNewState"]).enumerate().fold(Fake::new(), |fake, (n, status)| {
        fake.with(&format!("e{n}"), Arc::new(move |_, seen| seen.status = status.into()))
    })
}

async fn check(arguments: Value) -> Told {
    let desk = Desk::open(one_of_each()).await;
    let told = desk.call(LIST, arguments).await;
    assert_eq!(desk.fake.writes(), [""; 0]);
    told
}

fn listed(told: &Told) -> Vec<&str> {
    let lines = told.report["result"]["endpoints"].as_array().unwrap_or_else(|| panic!("{told:?}"));
    lines.iter().map(|line| line["endpoint_name"].as_str().unwrap()).collect()
}

/// What makes sense for an endpoint in this state, and whether it is under way.
fn what_next(status: &str) -> (&'static str, Option<&'static str>, bool) {
    match status {
        "InService" => ("nothing", None, false),
        "Failed" | "OutOfService" | "UpdateRollbackFailed" => ("delete_sagemaker_endpoint", None, false),
        "Deleting" => ("wait_sagemaker_endpoint", Some("deleted"), true),
        _ => ("wait_sagemaker_endpoint", Some("in_service"), true),
    }
}

#[tokio::test(start_paused = true)]
async fn every_endpoint_is_listed_with_the_call_that_makes_sense_for_it() {
    let told = check(json!({})).await;
    assert_eq!((listed(&told).len(), &told.report["result"]["count"]), (10, &json!(10)));
    for line in told.report["result"]["endpoints"].as_array().unwrap() {
        let (tool, until, under_way) = what_next(line["status"].as_str().unwrap());
        assert_eq!(line["next"]["tool"].as_str().unwrap_or("nothing"), tool, "{line}");
        assert_eq!(line["next"]["arguments"]["until"].as_str(), until, "{line}");
        assert_eq!(line["operation"] == "sagemaker.endpoint", under_way, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_status_is_trimmed_may_be_empty_and_is_taken_in_any_case() {
    for (status, found) in
        [("InService", 1), (" InService\n", 1), ("inservice", 1), ("CREATING", 1), ("", 10), ("  ", 10)]
    {
        assert_eq!(listed(&check(json!({"status_filter": status})).await).len(), found, "{status:?}");
    }
    assert_eq!(listed(&check(json!({"status_filter": null})).await).len(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_status_is_refused_with_the_valid_ones() {
    for status in ["Running", "InService,Failed", "*", "SomeNewState"] {
        let told = check(json!({"status_filter": status})).await;
        assert_eq!((told.code(), told.is_error), ("invalid_argument", true));
        assert!(
            STATUSES.iter().all(|valid| told.sentence.contains(valid)) && told.sentence.contains("`status_filter`")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn pages_follow_each_other_and_hold_everything_once() {
    let desk = Desk::open(one_of_each()).await;
    let (mut names, mut cursor) = (vec![], json!(null));
    for size in [4, 4, 2] {
        let told = desk.call(LIST, json!({"max_results": 4, "cursor": cursor})).await;
        assert_eq!(listed(&told).len(), size);
        names.extend(listed(&told).into_iter().map(str::to_owned));
        cursor = told.report["result"]["cursor"].clone();
    }
    names.sort();
    assert_eq!((names.len(), cursor.is_null(), &names[9]), (10, true, &"e9".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_not_the_last_says_that_there_are_more() {
    let told = check(json!({"max_results": 4})).await;
    assert_eq!(told.sentence, "Endpoints: 4, of them under way: 3; there are more, see cursor.");
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_aws_does_not_know_is_a_wrong_argument() {
    let told = check(json!({"cursor": "made-up"})).await;
    assert_eq!((told.code(), told.text("/error/backend/text")), ("invalid_argument", "Invalid pagination token"));
    assert!(told.sentence.starts_with("`cursor`"), "{}", told.sentence);
}

#[tokio::test(start_paused = true)]
async fn names_are_searched_by_aws() {
    assert_eq!(listed(&check(json!({"name_contains": " e3 "})).await), ["e3"]);
    for wrong in ["a b", "a_b", "a.b", "ä", "e*"] {
        assert!(check(json!({"name_contains": wrong})).await.sentence.contains("`name_contains`"), "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_was_created_after_a_moment_is_listed() {
    let desk = Desk::open(one_of_each()).await;
    tokio::time::sleep(Duration::from_secs(1000)).await;
    desk.fake.state().keep("late", "c", Default::default(), stages(&[(0, "Creating")]));
    let moment = longhaul::report::timestamp(longhaul::clock::now() - Duration::from_secs(500));
    let told = desk.call(LIST, json!({"created_after": moment})).await;
    assert_eq!((listed(&told), &told.report["result"]["endpoints"][0]["age_seconds"]), (vec!["late"], &json!(0)));
    for wrong in ["yesterday", "2026-13-01T00:00:00Z", "2026-11-20", "1e9"] {
        assert_eq!(desk.call(LIST, json!({"created_after": wrong})).await.code(), "invalid_argument", "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_this_server_made_is_listed_if_that_is_wanted() {
    let desk = Desk::open(one_of_each()).await;
    desk.fake.state().keep("ours", "c", names::tags("deploy_jumpstart_model", "ours"), stages(&[(0, "Creating")]));
    assert_eq!(listed(&desk.call(LIST, json!({"managed_only": true, "max_results": 100})).await), ["ours"]);
    assert_eq!(listed(&desk.call(LIST, json!({"managed_only": false, "max_results": 100})).await).len(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_page_is_one_to_a_hundred_long() {
    for size in [json!(0), json!(101), json!(-1), json!(4_294_967_296_u64), json!(1.5)] {
        assert!(check(json!({"max_results": size})).await.sentence.contains("`max_results`"), "{size}");
    }
    assert_eq!(listed(&check(json!({"max_results": 100})).await).len(), 10);
}

#[tokio::test(start_paused = true)]
async fn what_aws_refuses_is_told() {
    for (code, text, http, told) in [
        ("AccessDeniedException", "not authorized to perform: sagemaker:ListEndpoints", 400, "forbidden"),
        ("ExpiredTokenException", "The security token included in the request is expired", 400, "unauthenticated"),
        ("ThrottlingException", "Rate exceeded", 400, "throttled"),
        ("", "<html><h1>502 Bad Gateway</h1></html>", 502, "unreachable"),
    ] {
        let fake = Fake::new().trouble("ListEndpoints", 0..9, move || aws("ListEndpoints", code, text, http));
        let answer = Desk::open(fake).await.call(LIST, json!({})).await;
        assert_eq!((answer.code(), answer.text("/error/backend/text"), answer.is_error), (told, text, true));
    }
}

async fn described(fake: Fake, name: &str) -> Told {
    let desk = Desk::open(fake).await;
    let told = desk.call(DESCRIBE, json!({"endpoint_name": name})).await;
    assert_eq!(desk.fake.writes(), [""; 0]);
    told
}

#[tokio::test(start_paused = true)]
async fn every_state_is_described_with_the_call_that_makes_sense_now() {
    for (n, status) in STATUSES.into_iter().chain(["SomeNewState"]).enumerate() {
        let told = described(one_of_each(), &format!("e{n}")).await;
        let (tool, until, _) = what_next(status);
        assert_eq!((told.text("/result/status"), told.text("/result/next/tool")), (status, tool));
        assert_eq!(told.report["result"]["next"]["arguments"]["until"].as_str(), until);
        assert_eq!(told.sentence, format!("e{n} is {status}."));
    }
}

#[tokio::test(start_paused = true)]
async fn a_description_tells_the_reason_the_instances_and_what_is_behind() {
    let failed = Arc::new(|_, seen: &mut sagemaker_mcp::api::EndpointSeen| {
        (seen.status, seen.failure_reason) = ("Failed".into(), Some("no capacity".into()));
        (seen.config, seen.variants[0].desired_instances) = ("c-lh-0".into(), Some(3));
    });
    let told = described(Fake::new().with("e", failed).with_parts("c-lh-0", "e", Duration::ZERO), "e").await;
    let result = &told.report["result"];
    assert_eq!((told.text("/result/failure_reason"), &result["models"]), ("no capacity", &json!(["c-lh-0"])));
    assert_eq!(
        result["variants"],
        json!([{"name": "AllTraffic", "current_instance_count": 1, "desired_instance_count": 3}])
    );
    assert_eq!((&result["managed"], &result["age_seconds"]), (&json!(false), &json!(0)));
}

#[tokio::test(start_paused = true)]
async fn whose_end_was_asked_for_is_described_so_with_the_call_that_carries_it_out() {
    for status in ["InService", "Creating", "Updating", "SomeNewState"] {
        let fake = Fake::new().with("e", Arc::new(|_, seen| seen.status = status.into()));
        fake.state()
            .endpoints
            .get_mut("e")
            .unwrap()
            .tags
            .insert(names::TAG_ENDING.into(), "2026-11-20T10:00:00Z".into());
        let told = described(fake, "e").await;
        assert_eq!(
            (told.text("/result/ending_since"), told.text("/result/next/tool")),
            ("2026-11-20T10:00:00Z", "delete_sagemaker_endpoint")
        );
        assert!(told.sentence.contains("its end was asked for"), "{}", told.sentence);
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_not_there_is_not_found_and_the_list_is_named() {
    for fake in [Fake::new(), Fake::new().with("e", stages(&[(0, "gone")]))] {
        let told = described(fake, "e").await;
        assert_eq!((told.code(), told.next()), ("not_found", (LIST, json!({}))));
        assert!(told.advises("region"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_whose_configuration_is_gone_is_described_all_the_same() {
    let told = described(one_of_each(), "e5").await;
    assert_eq!((told.text("/result/status"), &told.report["result"]["models"]), ("InService", &json!([])));
}
