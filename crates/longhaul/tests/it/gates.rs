//! Gates are on the path of every call, listed or not, and of every task.

use longhaul::tool::Class;
use serde_json::{Value, json};

use crate::{
    remote::{Remote, made},
    tools::{Lab, only},
    wire::{Told, Wire},
};

const TOOLS: [(&str, Class); 7] = [
    ("wait_thing", Class::Read),
    ("show_thing", Class::Read),
    ("make_thing", Class::Write),
    ("build_thing", Class::Write),
    ("rename_thing", Class::Write),
    ("remove_thing", Class::Destructive),
    ("wipe_thing", Class::Destructive),
];

fn lab() -> Lab {
    Lab::new(Remote::new(|_| made()))
}

/// Calls a tool where `allowed` is allowed: what was told, and what the backend was asked.
async fn check(allowed: Class, tool: &str, arguments: Value) -> (Told, Vec<String>) {
    let lab = lab();
    let told = Wire::modern(&lab.server(only(allowed))).call(tool, arguments).await;
    (told, lab.remote.asked())
}

#[tokio::test(start_paused = true)]
async fn tools_are_listed_only_where_they_are_allowed() {
    for allowed in [Class::Read, Class::Write, Class::Destructive] {
        let mut wire = Wire::modern(&lab().server(only(allowed)));
        let list = wire.request("tools/list", json!({})).await;
        let names: Vec<&str> =
            list["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        for (tool, class) in TOOLS {
            assert_eq!(names.contains(&tool), class <= allowed, "{tool} where {allowed:?} is allowed");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_is_not_listed_is_refused_when_it_is_called_and_the_backend_sees_nothing() {
    for allowed in [Class::Read, Class::Write] {
        for (tool, class) in TOOLS.into_iter().filter(|(_, class)| *class > allowed) {
            let (told, asked) = check(allowed, tool, json!({"name": "llama", "confirm": "llama"})).await;
            assert_eq!((told.code(), told.is_error, asked), ("forbidden", true, vec![]), "{tool}");
            let advice = told.report["error"]["troubleshooting"][0].as_str().unwrap();
            assert!(advice.contains(&format!("--allow-{}", class.as_str())), "{advice}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_allowed_is_done() {
    for (tool, class) in TOOLS {
        let mut arguments = json!({"name": "llama"});
        if class == Class::Destructive {
            arguments["confirm"] = json!("llama");
        }
        let (told, asked) = check(class, tool, arguments).await;
        assert_eq!((told.is_error, asked.len()), (false, 2), "{tool}: {told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_destructive_call_that_does_not_repeat_the_name_is_refused_and_says_which() {
    for tool in ["remove_thing", "wipe_thing"] {
        for confirm in
            [json!(null), json!(""), json!("Llama"), json!("llama "), json!(true), json!(["llama"]), json!(1)]
        {
            let (told, asked) = check(Class::Destructive, tool, json!({"name": "llama", "confirm": confirm})).await;
            assert_eq!((told.code(), asked), ("invalid_argument", vec![]), "{confirm}");
            assert!(told.sentence.contains("`confirm`"), "{}", told.sentence);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_number_confirms_where_the_name_is_a_number() {
    let (told, _) = check(Class::Destructive, "remove_thing", json!({"name": "3", "confirm": 3})).await;
    assert!(!told.is_error, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn the_default_is_read_only() {
    let lab = lab();
    let server = lab.server(longhaul::mcp::Settings::default());
    let told = Wire::modern(&server).call("make_thing", json!({"name": "llama"})).await;
    assert_eq!((told.code(), lab.remote.asked()), ("forbidden", vec![]));
}
