//! `search_jumpstart_models`, `describe_jumpstart_model` and `recommend_instance`, against the
//! fixtures' list and documents.

use serde_json::{Value, json};

use crate::{
    desk::{Desk, Told},
    fake::{Fake, GATED, OPEN, aws},
    invoke::document,
    plan::PLAN,
};

const SEARCH: &str = "search_jumpstart_models";
const DESCRIBE: &str = "describe_jumpstart_model";
const RECOMMEND: &str = "recommend_instance";

async fn check(fake: Fake, tool: &str, arguments: Value) -> (Desk, Told) {
    let desk = Desk::open(fake).await;
    let told = desk.call(tool, arguments).await;
    assert_eq!(desk.fake.writes(), [""; 0]);
    (desk, told)
}

/// Ids and versions of what a search finds.
async fn found(arguments: Value) -> Vec<String> {
    let (_, told) = check(Fake::new(), SEARCH, arguments).await;
    let models = told.report["result"]["models"].as_array().unwrap_or_else(|| panic!("{told:?}"));
    models
        .iter()
        .map(|model| format!("{} {}", model["model_id"].as_str().unwrap(), model["version"].as_str().unwrap()))
        .collect()
}

const ROCKET: &str = "acme-chat-rocket 1.10.0";
const OAK: &str = "acme-tabular-oak 1.0.0";

#[tokio::test(start_paused = true)]
async fn all_models_are_found_in_their_newest_version() {
    assert_eq!(found(json!({})).await, [ROCKET, OAK]);
}

