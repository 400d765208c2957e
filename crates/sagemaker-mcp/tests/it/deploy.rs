//! `deploy_jumpstart_model`: started once, followed truthfully, explained when it fails.

use std::sync::Arc;

use longhaul::{mcp::Settings, tool::Class};
use sagemaker_mcp::{Config, names};
use serde_json::{Value, json};

use crate::{
    desk::{Desk, Told, config},
    fake::{Fake, GATED, OPEN, Show, aws, stages},
};

pub(crate) const DEPLOY: &str = "deploy_jumpstart_model";

pub(crate) fn oak() -> Value {
    json!({"model_id": OPEN, "endpoint_name": "oak"})
}

pub(crate) fn oak_and(more: Value) -> Value {
    let mut arguments = oak();
    arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    arguments
}

fn shown(show: Show) -> Fake {
    let fake = Fake::new();
    fake.state().show = show;
    fake
}

/// Deploys an endpoint that lives so, with progress.
async fn check(fake: Fake, arguments: Value) -> (Desk, Told) {
    let desk = Desk::open(fake).await;
    let told = desk.watch(DEPLOY, arguments).await;
    (desk, told)
}

/// Deploys with these arguments and nothing may have been changed.
async fn refused(fake: Fake, arguments: Value) -> Told {
    let (desk, told) = check(fake, arguments).await;
    assert_eq!((told.is_error, told.state(), desk.fake.writes()), (true, "failed", vec![]), "{told:?}");
    told
}

#[tokio::test(start_paused = true)]
async fn a_deployment_ends_in_service_with_all_that_is_needed_to_use_it() {
    let (_, told) = check(Fake::new(), oak()).await;
    assert_eq!((told.state(), told.is_error, told.at), ("succeeded", false, 600));
    let result = &told.report["result"];
    let info = json!({"endpoint_name": "oak", "content_type": "application/json", "accept_type": "application/json"});
    assert_eq!((&result["predictor_info"], &result["deployment_time_minutes"]), (&info, &json!(10.0)));
    assert_eq!((told.text("/result/endpoint_name"), told.text("/result/status")), ("oak", "InService"));
    assert!(
        told.text("/result/usage_note").contains("delete_sagemaker_endpoint") && told.sentence.contains("in service")
    );
    assert_eq!((told.text("/target"), told.text("/resource")), ("123456789012/us-east-2", "oak"));
}

#[tokio::test(start_paused = true)]
async fn it_looks_at_once_and_then_every_thirty_seconds() {
    let (desk, _) = check(Fake::new(), oak()).await;
    // Before the start, after it, and then the looks of the watcher.
    let expected: Vec<u64> = [0, 0].into_iter().chain((0..=600).step_by(30)).collect();
    assert_eq!(desk.fake.asked("DescribeEndpoint"), expected);
}

#[tokio::test(start_paused = true)]
async fn pace_and_bound_are_the_operators() {
    let fake = shown(stages(&[(0, "Creating")]));
    let slow = Config { poll_seconds: 100, timeout_seconds: 400, ..config() };
    let desk = Desk::with(fake, &slow).await;
    let told = desk.watch(DEPLOY, oak()).await;
    assert_eq!((told.state(), told.at), ("running", 400));
    assert_eq!(desk.fake.asked("DescribeEndpoint")[2..], [0, 100, 200, 300, 400]);
}

