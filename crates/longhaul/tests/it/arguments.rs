//! Arguments as models and attackers send them: always a fault that says what would be right.

use serde_json::{Value, json};

use crate::{
    remote::{Remote, creating, made},
    tools::Lab,
    untrusted::is_clean,
    wire::{Told, Wire},
};

/// Calls a tool with arguments that cannot be used; nothing must have happened.
async fn check(tool: &str, arguments: Value) -> Told {
    let lab = Lab::new(Remote::new(|_| made()));
    let told = Wire::modern(&lab.open()).call(tool, arguments).await;
    assert_eq!((told.code(), told.is_error), ("invalid_argument", true), "{told:?}");
    assert_eq!((lab.remote.asked(), lab.remote.looks()), (vec![], vec![]), "{told:?}");
    assert!(told.sentence.len() < 1024, "{} bytes", told.sentence.len());
    told
}

fn advice(told: &Told) -> &str {
    told.report["error"]["troubleshooting"][0].as_str().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_missing_argument_is_named_and_those_that_there_are() {
    for tool in ["make_thing", "wait_thing", "show_thing", "rename_thing"] {
        let told = check(tool, json!({})).await;
        assert!(told.sentence.contains("`name`: is missing"), "{told:?}");
        assert!(advice(&told).starts_with(&format!("{tool} takes: name, size")), "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_argument_of_the_wrong_type_is_named() {
    for (arguments, named) in [
        (json!({"name": 5}), "`name`"),
        (json!({"name": ["a"]}), "`name`"),
        (json!({"name": {"a": 1}}), "`name`"),
        (json!({"name": "a", "size": "7"}), "`size`"),
        (json!({"name": "a", "size": -1}), "`size`"),
        (json!({"name": "a", "size": 256}), "`size`"),
        (json!({"name": "a", "size": 1.5}), "`size`"),
        (json!({"name": "a", "size": 1e300}), "`size`"),
        (json!({"name": "a", "size": u64::MAX}), "`size`"),
    ] {
        let told = check("make_thing", arguments).await;
        assert!(told.sentence.starts_with(named), "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_argument_that_nobody_knows_is_refused() {
    for unknown in ["colour", "Name", "name ", "", "__proto__", "constructor"] {
        let told = check("make_thing", json!({"name": "a", unknown: 1})).await;
        assert!(told.sentence.contains("there is no such argument"), "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_no_wait_is_refused_and_says_what_would_be() {
    for wait in [
        json!(-1),
        json!(-0.5),
        json!(1.5),
        json!(86_401),
        json!(1e300),
        json!(u64::MAX),
        json!(i64::MIN),
        json!("5"),
        json!(""),
        json!([5]),
        json!({"seconds": 5}),
        json!(true),
    ] {
        let told = check("make_thing", json!({"name": "a", "wait_seconds": wait})).await;
        assert!(told.sentence.contains("must be a whole number of seconds from 0 to 86400"), "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_whole_wait_is_taken_however_it_is_written() {
    for (wait, end) in [("0", 0.0), ("5", 5.0), ("5.0", 5.0), ("5e0", 5.0), ("-0.0", 0.0), ("null", 50.0)] {
        let mut wire = Wire::modern(&Lab::new(Remote::new(|_| creating())).open());
        let arguments = format!(r#"{{"name": "llama", "wait_seconds": {wait}}}"#);
        let told = wire.call("make_thing", serde_json::from_str(&arguments).unwrap()).await;
        assert_eq!((told.at, told.state()), (end, "running"), "{wait}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_longest_wait_is_a_day_and_the_tools_timeout_still_holds() {
    let mut wire = Wire::modern(&Lab::new(Remote::new(|_| creating())).open());
    let told = wire.call("make_thing", json!({"name": "llama", "wait_seconds": 86_400})).await;
    assert_eq!((told.at, told.state()), (1800.0, "running"));
}

#[tokio::test(start_paused = true)]
async fn null_means_absent() {
    let mut wire = Wire::modern(&Lab::new(Remote::new(|_| made())).open());
    let told = wire
        .call("make_thing", json!({"name": "a", "size": null, "tags": null, "wait_seconds": null, "confirm": null}))
        .await;
    assert_eq!(told.state(), "succeeded");
}

#[tokio::test(start_paused = true)]
async fn hostile_and_huge_arguments_are_answered_short_and_clean() {
    for evil in ["\u{1b}[2J\u{202e}x".to_owned(), "A".repeat(500_000), "\u{0}".repeat(100), "`{}%s%n\\\"".to_owned()] {
        for arguments in
            [json!({"size": evil}), json!({"name": 1, &*evil: 1}), json!({"name": "a", "wait_seconds": evil})]
        {
            let told = check("make_thing", arguments).await;
            assert!(is_clean(&told.report) && told.report.to_string().len() < 4096, "{told:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_may_be_anything_and_is_told_clean() {
    for name in ["", "../../etc/passwd", "\u{1b}]0;x\u{7}", "名前", &"n".repeat(100_000)] {
        let mut wire = Wire::modern(&Lab::new(Remote::new(|_| made())).open());
        let told = wire.call_with_token("make_thing", json!({"name": name}), json!(0)).await;
        assert!(told.state() == "succeeded" && wire.heard.iter().all(|(_, message)| is_clean(message)), "{told:?}");
        assert!(told.sentence.len() <= 4096 && wire.progress()[0].3.len() < 600);
    }
}

#[tokio::test(start_paused = true)]
async fn arguments_that_are_no_object_are_answered_and_the_server_goes_on() {
    let mut wire = Wire::modern(&Lab::new(Remote::new(|_| made())).open());
    for arguments in [json!([1, 2]), json!("x"), json!(5), json!([[[[[]]]]])] {
        let answer = wire.request("tools/call", json!({"name": "make_thing", "arguments": arguments})).await;
        assert!(answer["error"]["code"].is_i64(), "{answer}");
    }
    assert_eq!(wire.call("make_thing", json!({"name": "a"})).await.state(), "succeeded");
}

#[tokio::test(start_paused = true)]
async fn no_arguments_at_all_are_missing_arguments() {
    let mut wire = Wire::modern(&Lab::new(Remote::new(|_| made())).open());
    for params in [json!({"name": "make_thing"}), json!({"name": "make_thing", "arguments": null})] {
        let id = wire.ask("tools/call", params).await;
        assert_eq!(wire.told(&id).await.code(), "invalid_argument");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_tool_is_a_protocol_error_that_names_the_known_ones() {
    let mut wire = Wire::modern(&Lab::new(Remote::new(|_| made())).open());
    for name in ["make_thin", "", "\u{1b}[2J", &"x".repeat(1_000_000)] {
        let answer = wire.request("tools/call", json!({"name": name, "arguments": {}})).await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains("make_thing, wait_thing") && message.len() < 512 && !message.contains('\u{1b}'));
    }
}
