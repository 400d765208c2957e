//! The traps of building an MCP server on rmcp 3.8.0, and the test of each that this engine can
//! fall into.
//!
//! | # | trap | test, or why it cannot be met here |
//! |---|---|---|
//! | 1 | a panicking tool never answers | `trap_01_…`, also in `tasks/…` |
//! | 2 | HTTP: a cancellation of an older client is ignored | transport: `longhaul-serve` |
//! | 3 | HTTP: no headers before the first message | `trap_03_…` (progress at once); the rest is the transport's |
//! | 4 | HTTP: a silent session is cut after 300 s | `trap_04_…` (heartbeat); the rest is the transport's |
//! | 5 | HTTP: a foreign session id | transport |
//! | 6 | an older client that declares the extension gets a task | `trap_06_…` |
//! | 7, 8 | HTTP: Origin and Host | transport |
//! | 9 | prompts answered but not declared | `trap_09_…` |
//! | 10 | the macro's router is built anew for each request | no macro here; `trap_10_…` holds the list to that |
//! | 11 | schemas with Rust's formats and `null` | `trap_11_…` |
//! | 12 | errors that do not match the output schema are hidden by a client | `trap_12_…`; and every answer that any test reads is checked |
//! | 13 | bad arguments without structured content | `trap_13_…` |
//! | 14 | `AsyncFnMut` does not compile in rmcp's handlers | `Follower` is a trait: it compiles |
//! | 15 | rmcp's task manager fails and ends tasks after 300 s | `trap_15_…` |
//! | 16, 17 | `TCP_NODELAY`; blocking stdio | transport |
//! | 18, 19 | slow-loris; sessions keep memory | transport |
//! | 20 | a client that reads slowly stalls the notifications | `trap_20_…` |
//! | 21 | HTTP: malformed JSON is no `-32700` | transport |
//! | 22 | an end of input with an open call costs 5 s | `trap_22_…` (closing answers at once); the rest is the transport's |
//! | 23 | the macro's list is stale at once and public | `trap_23_…` |
//! | 24 | HTTP: a disconnect of an older client cancels | `trap_24_…`: a cancellation only detaches |
//! | 25 | AgentCore's pings and session ids | transport |

use longhaul::tool::Class;
use serde_json::{Value, json};

use crate::{
    client::{Tapped, legacy, modern},
    remote::{Answer, CURSED, Remote, creating, failed, made, secs},
    tools::{Lab, Start, only, refused},
    wire::{Wire, tasks},
};

fn llama() -> Value {
    json!({"name": "llama"})
}

fn creating_for_ever() -> Lab {
    Lab::new(Remote::new(|_| creating()))
}

/// Every tool with arguments that pass its gate.
const TOOLS: [&str; 7] =
    ["make_thing", "wait_thing", "remove_thing", "build_thing", "show_thing", "rename_thing", "wipe_thing"];

fn arguments(tool: &str) -> Value {
    let destructive = matches!(tool, "remove_thing" | "wipe_thing");
    if destructive { json!({"name": "llama", "confirm": "llama"}) } else { llama() }
}

#[tokio::test(start_paused = true)]
async fn trap_01_a_panicking_tool_answers() {
    let server = Lab::new(Remote::new(|_| made())).starting(Start::Panic).open();
    let mut wire = Wire::modern(&server);
    for tool in TOOLS {
        let told = wire.call(tool, arguments(tool)).await;
        assert_eq!((told.code(), told.is_error, told.at), ("internal", true, 0.0), "{tool}");
        assert!(told.report["error"]["trace_id"].is_string() && !told.sentence.contains("fake"), "{told:?}");
    }
    assert!(server.metrics().render().contains("longhaul_panics_total 7"), "{}", server.metrics().render());
}

#[tokio::test(start_paused = true)]
async fn trap_01_a_panic_in_a_look_is_unknown_and_not_a_failed_operation() {
    let remote = Remote::new(|at| if at < 30 { creating() } else { Answer::Panic });
    let server = Lab::new(remote).open();
    let mut wire = Wire::modern(&server);
    let told = wire.call("wait_thing", llama()).await;
    assert_eq!((told.state(), told.code(), told.at), ("unknown", "internal", 30.0));
    assert_eq!(told.report["next"]["tool"], "wait_thing");
    assert_eq!(wire.call("show_thing", llama()).await.code(), "no error", "the server goes on");
}

