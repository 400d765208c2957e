//! `invoke_sagemaker_endpoint`: one request, sent once, and what came of it.

use std::{sync::Arc, time::Duration};

use longhaul::{mcp::Settings, tool::Class};
use sagemaker_mcp::names;
use serde_json::{Value, json};

use crate::{
    deploy::{DEPLOY, oak},
    desk::{Desk, Told, config},
    fake::{Fake, aws, stages},
};

const INVOKE: &str = "invoke_sagemaker_endpoint";

/// A document of the oak with these fields, too.
pub(crate) fn document(more: &Value) -> String {
    let mut document: Value = serde_json::from_str(include_str!("../../fixtures/open_cpu.hub.json")).unwrap();
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    document.to_string()
}

/// An endpoint of a model whose document says so.
pub(crate) async fn deployed(more: Value) -> Desk {
    let fake = Fake::new();
    fake.state().document = Some(document(&more));
    let desk = Desk::open(fake).await;
    assert_eq!(desk.watch(DEPLOY, oak()).await.state(), "succeeded");
    desk
}

fn endpoint() -> Fake {
    Fake::new().with("oak", stages(&[(0, "InService")]))
}

async fn check(fake: Fake, more: Value) -> (Desk, Told) {
    let desk = Desk::open(fake).await;
    let told = ask(&desk, more).await;
    (desk, told)
}

async fn ask(desk: &Desk, more: Value) -> Told {
    let mut arguments = json!({"endpoint_name": "oak"});
    arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    desk.call(INVOKE, arguments).await
}

/// What the model was asked last, with both types.
fn asked(desk: &Desk) -> (String, String, String) {
    let state = desk.fake.state();
    let last = state.invoked.last().unwrap_or_else(|| panic!("it was not asked"));
    (String::from_utf8(last.body.clone()).unwrap(), last.content_type.clone(), last.accept.clone())
}

/// A failed request, which was made once, with this error.
async fn failed(code: &'static str, text: &'static str, http: u16) -> Told {
    let (desk, told) = check(
        endpoint().trouble("InvokeEndpoint", 0..99, move || aws("InvokeEndpoint", code, text, http)),
        json!({"payload": {"inputs": "hi"}}),
    )
    .await;
    assert_eq!((told.is_error, desk.fake.asked("InvokeEndpoint").len()), (true, 1));
    told
}

fn presets() -> Value {
    json!({"DefaultPayloads": {
        "a picture": {"Body": "$s3<inference/cat.jpg>", "ContentType": "application/x-image"},
        "hello": {"Body": {"inputs": "Hello"}, "ContentType": "application/vnd.oak+json", "Accept": "text/csv", "PromptKey": "inputs"},
    }})
}

fn types() -> Value {
    json!({"SageMakerSdkPredictorSpecifications": {"DefaultContentType": "text/csv", "DefaultAcceptType": "application/x-oak"}})
}

