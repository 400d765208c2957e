//! What is no request gets its answer too, exactly one, and the next request gets its own.

use serde_json::{Value, json};

use crate::kettle::{Kettle, OverHttp, call, initialize};

/// Without keys there are no tasks over HTTP.
const KEYS: [(&str, &str); 1] =
    [("LONGHAUL_HANDLE_KEYS", "k1:abababababababababababababababababababababababababababababababab")];

/// A call with these parameters, as they stand.
fn with_params(params: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{params}}}")
}

/// A call with these arguments, as they stand.
fn with_arguments(arguments: &str) -> String {
    with_params(&format!("{{\"name\":\"wait_kettle\",\"arguments\":{arguments}}}"))
}

/// What is no request, the id of its answer, and its code.
fn malformed() -> Vec<(Vec<u8>, Value, i64)> {
    let deep = format!("{{\"kettle\":{}{}}}", "[".repeat(1_000), "]".repeat(1_000));
    let mut garbled = with_arguments("{\"kettle\":\"#\"}").into_bytes();
    garbled.iter_mut().filter(|byte| **byte == b'#').for_each(|byte| *byte = 0xff);
    vec![
        (b"garbage".to_vec(), Value::Null, -32_700),
        (b"\xff\xfe".to_vec(), Value::Null, -32_700),
        (garbled, json!(7), -32_700),
        (with_arguments(&deep).into_bytes(), json!(7), -32_700),
        (with_arguments("{\"max_results\":1e999}").into_bytes(), json!(7), -32_700),
        (with_arguments("{\"kettle\":").into_bytes(), json!(7), -32_700),
        (b"[]".to_vec(), Value::Null, -32_600),
        (b"{\"jsonrpc\":\"2.0\"}".to_vec(), Value::Null, -32_600),
        (b"{\"id\":7,\"method\":\"ping\"}".to_vec(), json!(7), -32_600),
        (with_params("[]").into_bytes(), json!(7), -32_602),
    ]
}

fn is_refused(answer: &Value, id: &Value, code: i64, sent: &[u8]) {
    let sent = String::from_utf8_lossy(&sent[..sent.len().min(100)]);
    assert_eq!((&answer["id"], &answer["error"]["code"]), (id, &json!(code)), "{sent}: {answer}");
    assert!(answer["error"]["message"].as_str().is_some_and(|why| !why.is_empty()), "{sent}: {answer}");
}

#[test]
fn on_stdio_every_malformed_line_is_answered_and_the_session_goes_on() {
    let mut kettle = Kettle::on_stdio(&[]);
    for (line, id, code) in malformed() {
        kettle.send_line(&line);
        is_refused(&kettle.answer(), &id, code, &line);
        kettle.send(&call(8, "list_kettles", &json!({})));
        assert_eq!(kettle.answer()["id"], 8);
    }
    drop(kettle.stdin.take());
    assert!(kettle.ended().0.success() && kettle.rest().is_empty());
}

#[test]
fn trap_21_over_http_every_malformed_body_is_a_bad_request_that_says_why() {
    let server = OverHttp::start(&[], &[]);
    let empty = [(Vec::new(), Value::Null, -32_700)];
    for (body, id, code) in malformed().into_iter().chain(empty) {
        let answer = server.post_bytes(&body);
        assert!(answer.status == 400 && answer.head.contains("content-type: application/json"), "{answer:?}");
        is_refused(&serde_json::from_str(&answer.body).unwrap(), &id, code, &body);
    }
    let other = server.raw(
        b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: text/plain\r\n\
          Accept: application/json, text/event-stream\r\nContent-Length: 40\r\n\r\n\
          {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
    );
    assert_eq!(other.status, 415, "a message, but not said to be JSON: {other:?}");
}

#[test]
fn half_of_a_surrogate_pair_is_served_on_both_transports() {
    let text = with_arguments("{\"kettle\":\"cut \\ud83d\"}");
    let mut kettle = Kettle::on_stdio(&[]);
    kettle.send_line(text.as_bytes());
    let on_stdio = kettle.answer();
    let over_http = OverHttp::start(&[], &[]).post_bytes(text.as_bytes()).messages().remove(0);
    for answer in [on_stdio, over_http] {
        let report = &answer["result"]["structuredContent"];
        assert_eq!((&answer["id"], &report["resource"]), (&json!(7), &json!("cut \u{fffd}")), "{answer}");
    }
}

#[test]
fn wrong_parameters_of_a_known_method_are_told_on_both_transports() {
    let (mut kettle, server) = (Kettle::on_stdio(&[]), OverHttp::start(&[], &KEYS));
    let bare = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\"}".to_owned();
    for (text, code, why) in [
        (with_arguments("\"{\\\"password\\\":1}\""), -32_602, "tools/call: `arguments` must be an object"),
        (with_arguments("[]"), -32_602, "tools/call: `arguments` must be an object"),
        (with_params("{\"arguments\":{}}"), -32_602, "tools/call: missing field `name`"),
        (with_params("{\"name\":5}"), -32_602, "tools/call: `name` must be a string"),
        (with_params("{}"), -32_602, "tools/call: missing field `name`"),
        (bare.clone(), -32_602, "tools/call: missing field `name`"),
        (bare.replace("tools/call", "tasks/get"), -32_602, "tasks/get: missing field `taskId`"),
        (bare.replace("tools/call", "tools/fly"), -32_601, "tools/fly"),
    ] {
        kettle.send_line(text.as_bytes());
        for answer in [kettle.answer(), server.post_bytes(text.as_bytes()).messages().remove(0)] {
            is_refused(&answer, &json!(7), code, text.as_bytes());
            assert!(answer["error"]["message"].as_str().unwrap().starts_with(why), "{text}: {answer}");
        }
    }
}

#[test]
fn what_is_no_request_may_come_before_initialize() {
    let mut kettle = Kettle::start(&[], &[]);
    kettle.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    kettle.send(&json!({ "jsonrpc": "2.0", "id": 5, "result": {} }));
    kettle.send_line(b"garbage");
    assert_eq!(kettle.answer()["error"]["code"], -32_700);
    kettle.send(&initialize());
    assert_eq!(kettle.answer()["id"], 1);
    assert!(kettle.logged("before `initialize`").contains("ignored"));
    kettle.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    kettle.send(&call(2, "list_kettles", &json!({})));
    assert_eq!(kettle.answer()["id"], 2);
}
