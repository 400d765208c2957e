//! Every argument of every tool, driven from the listed schema: what cannot be used is refused
//! at once with a fault that names it and says what would be right, and AWS is asked for nothing
//! that changes anything.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    deploy::oak,
    desk::{Desk, TOOLS, Told},
    fake::{Fake, OPEN, stages},
    untrusted::is_clean,
};

const LEFTOVER: &str = "a-lh-0123456789ab";

/// What a user looks for or says to a model is the user's own affair, whatever it is.
const FREE: [&str; 5] = ["query", "contains", "input_text", "instruction", "context"];

/// Arguments with which each tool does the most that it can.
fn good(tool: &str) -> Value {
    match tool {
        "deploy_jumpstart_model" => oak(),
        "delete_sagemaker_endpoint" => json!({"endpoint_name": "llama", "confirm": "llama"}),
        "cleanup_leftovers" => json!({"dry_run": false, "names": [LEFTOVER], "confirm": "1"}),
        "list_sagemaker_endpoints" | "check_environment" | "search_jumpstart_models" => json!({}),
        "describe_jumpstart_model" | "recommend_instance" | "plan_deployment" => json!({"model_id": OPEN}),
        "create_inference_payload" => json!({"input_text": "hello"}),
        "create_instruction_payload" => json!({"instruction": "sum up"}),
        "invoke_sagemaker_endpoint" => json!({"endpoint_name": "llama", "payload": {"inputs": "hello"}}),
        "update_sagemaker_endpoint" => json!({"endpoint_name": "llama", "model_id": OPEN}),
        "scale_sagemaker_endpoint" => json!({"endpoint_name": "llama", "instance_count": 2}),
        _ => json!({"endpoint_name": "llama"}),
    }
}

fn with(tool: &str, argument: &str, value: Value) -> Value {
    let mut arguments = good(tool);
    arguments[argument] = value;
    arguments
}

async fn desk() -> Desk {
    let fake = Fake::new().with("llama", stages(&[(0, "InService")]));
    fake.state().log = Some(vec!["ready".into()]);
    Desk::open(fake.with_parts(LEFTOVER, "a", Duration::from_secs(9000))).await
}

/// ANSI, bidi, NUL, paths, shell, templates, and too much of it.
fn hostile() -> Vec<String> {
    let short = [
        "\u{1b}[2J\u{1b}]0;x\u{7}",
        "\u{202e}gnp.exe",
        "a\u{0}b",
        "../../etc/passwd",
        "..\\..\\x",
        "; rm -rf /",
        "$(id)`id`",
        "{{7*7}}${7*7}",
        "<script>x</script>",
        "' OR 1=1 --",
        "%00%s%n",
        "a\u{200b}b\u{e0041}",
        "模型",
        "\u{ff0e}\u{ff0e}/",
    ];
    short.into_iter().map(str::to_owned).chain(["x".repeat(10_240), "\u{1b}".repeat(10_240)]).collect()
}

/// A value of each JSON type, with the type's name in a schema.
fn of_each_type() -> Vec<(&'static str, Value)> {
    vec![
        ("null", json!(null)),
        ("boolean", json!(true)),
        ("integer", json!(7)),
        ("number", json!(1.5)),
        ("string", json!("text")),
        ("array", json!([])),
        ("object", json!({})),
    ]
}

/// Everything that is wrong for an argument with this schema.
fn wrong_values(argument: &str, schema: &Value, required: bool) -> Vec<Value> {
    let kind = &schema["type"];
    let fits = |name: &str| *kind == name || kind.as_array().is_some_and(|kinds| kinds.contains(&json!(name)));
    let mut wrong: Vec<Value> = of_each_type()
        .into_iter()
        // Null is how some clients spell "absent".
        .filter(|(name, _)| !fits(name) && (*name != "null" || required))
        .filter(|(name, _)| !(*name == "integer" && *kind == "number"))
        .map(|(_, value)| value)
        .collect();
    match kind.as_str().unwrap_or_default() {
        "number" => wrong.extend([json!(-1), json!(1e300)]),
        "integer" => wrong.extend(out_of_range(schema)),
        "string" if FREE.contains(&argument) => wrong.extend(too_long(schema).map(Value::from)),
        "string" => wrong.extend(too_long(schema).chain(hostile()).map(Value::from)),
        "array" => wrong.extend(wrong_lists(schema)),
        "object" => wrong.extend(wrong_maps()),
        _ => {}
    }
    wrong
}

fn out_of_range(schema: &Value) -> Vec<Value> {
    let bound = |name: &str| schema[name].as_i64().unwrap_or_else(|| panic!("no {name}: {schema}"));
    let (minimum, maximum) = (bound("minimum") - 1, bound("maximum") + 1);
    vec![json!(minimum), json!(maximum), json!(i64::MIN), json!(u64::MAX), json!(1e300), json!(-0.5)]
}

fn too_long(schema: &Value) -> impl Iterator<Item = String> {
    let limit = schema["maxLength"].as_u64();
    limit.map(|limit| "a".repeat(limit as usize + 1)).into_iter()
}

fn wrong_lists(schema: &Value) -> Vec<Value> {
    let limit = schema["maxItems"].as_u64().unwrap_or_else(|| panic!("no maxItems: {schema}"));
    let inner = of_each_type().into_iter().filter(|(name, _)| *name != "string").map(|(_, value)| json!([value]));
    let too_many = json!(vec![LEFTOVER; limit as usize + 1]);
    inner.chain(hostile().into_iter().map(|evil| json!([evil]))).chain([too_many]).collect()
}