#[tokio::test(start_paused = true)]
async fn json_is_sent_and_shown_as_json() {
    let (desk, told) = check(endpoint(), json!({"payload": {"inputs": "hi"}})).await;
    let (body, json_type) = (r#"{"inputs":"hi"}"#.to_owned(), "application/json".to_owned());
    assert_eq!(asked(&desk), (body, json_type.clone(), json_type));
    let result = &told.report["result"];
    assert_eq!((&result["body"], &result["bytes"]), (&json!({"generated_text": "hello"}), &json!(27)));
    assert_eq!((&result["latency_ms"], &result["truncated"]), (&json!(120), &Value::Null));
    let (_, told) = check(endpoint(), json!({"payload": [[1, 2]]})).await;
    assert!(!told.is_error);
}

#[tokio::test(start_paused = true)]
async fn a_text_is_sent_as_it_is_and_an_answer_that_is_no_json_shown_as_text() {
    let fake = endpoint();
    fake.state().answer = b"0.1,0.9\n".to_vec();
    let (desk, told) =
        check(fake, json!({"payload": "1,2\n3,4", "content_type": "text/csv", "accept": "text/csv"})).await;
    assert_eq!(asked(&desk), ("1,2\n3,4".into(), "text/csv".into(), "text/csv".into()));
    assert_eq!(told.text("/result/body"), "0.1,0.9\n");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_text_is_not_shown() {
    let fake = endpoint();
    fake.state().answer = vec![0xff, 0xd8, 0xff, 0xe0];
    let (_, told) = check(fake, json!({"payload": {}})).await;
    assert_eq!(
        (told.is_error, &told.report["result"]["body"], &told.report["result"]["bytes"]),
        (false, &json!(null), &json!(4))
    );
}

#[tokio::test(start_paused = true)]
async fn a_smoke_test_sends_the_published_example_with_its_types() {
    let desk = deployed(presets()).await;
    let told = ask(&desk, json!({"smoke_test": true})).await;
    assert_eq!(asked(&desk), (r#"{"inputs":"Hello"}"#.into(), "application/vnd.oak+json".into(), "text/csv".into()));
    assert_eq!((told.text("/result/preset"), told.is_error), ("hello", false), "an address of a file is no request");
}

#[tokio::test(start_paused = true)]
async fn a_model_without_an_example_cannot_be_smoke_tested_and_the_tool_that_writes_one_is_named() {
    for desk in [deployed(json!({})).await, Desk::open(endpoint()).await] {
        let told = ask(&desk, json!({"smoke_test": true})).await;
        assert_eq!((told.code(), told.next().0), ("unsupported", "create_inference_payload"));
        let written = desk.go_on(&told).await;
        assert_eq!((written.next().0, desk.go_on(&written).await.is_error), (INVOKE, false));
    }
}

#[tokio::test(start_paused = true)]
async fn the_types_are_the_models_unless_the_caller_names_others() {
    let desk = deployed(types()).await;
    ask(&desk, json!({"payload": "1,2"})).await;
    assert_eq!(asked(&desk), ("1,2".into(), "text/csv".into(), "application/x-oak".into()));
    ask(&desk, json!({"payload": "1,2", "accept": "text/plain"})).await;
    assert_eq!(asked(&desk), ("1,2".into(), "text/csv".into(), "text/plain".into()));
    ask(&desk, json!({"payload": "1,2", "content_type": "text/tab; charset=utf-8"})).await;
    assert_eq!(asked(&desk), ("1,2".into(), "text/tab; charset=utf-8".into(), "application/x-oak".into()));
}

#[tokio::test(start_paused = true)]
async fn the_types_in_the_endpoints_tags_are_taken_where_the_document_cannot_be_read() {
    let mut desk = deployed(types()).await;
    desk.fake.state().document = Some("no document".into());
    ask(&desk, json!({"payload": "1,2"})).await;
    assert_eq!(asked(&desk), ("1,2".into(), "text/csv".into(), "application/x-oak".into()));
    desk = Desk::open(endpoint()).await;
    let tags = [(names::TAG_CONTENT_TYPE, "text/csv"), (names::TAG_ACCEPT_TYPE, "text/csv")];
    let tags = tags.map(|(tag, mime)| (tag.to_owned(), mime.to_owned()));
    desk.fake.state().endpoints.get_mut("oak").unwrap().tags.extend(tags);
    ask(&desk, json!({"payload": "1,2"})).await;
    assert_eq!(asked(&desk), ("1,2".into(), "text/csv".into(), "text/csv".into()));
}

#[tokio::test(start_paused = true)]
async fn tags_that_cannot_be_read_do_not_keep_a_request_back() {
    let (desk, told) = check(endpoint().denied("ListTags"), json!({"payload": {}})).await;
    assert_eq!((told.is_error, asked(&desk).1.as_str()), (false, "application/json"));
}

#[tokio::test(start_paused = true)]
async fn more_than_a_mebibyte_is_not_sent() {
    for payload in [json!("x".repeat((1 << 20) + 1)), json!({"inputs": "x".repeat(1 << 20)})] {
        let (desk, told) = check(endpoint(), json!({"payload": payload})).await;
        assert_eq!((told.code(), desk.fake.asked("InvokeEndpoint").len()), ("invalid_argument", 0));
        assert!(told.sentence.starts_with("`payload`: has 10485"), "{}", told.sentence);
    }
    let (_, told) = check(endpoint(), json!({"payload": "x".repeat(1 << 20)})).await;
    assert!(!told.is_error, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn of_a_long_answer_the_beginning_is_shown_and_that_it_is_not_all() {
    let long = json!({"generated_text": "word ".repeat(40_000)}).to_string();
    for answer in [long.clone().into_bytes(), "word ".repeat(20_000).into_bytes()] {
        let fake = endpoint();
        fake.state().answer = answer.clone();
        let (_, told) = check(fake, json!({"payload": {}})).await;
        let result = &told.report["result"];
        assert_eq!((&result["truncated"], &result["bytes"]), (&json!(true), &json!(answer.len())));
        let shown = told.text("/result/body");
        assert!((60_000..=65_536).contains(&shown.len()) && shown.ends_with("[cut]"), "{} bytes", shown.len());
    }
    let fake = endpoint();
    fake.state().answer = json!({"generated_text": "word ".repeat(12_000)}).to_string().into_bytes();
    let (_, told) = check(fake, json!({"payload": {}})).await;
    let shown = told.text("/result/body/generated_text");
    assert_eq!((shown.len(), &told.report["result"]["truncated"]), (60_000, &Value::Null), "what fits is shown whole");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_model_is_told_with_the_call_that_shows_its_log() {
    let text = "Received server error (500) from primary with message \"CUDA error\"";
    let told = failed("ModelError", text, 424).await;
    assert_eq!((told.code(), told.text("/error/backend/text")), ("operation_failed", text));
    assert_eq!(told.next(), ("get_sagemaker_endpoint_logs", json!({"endpoint_name": "oak"})));
    assert_eq!(told.report["error"]["retryable"], json!(false));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_not_ready_is_waited_for() {
    let told = failed("ModelNotReadyException", "Model not ready", 429).await;
    assert_eq!(
        (told.code(), told.next().0, &told.report["error"]["retryable"]),
        ("not_yet", "wait_sagemaker_endpoint", &json!(true))
    );
}

#[tokio::test(start_paused = true)]
async fn other_refusals_are_told_as_what_they_are() {
    assert_eq!(failed("AccessDeniedException", "not authorized", 403).await.code(), "forbidden");
    assert_eq!(
        failed("ValidationError", "Endpoint oak of account 1 not found.", 400).await.next().0,
        "list_sagemaker_endpoints"
    );
    assert_eq!(failed("ThrottlingException", "Rate exceeded", 429).await.code(), "throttled");
}

#[tokio::test(start_paused = true)]
async fn whether_a_request_without_an_answer_was_worked_on_nobody_knows() {
    for (more, at) in [(json!({"timeout_seconds": 7}), 7), (json!({}), 50)] {
        let fake = endpoint();
        fake.state().thinking = Duration::from_secs(55);
        let mut arguments = json!({"payload": {}});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (desk, told) = check(fake, arguments).await;
        assert_eq!((told.code(), told.at, desk.fake.asked("InvokeEndpoint").len()), ("outcome_unknown", at, 1));
        assert_eq!((told.next().0, &told.report["error"]["retryable"]), ("get_sagemaker_endpoint_logs", &json!(false)));
        assert!(told.sentence.contains("may have worked all the same"), "{}", told.sentence);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_only_reads_sends_nothing_and_names_the_flag() {
    let fake = Arc::new(endpoint());
    let settings = Settings { allowed: Class::Read, ..Settings::default() };
    let server = sagemaker_mcp::server(fake.clone(), &config(), settings);
    let told = ask(&Desk::at(server, fake.clone()).await, json!({"payload": {}})).await;
    assert_eq!((told.code(), fake.asked("").len()), ("forbidden", 0));
    assert!(told.advises("--allow-write"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn wrong_arguments_are_refused_and_nothing_is_sent() {
    for (more, argument) in [
        (json!({}), "payload"),
        (json!({"payload": 7}), "payload"),
        (json!({"payload": {}, "smoke_test": true}), "payload"),
        (json!({"payload": {}, "timeout_seconds": 61}), "timeout_seconds"),
        (json!({"payload": {}, "content_type": "json"}), "content_type"),
        (json!({"payload": {}, "accept": "text/csv\r\nx: y"}), "accept"),
        (json!({"payload": {}, "endpoint_name": "a/b"}), "endpoint_name"),
    ] {
        let (desk, told) = check(endpoint(), more.clone()).await;
        assert_eq!((told.code(), desk.fake.asked("").len()), ("invalid_argument", 0), "{more}");
        assert!(told.sentence.starts_with(&format!("`{argument}`")), "{}", told.sentence);
    }
}