#[tokio::test(start_paused = true)]
async fn progress_carries_the_state_and_the_elapsed_time_and_strictly_increases() {
    let fake = shown(stages(&[(0, "Creating"), (300, "Updating"), (600, "InService")]));
    let (desk, _) = check(fake, oak()).await;
    let progress = desk.progress();
    assert!(progress.windows(2).all(|pair| pair[0].1 < pair[1].1), "{progress:?}");
    assert!(progress.windows(2).all(|pair| pair[1].0 - pair[0].0 <= 13), "a silence: {progress:?}");
    for (at, message) in [(0, "oak: beginning (0 s)"), (42, "oak: Creating (42 s)"), (300, "oak: Updating (5 min)")] {
        assert!(progress.iter().any(|(then, _, told)| *then == at && told == message), "{message}: {progress:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_steps_of_a_start_that_takes_its_time_are_told() {
    let fake = Fake::new().trouble("CreateEndpoint", 0..20, || aws("CreateEndpoint", "", "<html>503</html>", 503));
    let (desk, told) = check(fake, oak()).await;
    let progress = desk.progress();
    assert_eq!(told.state(), "succeeded");
    assert!(progress.iter().any(|(_, _, told)| told.contains("did not answer properly; trying again")), "{progress:?}");
    assert!(desk.fake.asked("CreateConfig").len() > 1, "each attempt makes sure of all three");
}

#[tokio::test(start_paused = true)]
async fn without_progress_the_answer_comes_after_fifty_seconds_and_says_how_to_resume() {
    let desk = Desk::open(Fake::new()).await;
    let told = desk.call(DEPLOY, oak()).await;
    assert_eq!((told.at, told.state(), told.is_error, told.text("/phase")), (50, "running", false, "Creating"));
    let (tool, arguments) = told.next();
    assert_eq!(
        (tool, &arguments["endpoint_name"], &arguments["until"]),
        ("wait_sagemaker_endpoint", &json!("oak"), &json!("in_service"))
    );
    let config = arguments["endpoint_config_name"].as_str().unwrap();
    assert!(config.starts_with("oak-lh-"), "what was asked for goes along: {config}");
    assert!(told.sentence.contains("The work goes on"), "{}", told.sentence);
    let resumed = desk.go_on(&told).await;
    assert_eq!((resumed.state(), resumed.at), ("succeeded", 620));
    assert_eq!(resumed.report["result"]["deployment_time_minutes"], 10.0);
}

#[tokio::test(start_paused = true)]
async fn a_bound_that_is_reached_is_no_failure_and_the_endpoint_may_still_succeed() {
    let fake = shown(stages(&[(0, "Creating"), (2000, "InService")]));
    let (desk, told) = check(fake, oak()).await;
    assert_eq!((told.at, told.state(), told.is_error), (1800, "running", false));
    assert_eq!((told.text("/phase"), &told.report["elapsed_seconds"]), ("Creating", &json!(1800)));
    assert!(told.sentence.contains("goes on although this call stops watching"), "{}", told.sentence);
    assert_eq!((desk.go_on(&told).await.state(), desk.fake.writes().len()), ("succeeded", 3));
}

#[tokio::test(start_paused = true)]
async fn the_answer_is_short_or_long_as_the_caller_wants_it() {
    for (wait, at) in [(0, 0), (7, 7), (90, 90)] {
        let desk = Desk::open(Fake::new()).await;
        let told = desk.call(DEPLOY, oak_and(json!({"wait_seconds": wait}))).await;
        assert_eq!((told.at, told.state(), told.next().0), (at, "running", "wait_sagemaker_endpoint"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_tells_awss_reason_and_what_to_check() {
    let fake = shown(Arc::new(|seconds, seen| {
        seen.status = if seconds < 300 { "Creating" } else { "Failed" }.into();
        seen.failure_reason = Some("The container did not pass the ping health check.".into());
    }));
    let (_, told) = check(fake, oak()).await;
    assert_eq!(
        (told.at, told.state(), told.code(), told.text("/error/status")),
        (300, "failed", "operation_failed", "Failed")
    );
    assert_eq!(told.text("/error/backend/text"), "The container did not pass the ping health check.");
    assert_eq!(told.text("/result/failure_class"), "health_check");
    for hint in ["its log tells why", "get_sagemaker_endpoint_logs", "Delete the failed endpoint"] {
        assert!(told.advises(hint), "{hint}: {told:?}");
    }
    assert_eq!(told.next(), ("delete_sagemaker_endpoint", json!({"endpoint_name": "oak", "confirm": "oak"})));
    let leftovers = told.report["leftovers"].as_array().unwrap();
    assert!(leftovers[0] == "endpoint oak" && leftovers.len() == 3, "its configuration and model, too: {leftovers:?}");
}

#[tokio::test(start_paused = true)]
async fn whatever_becomes_of_it_the_call_ends_with_the_truth() {
    for (status, state, code, next) in [
        ("InService", "succeeded", "nothing", "nothing"),
        ("Failed", "failed", "operation_failed", "delete_sagemaker_endpoint"),
        ("OutOfService", "failed", "operation_failed", "delete_sagemaker_endpoint"),
        ("UpdateRollbackFailed", "failed", "operation_failed", "describe_sagemaker_endpoint"),
        ("Deleting", "failed", "aborted", "wait_sagemaker_endpoint"),
        ("gone", "failed", "gone", "cleanup_leftovers"),
        ("Creating", "running", "nothing", "wait_sagemaker_endpoint"),
        ("Updating", "running", "nothing", "wait_sagemaker_endpoint"),
        ("SystemUpdating", "running", "nothing", "wait_sagemaker_endpoint"),
        ("RollingBack", "running", "nothing", "wait_sagemaker_endpoint"),
        ("SomeNewState", "running", "nothing", "wait_sagemaker_endpoint"),
        ("", "running", "nothing", "wait_sagemaker_endpoint"),
    ] {
        ends(status, (state, code, next)).await;
    }
}

/// Creates for 200 s, then shows this state for ever.
async fn ends(status: &'static str, expected: (&str, &str, &str)) {
    let show: Show =
        Arc::new(move |seconds, seen| seen.status = if seconds < 200 { "Creating" } else { status }.into());
    let (desk, told) = check(shown(show), oak()).await;
    assert_eq!((told.state(), told.code(), told.next().0), expected, "{status}: {told:?}");
    assert_eq!(told.at, if expected.0 == "running" { 1800 } else { 210 }, "{status}");
    assert!(desk.fake.asked("").len() < 140, "{status}: {} requests", desk.fake.asked("").len());
}

#[tokio::test(start_paused = true)]
async fn a_word_that_nobody_knows_is_shown_and_followed() {
    let fake = shown(stages(&[(0, "Creating"), (60, "WarmingUp"), (300, "InService")]));
    let (desk, told) = check(fake, oak()).await;
    assert_eq!((told.state(), told.at), ("succeeded", 300));
    assert!(desk.progress().iter().any(|(_, _, told)| told.starts_with("oak: WarmingUp")));
}

#[tokio::test(start_paused = true)]
async fn the_same_call_again_joins_and_starts_nothing() {
    let desk = Desk::open(Fake::new()).await;
    let again = oak_and(json!({"instance_type": " ", "model_version": null, "environment": {}, "wait_seconds": 1}));
    for arguments in [oak(), again, json!({"model_id": "acme-tabular-oak ", "endpoint_name": " oak "})] {
        assert_eq!(desk.call(DEPLOY, arguments).await.state(), "running");
    }
    assert_eq!(desk.watch(DEPLOY, oak()).await.state(), "succeeded");
    assert_eq!(desk.watch(DEPLOY, oak()).await.state(), "succeeded", "and joins what is in service");
    let writes: Vec<String> = desk.fake.writes().iter().map(|write| write[..8].to_owned()).collect();
    assert_eq!(writes, ["CreateMo", "CreateCo", "CreateEn"]);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_without_a_name_gets_the_same_one_every_time() {
    let desk = Desk::open(Fake::new()).await;
    let mut names = vec![];
    for _ in 0..2 {
        let told = desk.call(DEPLOY, json!({"model_id": OPEN, "wait_seconds": 0})).await;
        names.push(told.text("/resource").to_owned());
    }
    assert!(names[0] == names[1] && names[0].starts_with("acme-tabular-oak-"), "{names:?}");
    assert_eq!(desk.fake.writes().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn another_wish_under_the_same_name_is_a_conflict_and_changes_nothing() {
    let desk = Desk::open(Fake::new()).await;
    desk.watch(DEPLOY, oak()).await;
    for other in [
        json!({"initial_instance_count": 2}),
        json!({"instance_type": "ml.c5.xlarge"}),
        json!({"environment": {"A": "b"}}),
    ] {
        let told = desk.watch(DEPLOY, oak_and(other)).await;
        assert_eq!((told.code(), told.next().0), ("conflict", "describe_sagemaker_endpoint"));
    }
    assert_eq!(desk.fake.writes().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_failed_before_is_told_with_the_reason_and_the_call_that_clears_it() {
    let fake = shown(Arc::new(|seconds, seen| {
        seen.status = if seconds < 60 { "Creating" } else { "Failed" }.into();
        seen.failure_reason = Some("no capacity".into());
    }));
    let (desk, _) = check(fake, oak()).await;
    let told = desk.watch(DEPLOY, oak()).await;
    assert_eq!((told.code(), told.text("/error/backend/text"), told.at), ("failed_before", "no capacity", 60));
    desk.fake.state().show = stages(&[(0, "Creating"), (60, "InService")]);
    assert_eq!(desk.go_on(&told).await.state(), "succeeded");
    assert_eq!(desk.watch(DEPLOY, oak()).await.state(), "succeeded", "the name is free again");
}

#[tokio::test(start_paused = true)]
async fn a_start_does_not_join_what_somebody_wants_to_end() {
    let desk = Desk::open(Fake::new()).await;
    desk.call(DEPLOY, oak()).await;
    desk.call("delete_sagemaker_endpoint", json!({"endpoint_name": "oak", "confirm": "oak", "wait_seconds": 0})).await;
    let told = desk.watch(DEPLOY, oak()).await;
    assert_eq!((told.code(), told.text("/error/status")), ("failed_before", "Creating"));
    assert_eq!(told.next(), ("delete_sagemaker_endpoint", json!({"endpoint_name": "oak", "confirm": "oak"})));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_being_deleted_is_free_later_by_the_same_call() {
    let desk = Desk::open(Fake::new()).await;
    desk.watch(DEPLOY, oak()).await;
    desk.call("delete_sagemaker_endpoint", json!({"endpoint_name": "oak", "confirm": "oak", "wait_seconds": 0})).await;
    let told = desk.watch(DEPLOY, oak()).await;
    assert_eq!((told.code(), told.next().0, &told.report["error"]["retryable"]), ("not_yet", DEPLOY, &json!(true)));
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!(desk.go_on(&told).await.state(), "succeeded");
}

#[tokio::test(start_paused = true)]
async fn a_licence_that_is_not_accepted_is_refused_with_its_address_before_anything_is_made() {
    let desk = Desk::open(Fake::new()).await;
    let told = desk.watch(DEPLOY, json!({"model_id": GATED})).await;
    assert_eq!((told.code(), desk.fake.writes(), desk.fake.asked("ListRoles")), ("invalid_argument", vec![], vec![]));
    assert!(told.advises("https://") && told.advises("eula/rocket.txt") && told.advises("`accept_eula`"), "{told:?}");
    let accepted = desk.watch(DEPLOY, json!({"model_id": GATED, "accept_eula": true})).await;
    assert_eq!((accepted.state(), desk.fake.writes().len()), ("succeeded", 3));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_not_there_is_told_with_similar_ids() {
    let told = refused(Fake::new(), json!({"model_id": "acme-tabular-oaks"})).await;
    assert_eq!(told.code(), "not_found");
    assert!(told.advises("acme-tabular-oak"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_version_pattern_is_looked_up_where_all_versions_are() {
    let fake = Fake::new();
    // The fixture is published there.
    fake.state().region = "us-east-1";
    let (desk, told) = check(fake, oak_and(json!({"model_version": "1.*"}))).await;
    assert_eq!((told.state(), desk.fake.asked("GetObject").len()), ("succeeded", 2));
    let told = refused(Fake::new(), oak_and(json!({"model_version": "7.*"}))).await;
    assert_eq!(told.code(), "not_found");
}

#[tokio::test(start_paused = true)]
async fn an_instance_type_that_the_model_does_not_support_is_refused_with_those_that_it_does() {
    let told = refused(Fake::new(), oak_and(json!({"instance_type": "ml.p5.48xlarge"}))).await;
    assert_eq!(told.code(), "invalid_argument");
    assert!(told.sentence.contains("ml.m5.large"), "{}", told.sentence);
}

#[tokio::test(start_paused = true)]
async fn a_role_is_never_guessed_among_several_and_never_made() {
    let fake = Fake::new();
    fake.state().roles = vec!["arn:aws:iam::1:role/a".into(), "arn:aws:iam::1:role/b".into()];
    let told = refused(fake, oak()).await;
    assert!(told.sentence.contains("`role_arn`") && told.advises("role/a, arn:aws:iam::1:role/b"), "{told:?}");
    let fake = Fake::new();
    fake.state().roles.clear();
    assert!(refused(fake, oak()).await.advises("sagemaker.amazonaws.com"));
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_named_or_set_is_taken_without_a_look_at_iam() {
    let set = Config { role_arn: Some("arn:aws:iam::1:role/set".into()), ..config() };
    for (config, more) in [(set, json!({})), (config(), json!({"role_arn": "arn:aws:iam::1:role/named"}))] {
        let desk = Desk::with(Fake::new(), &config).await;
        assert_eq!(desk.watch(DEPLOY, oak_and(more)).await.state(), "succeeded");
        assert_eq!(desk.fake.asked("ListRoles"), [0; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_start_that_was_refused_has_made_is_named_with_the_call_that_finds_it() {
    let quota = || aws("CreateEndpoint", "ResourceLimitExceeded", "The limit 'ml.m5.large' is 0 Instances", 400);
    let (desk, told) = check(Fake::new().trouble("CreateEndpoint", 0..9, quota), oak()).await;
    assert_eq!((told.code(), told.next().0), ("quota", "cleanup_leftovers"));
    assert!(told.text("/error/backend/text").contains("ml.m5.large") && told.advises("Service Quotas"));
    let name = desk.fake.state().parts[0].listed.name.clone();
    assert_eq!(told.report["leftovers"], json!([format!("model {name}"), format!("endpoint-config {name}")]));
    let listed = desk.go_on(&told).await;
    assert_eq!(
        (listed.text("/result/leftovers/0/name"), &listed.report["result"]["leftovers"][0]["young"]),
        (name.as_str(), &json!(true))
    );
}

#[tokio::test(start_paused = true)]
async fn credentials_of_another_account_are_refused_with_both_accounts_named() {
    let text = "the credentials belong to account 2, and AWS_ACCOUNT_ID allows 1 only";
    let told =
        refused(Fake::new().trouble("", 0..9, move || aws("DescribeEndpoint", "AccessDenied", text, 403)), oak()).await;
    assert_eq!((told.code(), told.text("/error/backend/text")), ("forbidden", text));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_only_reads_starts_nothing_and_names_the_flag() {
    let fake = Arc::new(Fake::new());
    let reader =
        sagemaker_mcp::server(fake.clone(), &config(), Settings { allowed: Class::Read, ..Settings::default() });
    let told = Desk::at(reader, fake.clone()).await.watch(DEPLOY, oak()).await;
    assert_eq!((told.code(), fake.asked("").len()), ("forbidden", 0));
    assert!(told.advises("--allow-write"));
}

#[tokio::test(start_paused = true)]
async fn the_types_that_a_model_speaks_come_from_its_endpoints_tags() {
    let desk = Desk::open(Fake::new()).await;
    desk.call(DEPLOY, oak()).await;
    let types = [(names::TAG_CONTENT_TYPE, "application/x-image"), (names::TAG_ACCEPT_TYPE, "text/csv")];
    let types = types.map(|(tag, mime)| (tag.to_owned(), mime.to_owned()));
    desk.fake.state().endpoints.get_mut("oak").unwrap().tags.extend(types);
    let told = desk.watch(DEPLOY, oak()).await;
    let info = json!({"endpoint_name": "oak", "content_type": "application/x-image", "accept_type": "text/csv"});
    assert_eq!(told.report["result"]["predictor_info"], info);
}

/// Deploys a model whose document has these fields, too; the types that it is said to speak.
async fn types_of(document: &str, more: Value, version: Value) -> Value {
    let fake = Fake::new();
    let mut document: Value = serde_json::from_str(document).unwrap();
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    (fake.state().document, fake.state().region) = (Some(document.to_string()), "us-east-1");
    let (_, told) = check(fake, oak_and(json!({"model_version": version}))).await;
    let info = &told.report["result"]["predictor_info"];
    json!([info["content_type"], info["accept_type"]])
}

#[tokio::test(start_paused = true)]
async fn the_types_that_a_models_spec_names_are_told() {
    let spec = include_str!("../../fixtures/open_cpu.spec.json");
    let named = |types: Value| json!({"predictor_specs": types});
    let both = named(json!({"default_content_type": "application/x-image", "default_accept_type": "text/csv"}));
    assert_eq!(types_of(spec, both, json!("1.*")).await, json!(["application/x-image", "text/csv"]));
    let odd = named(json!({"default_content_type": "application/json;verbose"}));
    assert_eq!(types_of(spec, odd, json!("1.*")).await, json!(["application/json", "application/json"]));
}

#[tokio::test(start_paused = true)]
async fn the_types_that_a_models_hub_document_names_are_told() {
    let hub = include_str!("../../fixtures/open_cpu.hub.json");
    let types = json!({"DefaultContentType": "application/x-image", "DefaultAcceptType": "text/csv"});
    let named = json!({"SageMakerSdkPredictorSpecifications": types});
    assert_eq!(types_of(hub, named, json!(null)).await, json!(["application/x-image", "text/csv"]));
}

#[tokio::test(start_paused = true)]
async fn a_success_stands_although_its_tags_cannot_be_read() {
    let fake = Fake::new().trouble("ListTags", 100..9999, || aws("ListTags", "AccessDenied", "no", 403));
    let (_, told) = check(fake, oak()).await;
    assert_eq!((told.state(), told.text("/result/predictor_info/content_type")), ("succeeded", "application/json"));
}