#[tokio::test(start_paused = true)]
async fn models_are_found_by_all_words_in_id_provider_or_keywords() {
    assert_eq!(found(json!({"query": "TEXT rocket acme"})).await, [ROCKET]);
    assert_eq!(found(json!({"query": "oak"})).await, [OAK]);
    assert_eq!(found(json!({"query": "oak rocket"})).await, [""; 0]);
    assert_eq!(found(json!({"provider": "ACME"})).await.len(), 2);
    assert_eq!(found(json!({"provider": "meta"})).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_was_withdrawn_or_is_vulnerable_is_left_out_unless_it_is_wanted() {
    assert_eq!(found(json!({"query": "rocket", "include_deprecated": true})).await, ["acme-chat-rocket 2.0.0"]);
    let (_, told) = check(Fake::new(), SEARCH, json!({"query": "rocket", "include_deprecated": true})).await;
    assert_eq!(told.report["result"]["models"][0]["deprecated"], json!(true));
}

#[tokio::test(start_paused = true)]
async fn pages_of_models_follow_each_other() {
    let desk = Desk::open(Fake::new()).await;
    let first = desk.call(SEARCH, json!({"max_results": 1})).await;
    let (models, total) = (first.report["result"]["models"].as_array().unwrap(), &first.report["result"]["total"]);
    assert_eq!((models.len(), total, first.sentence.as_str()), (1, &json!(2), "Models that fit: 2, shown: 1."));
    let second = desk.call(SEARCH, json!({"max_results": 1, "cursor": first.report["result"]["cursor"]})).await;
    assert_eq!((second.text("/result/models/0/model_id"), second.text("/result/cursor")), (OPEN, "nothing"));
    assert_eq!(desk.fake.asked("GetObject").len(), 1, "the list is some megabytes");
}

#[tokio::test(start_paused = true)]
async fn a_list_of_models_is_read_anew_after_ten_minutes() {
    let desk = Desk::open(Fake::new()).await;
    for asked in [1, 2] {
        desk.call(SEARCH, json!({})).await;
        assert_eq!(desk.fake.asked("GetObject").len(), asked);
        tokio::time::sleep(std::time::Duration::from_secs(600)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_search_is_refused_and_a_cursor_beyond_the_end_finds_nothing() {
    for (more, argument) in [
        (json!({"max_results": 0}), "max_results"),
        (json!({"query": "x".repeat(257)}), "query"),
        (json!({"provider": "a*"}), "provider"),
        (json!({"cursor": "made-up"}), "cursor"),
    ] {
        let (_, told) = check(Fake::new(), SEARCH, more).await;
        assert!(told.code() == "invalid_argument" && told.sentence.starts_with(&format!("`{argument}`")), "{told:?}");
    }
    for beyond in ["2", "99", "18446744073709551615"] {
        assert_eq!(found(json!({"cursor": beyond})).await, [""; 0], "{beyond}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_is_described_with_what_matters_for_its_deployment() {
    let (desk, told) = check(Fake::new(), DESCRIBE, json!({"model_id": OPEN})).await;
    let result = &told.report["result"];
    assert_eq!(
        (&result["version"], &result["versions"], &result["deprecated"]),
        (&json!("1.0.0"), &json!(["1.0.0"]), &json!(false))
    );
    let expected = json!([{
        "default_instance_type": "ml.m5.large",
        "instance_types": ["ml.m5.large", "ml.c5.xlarge", "ml.g5.xlarge", "ml.m7g.large"],
        "eulas": {}, "presets": [],
    }]);
    assert_eq!(result["configs"], expected);
    let planned = desk.go_on(&told).await;
    assert_eq!((told.next().0, &planned.report["result"]["ready"]), (PLAN, &json!(true)));
}

#[tokio::test(start_paused = true)]
async fn a_gated_model_is_described_with_its_licences_and_the_arguments_that_accept_them() {
    let (_, told) = check(Fake::new(), DESCRIBE, json!({"model_id": GATED})).await;
    let result = &told.report["result"];
    assert_eq!(result["versions"], json!(["2.0.0", "1.10.0", "1.9.3"]));
    assert_eq!(result["notices"], json!(["rocket answers in English only"]));
    let names: Vec<_> =
        result["configs"].as_array().unwrap().iter().map(|config| &config["inference_config"]).collect();
    assert_eq!(names, ["djl", "assisted-djl"], "best ranked first");
    let eulas = &result["configs"][1]["eulas"];
    assert!(eulas["accept_eula"].as_str().unwrap().ends_with("/acme/eula/rocket.txt"), "{eulas}");
    assert!(eulas["accept_additional_eulas: draft_model"].as_str().unwrap().starts_with("https://"), "{eulas}");
}

#[tokio::test(start_paused = true)]
async fn a_model_is_described_with_its_examples_and_types() {
    let fake = Fake::new();
    fake.state().document = Some(document(&json!({
        "Task": "Text Generation", "License": "apache-2.0",
        "DefaultPayloads": {"hello": {"Body": {"inputs": "Hello"}, "ContentType": "application/json"}},
        "SageMakerSdkPredictorSpecifications": {"DefaultContentType": "text/csv"},
    })));
    let (_, told) = check(fake, DESCRIBE, json!({"model_id": OPEN})).await;
    let config = &told.report["result"]["configs"][0];
    assert_eq!((&config["presets"], &config["content_type"]), (&json!(["hello"]), &json!("text/csv")));
    assert_eq!((told.text("/result/task"), told.text("/result/license")), ("Text Generation", "apache-2.0"));
}

#[tokio::test(start_paused = true)]
async fn a_version_is_described_by_its_pattern_and_an_unknown_one_refused() {
    let fake = Fake::new();
    fake.state().region = "us-east-1";
    let (_, told) = check(fake, DESCRIBE, json!({"model_id": GATED, "model_version": "1.*"})).await;
    assert_eq!(told.text("/result/version"), "1.10.0");
    let (_, told) = check(Fake::new(), DESCRIBE, json!({"model_id": GATED, "model_version": "7.*"})).await;
    assert_eq!(told.code(), "not_found");
    assert!(told.sentence.contains("1.10.0"), "{}", told.sentence);
}

#[tokio::test(start_paused = true)]
async fn a_model_is_described_although_the_list_of_all_cannot_be_read() {
    let (_, told) = check(Fake::new().denied("GetObject"), DESCRIBE, json!({"model_id": OPEN})).await;
    assert_eq!((told.is_error, &told.report["result"]["versions"]), (false, &json!([])));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_is_not_there_is_told_with_similar_ids_by_each_tool() {
    for tool in [DESCRIBE, RECOMMEND] {
        let (desk, told) = check(Fake::new(), tool, json!({"model_id": "acme-tabular-oaks"})).await;
        assert_eq!((told.code(), told.next().0), ("not_found", SEARCH));
        assert!(told.advises(OPEN) && !desk.go_on(&told).await.is_error);
    }
}

/// An account with these quotas and prices, by type, in the order of the model's types.
fn account(quotas: [f64; 4], prices: [f64; 4]) -> Fake {
    let types = ["ml.m5.large", "ml.c5.xlarge", "ml.g5.xlarge", "ml.m7g.large"].map(str::to_owned);
    let fake = Fake::new();
    fake.state().quotas = types.clone().into_iter().zip(quotas).collect();
    fake.state().prices = types.into_iter().zip(prices).collect();
    fake
}

fn candidates(told: &Told) -> Vec<&str> {
    let candidates = told.report["result"]["candidates"].as_array().unwrap_or_else(|| panic!("{told:?}"));
    candidates.iter().map(|candidate| candidate["instance_type"].as_str().unwrap()).collect()
}

async fn recommended(fake: Fake, more: Value) -> (Desk, Told) {
    let mut arguments = json!({"model_id": OPEN});
    arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    check(fake, RECOMMEND, arguments).await
}

#[tokio::test(start_paused = true)]
async fn types_are_recommended_with_quota_and_price_the_default_first() {
    let (desk, told) = recommended(account([2.0, 1.0, 1.0, 1.0], [0.115, 0.2, 1.4, 0.1]), json!({})).await;
    assert_eq!(candidates(&told), ["ml.m5.large", "ml.c5.xlarge", "ml.g5.xlarge", "ml.m7g.large"]);
    let first = &told.report["result"]["candidates"][0];
    assert_eq!(
        (&first["quota"], &first["hourly_usd"], &first["is_default"]),
        (&json!(2.0), &json!(0.115), &json!(true))
    );
    let planned = desk.go_on(&told).await;
    assert_eq!((told.next().0, &planned.report["result"]["ready"]), (PLAN, &json!(true)), "{planned:?}");
}

#[tokio::test(start_paused = true)]
async fn a_type_without_quota_is_recommended_last() {
    let (_, told) = recommended(account([0.0, 1.0, 0.0, 1.0], [1.0; 4]), json!({})).await;
    assert_eq!(candidates(&told), ["ml.c5.xlarge", "ml.m7g.large", "ml.m5.large", "ml.g5.xlarge"]);
    assert_eq!(told.next().1["instance_type"], "ml.c5.xlarge");
}

#[tokio::test(start_paused = true)]
async fn what_costs_more_than_wanted_is_left_out() {
    let (_, told) = recommended(account([1.0; 4], [0.115, 0.2, 1.4, 0.1]), json!({"max_hourly_usd": 0.15})).await;
    assert_eq!(
        (candidates(&told), &told.report["result"]["unknown"]),
        (vec!["ml.m5.large", "ml.m7g.large"], &json!([]))
    );
    let (_, told) = recommended(account([1.0; 4], [1.0; 4]), json!({"max_hourly_usd": 0.0})).await;
    assert_eq!((candidates(&told).len(), told.next().0), (0, "nothing"));
    assert!(told.sentence.starts_with("No instance type is left"), "{}", told.sentence);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_found_out_is_told_and_leaves_nothing_out() {
    let fake = || account([1.0; 4], [1.0; 4]);
    for fake in [fake().denied("GetProducts"), fake().hanging("GetProducts")] {
        let (_, told) = recommended(fake, json!({"max_hourly_usd": 0.5})).await;
        assert_eq!((candidates(&told).len(), told.text("/result/candidates/0/hourly_usd")), (4, "unknown"));
        assert!(told.text("/result/unknown/0").starts_with("prices"), "{told:?}");
        assert!(told.at <= 10, "{} s", told.at);
    }
    let (_, told) = recommended(fake().denied("ListServiceQuotas"), json!({})).await;
    assert_eq!((candidates(&told).len(), &told.report["result"]["candidates"][0]["quota"]), (4, &json!(null)));
    assert!(told.text("/result/unknown/0").starts_with("quotas"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn the_publishers_measurements_rank_for_the_use() {
    let metric = |name: &str, value: &str| json!({"Name": name, "Unit": "u", "Value": value, "Concurrency": "1"});
    let mut document: Value = serde_json::from_str(include_str!("../../fixtures/gated_chat.hub.json")).unwrap();
    document["InferenceConfigs"]["djl"]["BenchmarkMetrics"] = json!({
        "ml.p3.16xlarge": [metric("Throughput", "10"), metric("Latency", "0.1")],
        "ml.p6-b200.48xlarge": [metric("Throughput", "90"), metric("Latency", "2")],
    });
    for (use_case, first) in
        [("high_throughput", "ml.p6-b200.48xlarge"), ("low_latency", "ml.p3.16xlarge"), ("general", "ml.p4d.24xlarge")]
    {
        let fake = Fake::new();
        fake.state().document = Some(document.to_string());
        let (_, told) = check(fake, RECOMMEND, json!({"model_id": GATED, "use_case": use_case})).await;
        assert_eq!(
            (candidates(&told)[0], told.next().1["inference_config"].clone()),
            (first, json!("djl")),
            "{told:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_with_the_document_is_told_as_trouble() {
    for tool in [DESCRIBE, RECOMMEND] {
        let storm = || aws("DescribeHubContent", "ThrottlingException", "Rate exceeded", 400);
        let fake = Fake::new().trouble("DescribeHubContent", 0..9, storm);
        let (_, told) = check(fake, tool, json!({"model_id": OPEN})).await;
        assert_eq!((told.code(), &told.report["error"]["retryable"]), ("throttled", &json!(true)));
    }
}