#[tokio::test(start_paused = true)]
async fn trap_01_a_panic_in_a_step_is_unknown_and_not_a_failed_operation() {
    let mut lab = creating_for_ever();
    lab.advance = |_| panic!("the fake panics in a step");
    let told = Wire::modern(&lab.open()).call("build_thing", llama()).await;
    assert_eq!((told.state(), told.code(), told.at), ("unknown", "internal", 0.0));
}

#[tokio::test(start_paused = true)]
async fn trap_01_a_panic_beside_the_work_answers_too() {
    let mut wire = Wire::modern(&Lab::new(Remote::new(|_| made())).open());
    let told = wire.call_with_token("make_thing", json!({"name": CURSED}), json!(0)).await;
    assert_eq!((told.code(), told.report["resource"].as_str()), ("internal", Some(CURSED)));
    assert_eq!(wire.listen(secs(60)).await, Vec::<Value>::new(), "something came after the reply");
}

#[tokio::test(start_paused = true)]
async fn trap_01_a_panic_behind_a_task_answers_too() {
    let mut wire = Wire::declaring(&Lab::new(Remote::new(|_| Answer::Panic)).open(), tasks());
    let made = wire.request("tools/call", json!({"name": "make_thing", "arguments": llama()})).await;
    let task = json!({"taskId": made["result"]["taskId"]});
    assert_eq!(wire.request("tasks/get", task.clone()).await["result"]["status"], "working");
    assert_eq!(wire.request("tasks/cancel", task).await["error"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn trap_03_the_first_message_comes_at_once_however_long_the_start_takes() {
    let mut wire = Wire::modern(&creating_for_ever().starting(Start::After(secs(600))).open());
    wire.start("make_thing", llama(), json!({"progressToken": 0})).await;
    assert_eq!(wire.next().await.unwrap()["method"], "notifications/progress");
    assert_eq!(wire.heard[0].0, 0.0);
}

#[tokio::test(start_paused = true)]
async fn trap_04_no_silence_is_longer_than_fifteen_seconds() {
    let mut wire = Wire::modern(&creating_for_ever().at_pace(secs(900)).starting(Start::After(secs(600))).open());
    wire.call_with_token("make_thing", llama(), json!(0)).await;
    assert!(wire.heard.windows(2).all(|pair| pair[1].0 - pair[0].0 <= 15.0));
    assert_eq!(wire.heard.last().unwrap().0, 1800.0);
}

#[tokio::test(start_paused = true)]
async fn trap_06_declaring_the_extension_is_not_enough_for_a_task() {
    let tapped = Tapped::connect(&Lab::new(Remote::new(|_| made())).open(), legacy(), true).await;
    assert_eq!(tapped.report("make_thing", llama()).await["state"], "succeeded");
    let mut undeclared = Wire::modern(&Lab::new(Remote::new(|_| made())).open());
    assert_eq!(undeclared.call("make_thing", llama()).await.state(), "succeeded");
}

#[tokio::test(start_paused = true)]
async fn trap_09_prompts_are_declared_and_the_list_is_empty() {
    for mode in [modern(), legacy()] {
        let tapped = Tapped::connect(&creating_for_ever().open(), mode, false).await;
        assert_eq!(tapped.client.list_prompts(None).await.unwrap().prompts.len(), 0);
    }
    let discovered = Wire::modern(&creating_for_ever().open()).request("server/discover", json!({})).await;
    let capabilities = &discovered["result"]["capabilities"];
    assert!(capabilities["prompts"].is_object() && capabilities["tools"].is_object(), "{discovered}");
}

#[tokio::test(start_paused = true)]
async fn trap_10_the_list_is_built_once_and_is_the_same_for_everybody() {
    let server = creating_for_ever().open();
    let schema = |n: usize| std::sync::Arc::as_ptr(&server.tools()[n].input_schema);
    let (before, mut wire) = (schema(0), Wire::modern(&server));
    let lists = [wire.request("tools/list", json!({})).await, wire.request("tools/list", json!({})).await];
    assert_eq!(lists[0]["result"], lists[1]["result"]);
    assert_eq!(schema(0), before);
}

#[tokio::test(start_paused = true)]
async fn trap_11_no_schema_has_formats_of_rust_nulls_or_references() {
    let list = Wire::modern(&creating_for_ever().open()).request("tools/list", json!({})).await;
    for tool in list["result"]["tools"].as_array().unwrap() {
        assert!(jsonschema::meta::is_valid(&tool["inputSchema"]) && jsonschema::meta::is_valid(&tool["outputSchema"]));
    }
    let text = list["result"]["tools"].to_string();
    for word in ["\"format\"", "\"null\"", "$ref", "$defs", "$schema"] {
        assert!(!text.contains(word), "{word} is in {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn trap_12_good_and_bad_news_match_the_tools_own_schema() {
    for lab in [
        Lab::new(Remote::new(|_| made())),
        Lab::new(Remote::new(|_| failed(longhaul::fault::FaultCode::OperationFailed, "no image"))),
        Lab::new(Remote::new(|_| Answer::Panic)),
        creating_for_ever(),
        creating_for_ever().starting(refused()),
        creating_for_ever().starting(Start::Panic),
        creating_for_ever().starting(Start::After(secs(90))),
    ] {
        let mut wire = Wire::modern(&lab.open());
        for tool in TOOLS {
            for arguments in [arguments(tool), json!({}), json!({"name": 5}), llama()] {
                wire.call(tool, arguments).await; // holds the answer against the schema
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn trap_12_the_schemas_that_answers_are_held_against_would_refuse_other_answers() {
    let server = creating_for_ever().open();
    for tool in server.tools() {
        let schema = serde_json::to_value(tool.output_schema.clone()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        assert!(!validator.is_valid(&json!("text")) && !validator.is_valid(&json!({"error": {"code": "nonsense"}})));
    }
}

#[tokio::test(start_paused = true)]
async fn trap_13_bad_arguments_are_a_fault_with_structured_content() {
    let mut wire = Wire::modern(&creating_for_ever().open());
    for tool in TOOLS {
        let told = wire.call(tool, json!({"nme": "llama"})).await;
        assert_eq!((told.code(), told.is_error), ("invalid_argument", true), "{tool}");
    }
}

#[tokio::test(start_paused = true)]
async fn trap_15_a_task_lives_as_long_as_its_operation_and_nothing_ends_it() {
    let lab = creating_for_ever();
    let mut wire = Wire::declaring(&lab.open(), tasks());
    let made = wire.request("tools/call", json!({"name": "make_thing", "arguments": llama()})).await;
    for _ in 0..12 {
        tokio::time::sleep(secs(300)).await;
        let seen = wire.request("tasks/get", json!({"taskId": made["result"]["taskId"]})).await;
        assert_eq!(seen["result"]["status"], "working");
    }
    assert_eq!(lab.remote.asked(), ["make llama", "make llama: done"]);
}

#[tokio::test(start_paused = true)]
async fn trap_20_a_client_that_reads_nothing_stalls_nobody() {
    let lab = creating_for_ever().at_pace(secs(1));
    let mut wire = Wire::narrow(&lab.open(), 300);
    wire.start("make_thing", llama(), json!({"progressToken": 0})).await;
    tokio::time::sleep(secs(1000)).await;
    let (looks, on_time) = (lab.remote.looks(), (0..1000).map(f64::from).collect::<Vec<f64>>());
    assert_eq!(looks[..1000], on_time);
}

#[tokio::test(start_paused = true)]
async fn trap_22_closing_answers_the_open_call_in_no_time() {
    let server = creating_for_ever().open();
    let mut wire = Wire::modern(&server);
    let id = wire.start("make_thing", llama(), json!({"progressToken": 0})).await;
    wire.listen(secs(7)).await;
    server.closing().cancel();
    assert_eq!(wire.told(&id).await.at, 7.0);
}

#[tokio::test(start_paused = true)]
async fn trap_23_the_list_may_be_kept_for_five_minutes_and_by_its_reader_alone() {
    let list = Wire::modern(&creating_for_ever().server(only(Class::Read))).request("tools/list", json!({})).await;
    assert_eq!((&list["result"]["ttlMs"], &list["result"]["cacheScope"]), (&json!(300_000), &json!("private")));
}

#[tokio::test(start_paused = true)]
async fn trap_24_a_cancellation_only_detaches() {
    for version in ["2025-06-18", "2025-11-25"] {
        let lab = creating_for_ever();
        let mut wire = Wire::legacy(&lab.open(), version, json!({})).await;
        let id = wire.start("make_thing", llama(), json!({"progressToken": 0})).await;
        wire.listen(secs(40)).await;
        wire.cancel(&id).await;
        tokio::time::sleep(secs(600)).await;
        assert_eq!((lab.remote.asked().len(), lab.remote.looks().len()), (2, 2), "{version}");
    }
}