fn wrong_maps() -> Vec<Value> {
    let inner = of_each_type().into_iter().filter(|(name, _)| *name != "string").map(|(_, value)| json!({"A": value}));
    let keys = hostile().into_iter().map(|evil| json!({ evil: "x" }));
    let many: serde_json::Map<String, Value> = (0..101).map(|n| (format!("V{n}"), json!("x"))).collect();
    let more = [json!(many), json!({"A": "x".repeat(1025)}), json!({"": "x"}), json!({"1A": "x"})];
    inner.chain(keys).chain(more).collect()
}

/// The fault of a call whose `argument` cannot be used.
async fn check(desk: &Desk, tool: &str, argument: &str, arguments: Value) {
    let told = desk.call(tool, arguments).await;
    let context = || format!("{tool}, {argument}: {}", longhaul::text::cap(&format!("{told:?}"), 2000));
    assert_eq!((told.is_error, told.code(), told.at), (true, "invalid_argument", 0), "{}", context());
    assert!(told.text("/error/message").contains(&format!("`{argument}")), "it is not named: {}", context());
    assert!(says_what_to_do(&told), "no remedy: {}", context());
    assert!(told.report.to_string().len() < 16_384 && is_clean(&told.report), "{}", context());
    assert_eq!(desk.fake.writes(), [""; 0], "{}", context());
}

fn says_what_to_do(told: &Told) -> bool {
    let message = told.text("/error/message");
    let hints = told.report["error"]["troubleshooting"].is_array() || told.report["next"].is_object();
    hints || ["must", "may"].iter().any(|word| message.contains(word))
}

#[tokio::test(start_paused = true)]
async fn the_good_arguments_of_these_tests_are_good() {
    for tool in TOOLS.iter() {
        let told = desk().await.call(&tool.name, good(&tool.name)).await;
        assert!(!told.is_error, "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_wrong_value_of_every_argument_of_every_tool_is_refused_and_named() {
    let mut counted = 0;
    for tool in TOOLS.iter() {
        let (desk, before) = (desk().await, counted);
        let properties = tool.input_schema["properties"].as_object().unwrap();
        let required = tool.input_schema.get("required").cloned().unwrap_or_else(|| json!([]));
        for (argument, schema) in properties {
            let required = required.as_array().unwrap().contains(&json!(argument));
            for value in wrong_values(argument, schema, required) {
                check(&desk, &tool.name, argument, with(&tool.name, argument, value)).await;
                counted += 1;
            }
        }
        eprintln!("{}: {} arguments, {} wrong values", tool.name, properties.len(), counted - before);
    }
    eprintln!("{counted} wrong values");
    assert!(counted > 500, "{counted}");
}

#[tokio::test(start_paused = true)]
async fn every_required_argument_is_missed() {
    let mut counted = 0;
    for tool in TOOLS.iter() {
        let desk = desk().await;
        for argument in tool.input_schema.get("required").and_then(Value::as_array).into_iter().flatten() {
            let mut arguments = good(&tool.name);
            arguments.as_object_mut().unwrap().remove(argument.as_str().unwrap());
            check(&desk, &tool.name, argument.as_str().unwrap(), arguments).await;
            counted += 1;
        }
    }
    eprintln!("{counted} missing arguments");
    assert_eq!(counted, 14);
}

#[tokio::test(start_paused = true)]
async fn every_tool_refuses_an_argument_that_it_does_not_know() {
    let names = ["colour", "endpointName", "Endpoint_Name", "__proto__", "constructor", "", " ", "dry-run"];
    let names: Vec<String> = names.into_iter().map(str::to_owned).chain(hostile()).collect();
    for tool in TOOLS.iter() {
        let desk = desk().await;
        for name in &names {
            check_unknown(&desk, &tool.name, name).await;
        }
    }
    eprintln!("{} unknown arguments", names.len() * TOOLS.len());
}

async fn check_unknown(desk: &Desk, tool: &str, name: &str) {
    let told = desk.call(tool, with(tool, name, json!(1))).await;
    assert_eq!((told.code(), told.is_error, desk.fake.writes()), ("invalid_argument", true, vec![]), "{told:?}");
    assert!(
        told.sentence.contains("there is no such argument") && told.advises(&format!("{tool} takes: ")),
        "{told:?}"
    );
    assert!(is_clean(&told.report) && told.report.to_string().len() < 16_384, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_value_of_an_environment_variable_is_the_containers_own_affair() {
    for value in ["; rm -rf /", "{{7*7}}", "../x", "", "模型", &"x".repeat(1024)] {
        let desk = desk().await;
        let arguments = with("deploy_jumpstart_model", "environment", json!({"A": value}));
        assert_eq!(desk.call("deploy_jumpstart_model", arguments).await.state(), "running", "{value}");
    }
}

#[tokio::test(start_paused = true)]
async fn blanks_around_a_value_do_no_harm() {
    let desk = desk().await;
    for tool in ["wait_sagemaker_endpoint", "describe_sagemaker_endpoint"] {
        assert!(!desk.call(tool, json!({"endpoint_name": " llama\n"})).await.is_error);
    }
    let told = desk.call("delete_sagemaker_endpoint", json!({"endpoint_name": " llama ", "confirm": "llama"})).await;
    assert_eq!(told.state(), "running");
}
