//! What JumpStart offers: found, described, recommended, and asked in its own form.

use longhaul_e2e::{Setup, Sim, Stdio, report};
use serde_json::{Value, json};

const OPEN: &str = "sim-ic-mobilenet";
const GATED: &str = "sim-textgeneration-gated-7b";

/// A process that may only read.
fn reader(sim: &Sim) -> Stdio {
    Setup::sagemaker(sim).without_flags().stdio()
}

async fn told(server: &mut Stdio, tool: &str, arguments: Value) -> Value {
    let answer = server.call(tool, arguments).await;
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    report(&answer)["result"].clone()
}

fn ids(found: &Value) -> Vec<&str> {
    found["models"].as_array().unwrap().iter().map(|model| model["model_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn models_are_found_by_words_newest_version_only_a_page_at_a_time() {
    let sim = Sim::start(&[]).await;
    let mut server = reader(&sim);
    let found = told(&mut server, "search_jumpstart_models", json!({ "query": "text generation" })).await;
    assert_eq!(ids(&found), [GATED], "{found}");
    let found = told(&mut server, "search_jumpstart_models", json!({ "query": "vision" })).await;
    assert_eq!((ids(&found), &found["models"][0]["version"]), (vec![OPEN], &json!("2.1.0")), "{found}");
    let first = told(&mut server, "search_jumpstart_models", json!({ "query": "sim", "max_results": 1 })).await;
    let cursor = first["cursor"].clone();
    let rest = json!({ "query": "sim", "max_results": 1, "cursor": cursor });
    let second = told(&mut server, "search_jumpstart_models", rest).await;
    assert_eq!((&first["total"], ids(&first) != ids(&second)), (&json!(2), true), "{first} {second}");
    assert!(second.get("cursor").is_none(), "{second}");
}

#[tokio::test]
async fn a_model_is_described_with_its_licence_and_its_configs() {
    let sim = Sim::start(&[]).await;
    let mut server = reader(&sim);
    let model = told(&mut server, "describe_jumpstart_model", json!({ "model_id": GATED })).await;
    let configs = model["configs"].as_array().unwrap();
    let names: Vec<&Value> = configs.iter().map(|config| &config["inference_config"]).collect();
    assert_eq!(names, ["lmi", "lmi-optimized"], "{model}");
    assert!(configs[0]["eulas"]["accept_eula"].as_str().unwrap().contains("simEula.txt"), "{model}");
    assert_eq!(
        (&configs[0]["presets"], &configs[0]["default_instance_type"]),
        (&json!(["begin"]), &json!("ml.g5.2xlarge"))
    );
    assert!(configs[1]["eulas"].to_string().contains("accept_additional_eulas: draft_model"), "{model}");
    let open = told(&mut server, "describe_jumpstart_model", json!({ "model_id": OPEN })).await;
    assert_eq!((&open["versions"], &open["deprecated"]), (&json!(["2.1.0", "1.0.0"]), &json!(false)), "{open}");
    let old = json!({ "model_id": OPEN, "model_version": "1.0.0" });
    assert_eq!(told(&mut server, "describe_jumpstart_model", old).await["deprecated"], true);
}

#[tokio::test]
async fn a_type_is_recommended_with_quota_price_and_measurements_and_leads_to_a_plan() {
    let sim = Sim::start(&[]).await;
    sim.settings(json!({ "instance_quotas": { "ml.g5.2xlarge": 0 } })).await;
    let mut server = reader(&sim);
    let advice = told(&mut server, "recommend_instance", json!({ "model_id": GATED })).await;
    let candidates = advice["candidates"].as_array().unwrap();
    let last = candidates.last().unwrap();
    // What the account may not have comes last, however good it is.
    assert_eq!(
        (&last["instance_type"], &last["quota"], &last["hourly_usd"]),
        (&json!("ml.g5.2xlarge"), &json!(0.0), &json!(1.515))
    );
    assert!(last["measured"].to_string().contains("38.2"), "{advice}");
    let mut next = advice["next"]["arguments"].clone();
    assert_eq!(next["instance_type"], candidates[0]["instance_type"], "{advice}");
    next["accept_eula"] = json!(true);
    next["accept_additional_eulas"] = json!(["draft_model"]);
    let plan = told(&mut server, "plan_deployment", next).await;
    assert_eq!((&plan["ready"], &plan["hourly_usd"]), (&json!(true), &candidates[0]["hourly_usd"]), "{plan}");
}

#[tokio::test]
async fn what_is_too_dear_is_left_out() {
    let sim = Sim::start(&[]).await;
    let advice =
        told(&mut reader(&sim), "recommend_instance", json!({ "model_id": OPEN, "max_hourly_usd": 0.21 })).await;
    let types: Vec<&Value> = advice["candidates"].as_array().unwrap().iter().map(|one| &one["instance_type"]).collect();
    assert_eq!(types, ["ml.m5.large", "ml.c5.xlarge"], "{advice}");
}

#[tokio::test]
async fn a_request_is_written_in_the_form_of_the_models_example() {
    let sim = Sim::start(&[]).await;
    let mut server = reader(&sim);
    let arguments = json!({ "model_id": GATED, "input_text": "Hello", "max_new_tokens": 5, "temperature": 0.1 });
    let written = told(&mut server, "create_inference_payload", arguments).await;
    assert_eq!((&written["preset"], &written["payload"]["inputs"]), (&json!("begin"), &json!("Hello")), "{written}");
    let parameters = &written["payload"]["parameters"];
    assert_eq!((&parameters["max_new_tokens"], &parameters["temperature"]), (&json!(5), &json!(0.1)), "{written}");
    assert_eq!(written["content_type"], "application/json", "{written}");
}

#[tokio::test]
async fn an_instruction_becomes_a_request() {
    let sim = Sim::start(&[]).await;
    let arguments = json!({ "model_id": GATED, "instruction": "Sum it up.", "context": "A long story." });
    let written = told(&mut reader(&sim), "create_instruction_payload", arguments).await;
    let prompt = written["payload"]["inputs"].as_str().unwrap();
    assert!(
        prompt.contains("### Instruction:\nSum it up.") && prompt.contains("### Input:\nA long story."),
        "{written}"
    );
}

#[tokio::test]
async fn a_model_that_takes_no_text_gets_none() {
    let sim = Sim::start(&[]).await;
    let answer =
        reader(&sim).call("create_inference_payload", json!({ "model_id": OPEN, "input_text": "Hello" })).await;
    assert_eq!(report(&answer)["error"]["code"], "unsupported", "{answer}");
}

#[tokio::test]
async fn what_is_not_there_leads_to_the_search() {
    let sim = Sim::start(&[]).await;
    let mut server = reader(&sim);
    for tool in ["describe_jumpstart_model", "recommend_instance"] {
        let answer = server.call(tool, json!({ "model_id": "sim-ic-mobilnet" })).await;
        let told = report(&answer);
        let seen = (&told["error"]["code"], &told["next"]["tool"]);
        assert_eq!(seen, (&json!("not_found"), &json!("search_jumpstart_models")), "{told}");
        assert!(told["error"].to_string().contains(OPEN), "{told}");
    }
}
