//! What clients and models read of the tools: golden files, annotations, sizes, and names that
//! must exist.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use longhaul::{
    mcp::{Settings, read_by_models},
    tool::Class,
};
use rmcp::ServerHandler;
use serde_json::{Value, json};

use crate::{
    desk::{TOOLS, config, server_of, words_that_are_no_name},
    fake::Fake,
};

/// name, least class that lists it, read-only, destructive, idempotent.
const TABLE: [(&str, Class, bool, bool, bool); 17] = [
    ("check_environment", Class::Read, true, false, true),
    ("search_jumpstart_models", Class::Read, true, false, true),
    ("describe_jumpstart_model", Class::Read, true, false, true),
    ("recommend_instance", Class::Read, true, false, true),
    ("plan_deployment", Class::Read, true, false, true),
    ("deploy_jumpstart_model", Class::Write, false, false, true),
    ("wait_sagemaker_endpoint", Class::Read, true, false, true),
    ("list_sagemaker_endpoints", Class::Read, true, false, true),
    ("describe_sagemaker_endpoint", Class::Read, true, false, true),
    ("get_sagemaker_endpoint_logs", Class::Read, true, false, true),
    ("create_inference_payload", Class::Read, true, false, true),
    ("create_instruction_payload", Class::Read, true, false, true),
    ("invoke_sagemaker_endpoint", Class::Write, false, false, false),
    ("update_sagemaker_endpoint", Class::Write, false, false, true),
    ("scale_sagemaker_endpoint", Class::Write, false, false, true),
    ("delete_sagemaker_endpoint", Class::Destructive, false, true, true),
    ("cleanup_leftovers", Class::Read, false, true, true),
];

/// Most that a model reads, and most that is sent, in bytes.
const READ_LIMIT: usize = 16_000;
const LIST_LIMIT: usize = 40_000;

fn golden(tool: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/tools").join(format!("{tool}.json"))
}

/// Whether the golden file of a tool says what the tool says; written first if that is wanted.
fn check(tool: &rmcp::model::Tool) -> Result<(), String> {
    let said = format!("{:#}\n", json!(tool));
    let path = golden(&tool.name);
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|update| update == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &said).unwrap();
    }
    let kept = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    if kept == said { Ok(()) } else { Err(format!("{} is not what the tool says now:\n{said}", path.display())) }
}

#[test]
fn every_tool_is_as_its_golden_file_says() {
    let wrong: Vec<String> = TOOLS.iter().filter_map(|tool| check(tool).err()).collect();
    assert!(wrong.is_empty(), "{}\nUPDATE_GOLDEN=1 writes them", wrong.join("\n"));
}

#[test]
fn every_golden_file_has_its_tool() {
    let files = std::fs::read_dir(golden("x").parent().unwrap()).unwrap();
    let files: BTreeSet<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    assert_eq!(files, TOOLS.iter().map(|tool| golden(&tool.name)).collect());
}

#[test]
fn all_four_annotations_of_every_tool_are_as_the_table_says() {
    assert_eq!(TOOLS.len(), TABLE.len());
    for (tool, (name, _, read_only, destructive, idempotent)) in TOOLS.iter().zip(TABLE) {
        let hints = json!(tool.annotations);
        let expected = json!({"readOnlyHint": read_only, "destructiveHint": destructive, "idempotentHint": idempotent, "openWorldHint": true});
        assert_eq!((tool.name.as_ref(), hints), (name, expected));
    }
}

#[test]
fn a_tool_is_listed_where_a_call_of_it_can_be_allowed() {
    for allowed in [Class::Read, Class::Write, Class::Destructive] {
        let settings = Settings { allowed, ..Settings::default() };
        let server = sagemaker_mcp::server(Arc::new(Fake::new()), &config(), settings);
        let listed: Vec<&str> = server.tools().iter().map(|tool| tool.name.as_ref()).collect();
        let expected: Vec<&str> = TABLE.iter().filter(|row| row.1 <= allowed).map(|row| row.0).collect();
        assert_eq!(listed, expected, "{allowed:?}");
    }
}

#[test]
fn the_list_is_short_enough_for_models_and_wires() {
    let (read, sent) = (read_by_models(&TOOLS), json!(*TOOLS).to_string().len());
    for tool in TOOLS.iter() {
        let own = read_by_models(std::slice::from_ref(tool));
        eprintln!("{}: models read {own} bytes of {}", tool.name, json!(tool).to_string().len());
    }
    let of_twenty = |bytes: usize| bytes * 20 / TOOLS.len();
    eprintln!(
        "models read {read} bytes, the list has {sent}; of twenty tools {} and {}",
        of_twenty(read),
        of_twenty(sent)
    );
    assert!(read <= READ_LIMIT && sent <= LIST_LIMIT, "{read} {sent}");
}

#[test]
fn every_description_and_the_instructions_name_only_what_there_is() {
    let instructions = json!(server_of(Arc::new(Fake::new()), &config()).get_info());
    for (name, said) in
        TOOLS.iter().map(|tool| (tool.name.as_ref(), json!(tool))).chain([("instructions", instructions)])
    {
        for text in texts(&said, "description").into_iter().chain(texts(&said, "instructions")) {
            assert_eq!(words_that_are_no_name(&text), [""; 0], "{name}: {text}");
        }
    }
}

#[test]
fn every_argument_and_every_tool_is_described_and_bounded() {
    for tool in TOOLS.iter() {
        assert!(tool.description.as_deref().is_some_and(|text| (80..400).contains(&text.len())), "{}", tool.name);
        assert_eq!(tool.input_schema["additionalProperties"], false, "{}", tool.name);
        for (argument, schema) in tool.input_schema["properties"].as_object().unwrap() {
            assert!(schema["description"].as_str().is_some_and(|text| text.len() > 10), "{argument}: {schema}");
            let bounded = match schema["type"].as_str().unwrap_or("several") {
                "integer" => schema["minimum"].is_number() && schema["maximum"].is_number(),
                "array" => schema["maxItems"].is_number(),
                "string" => schema["maxLength"].is_number() || schema["enum"].is_array() || argument == "confirm",
                _ => true,
            };
            assert!(bounded, "{}, {argument}: {schema}", tool.name);
        }
    }
}

/// Every text under a keyword, at whatever depth.
fn texts(value: &Value, keyword: &str) -> Vec<String> {
    let inner: Vec<&Value> = match value {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(items) => items.iter().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![],
    };
    let own = value[keyword].as_str().map(str::to_owned);
    own.into_iter().chain(inner.into_iter().flat_map(|value| texts(value, keyword))).collect()
}
