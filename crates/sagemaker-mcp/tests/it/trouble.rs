//! Trouble while looking: survived for as long as the patience lasts, never taken for a failure
//! of the work, never answered with a storm of requests.

use std::ops::Range;

use sagemaker_mcp::{Config, error::SageMakerError};
use serde_json::{Value, json};

use crate::{
    deploy::{DEPLOY, oak},
    desk::{Desk, Told, config},
    fake::{Fake, aws, stages, throttled},
};

const WAIT: &str = "wait_sagemaker_endpoint";

fn llama() -> Value {
    json!({"endpoint_name": "llama"})
}

fn expired() -> SageMakerError {
    aws("DescribeEndpoint", "ExpiredTokenException", "The security token included in the request is expired", 400)
}

fn html() -> SageMakerError {
    let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\u{1b}[2J</body></html>";
    aws("DescribeEndpoint", "", page, 502)
}

/// Waits for an endpoint that takes 900 s, with trouble in these seconds.
async fn check(when: Range<u64>, trouble: fn() -> SageMakerError, patience_seconds: u64) -> (Desk, Told) {
    let fake = Fake::new().with("llama", stages(&[(0, "Creating"), (900, "InService")]));
    let config = Config { patience_seconds, ..config() };
    let desk = Desk::with(fake.trouble("DescribeEndpoint", when, trouble), &config).await;
    let told = desk.watch(WAIT, llama()).await;
    (desk, told)
}

/// Looks in these seconds.
fn looks(desk: &Desk, when: Range<u64>) -> Vec<u64> {
    desk.fake.asked("DescribeEndpoint").into_iter().filter(|at| when.contains(at)).collect()
}

#[tokio::test(start_paused = true)]
async fn trouble_shorter_than_the_patience_is_survived_and_told_on_the_way() {
    for trouble in [html, || throttled(None), || aws("DescribeEndpoint", "InternalFailure", "", 500)] {
        let (desk, told) = check(100..380, trouble, 300).await;
        assert_eq!((told.state(), told.at), ("succeeded", 900));
        assert_eq!(looks(&desk, 90..400), [90, 120, 150, 180, 210, 240, 270, 300, 330, 360, 390]);
        assert!(desk.progress().iter().any(|(_, _, told)| told.contains("could not be looked at just now")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_ten_minutes_is_waited_out_at_the_pace_that_aws_asks_for() {
    let (desk, told) = check(100..700, || throttled(Some(120)), 900).await;
    assert_eq!((told.state(), told.at), ("succeeded", 900));
    assert_eq!(looks(&desk, 91..901), [120, 240, 360, 480, 600, 720, 750, 780, 810, 840, 870, 900]);
}

#[tokio::test(start_paused = true)]
async fn a_storm_longer_than_the_patience_leaves_the_state_unknown_with_the_call_that_resumes() {
    let (desk, told) = check(100..700, || throttled(Some(45)), 300).await;
    assert_eq!(
        (told.state(), told.code(), told.is_error, told.text("/phase")),
        ("unknown", "throttled", true, "Creating")
    );
    assert!(looks(&desk, 100..700).len() <= 9, "{:?}", looks(&desk, 100..700));
    assert!(told.sentence.contains("this says nothing of it"), "{}", told.sentence);
    tokio::time::sleep(std::time::Duration::from_secs(300)).await;
    assert_eq!(desk.go_on(&told).await.state(), "succeeded");
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_beyond_the_bound_does_not_hold_the_answer_back() {
    let (_, told) = check(100..9999, || throttled(Some(1_000_000)), 86_400).await;
    assert_eq!((told.state(), told.at, told.next().0), ("running", 1800, WAIT));
}

#[tokio::test(start_paused = true)]
async fn credentials_that_expire_while_it_is_watched_leave_the_state_unknown_with_the_remedy() {
    let (_, told) = check(100..9999, expired, 300).await;
    assert_eq!((told.state(), told.code(), told.is_error, told.at), ("unknown", "unauthenticated", true, 120));
    assert!(told.advises("aws sso login") && told.sentence.contains("this says nothing of it"), "{told:?}");
    assert_eq!(
        told.next(),
        (WAIT, json!({"endpoint_name": "llama", "until": "in_service", "endpoint_config_name": "config-of-others"}))
    );
}

#[tokio::test(start_paused = true)]
async fn a_page_of_html_is_a_failed_look_whose_text_is_kept_and_clean() {
    let (_, told) = check(100..9999, html, 60).await;
    let text = told.text("/error/backend/text");
    assert_eq!(
        (told.state(), told.code(), &told.report["error"]["backend"]["http_status"]),
        ("unknown", "unreachable", &json!(502))
    );
    assert!(text.contains("Bad Gateway") && !text.contains('\u{1b}') && !text.contains('\r'), "{text:?}");
}

#[tokio::test(start_paused = true)]
async fn trouble_at_the_first_look_names_the_same_call_again() {
    for (arguments, until) in
        [(llama(), "in_service"), (json!({"endpoint_name": "llama", "until": "deleted"}), "deleted")]
    {
        let desk = Desk::open(Fake::new().trouble("", 0..9, || throttled(Some(40)))).await;
        let told = desk.watch(WAIT, arguments).await;
        assert_eq!(
            (told.code(), told.next()),
            ("throttled", (WAIT, json!({"endpoint_name": "llama", "until": until})))
        );
        assert_eq!(
            (&told.report["next"]["after_seconds"], &told.report["error"]["retry_after_seconds"]),
            (&json!(40), &json!(40))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_before_a_start_or_a_removal_changes_nothing_and_names_the_same_call() {
    let delete = json!({"endpoint_name": "oak", "confirm": "oak"});
    let dry_run = json!({"endpoint_name": "oak", "dry_run": true});
    for (tool, arguments) in
        [(DEPLOY, oak()), ("delete_sagemaker_endpoint", delete), ("delete_sagemaker_endpoint", dry_run)]
    {
        let desk = Desk::open(Fake::new().trouble("", 0..9, html)).await;
        let told = desk.watch(tool, arguments.clone()).await;
        assert_eq!((told.code(), told.next().0, desk.fake.writes()), ("unreachable", tool, vec![]));
        tokio::time::sleep(std::time::Duration::from_secs(30)).await;
        assert_eq!(desk.go_on(&told).await.state(), "succeeded", "{tool} {arguments}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_storm_in_the_middle_of_a_start_is_backed_off_from_and_ends_in_a_call_that_goes_on() {
    let desk = Desk::open(Fake::new().trouble("CreateEndpoint", 0..600, || throttled(None))).await;
    let told = desk.watch(DEPLOY, oak()).await;
    assert_eq!((told.code(), told.next().0), ("throttled", DEPLOY));
    assert!(
        (90..120).contains(&told.at) && desk.fake.asked("CreateEndpoint").len() < 30,
        "{} s, {:?}",
        told.at,
        desk.fake.asked("CreateEndpoint")
    );
    assert_eq!(told.report["leftovers"].as_array().unwrap().len(), 2);
    tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    assert_eq!(desk.go_on(&told).await.state(), "succeeded");
}

#[tokio::test(start_paused = true)]
async fn a_storm_in_the_middle_of_a_removal_is_survived() {
    let storm = || aws("DeleteEndpointConfig", "ThrottlingException", "Rate exceeded", 400);
    let desk = Desk::open(Fake::new().trouble("DeleteConfig", 600..800, storm)).await;
    desk.watch(DEPLOY, oak()).await;
    let told = desk.watch("delete_sagemaker_endpoint", json!({"endpoint_name": "oak", "confirm": "oak"})).await;
    assert_eq!((told.state(), desk.fake.remains()), ("succeeded", vec![]));
    assert!(desk.fake.asked("DeleteConfig").len() < 10, "{:?}", desk.fake.asked("DeleteConfig"));
}

#[tokio::test(start_paused = true)]
async fn the_wrong_region_shows_no_endpoint_and_says_where_it_looked() {
    let desk = Desk::open(Fake::new()).await;
    let told = desk.watch(WAIT, llama()).await;
    assert_eq!((told.code(), told.text("/target")), ("not_found", "us-east-2"));
    assert!(told.advises("region"));
}
