//! HTTP, as clients, browsers, gateways and strangers use it.

use std::{
    io::{Read, Write},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::kettle::{OverHttp, call, initialize, request};

/// A call in the words of the newest version.
fn modern(id: u64, tool: &str, arguments: &Value) -> String {
    let mut message = call(id, tool, arguments);
    message["params"]["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    message.to_string()
}

fn modern_headers(tool: &str) -> [(&str, &str); 3] {
    [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", tool)]
}

fn listed(id: u64) -> String {
    call(id, "list_kettles", &json!({})).to_string()
}

#[test]
fn every_version_is_answered_on_one_endpoint() {
    let server = OverHttp::start(&[], &[]);
    let old = server.post(&[], &listed(7));
    assert_eq!((old.status, &old.messages()[0]["id"]), (200, &json!(7)), "{old:?}");
    let new = server.post(&modern_headers("list_kettles"), &modern(8, "list_kettles", &json!({})));
    assert!(new.status == 200 && new.body.contains("\"id\":8"), "{new:?}");
}

#[test]
fn trap_02_a_cancel_over_old_http_is_accepted_and_harms_nothing() {
    let server = OverHttp::start(&["--allow-write", "--kettle-seconds=2"], &[]);
    let mut socket = server.connect();
    socket.write_all(&request(&[], &call(9, "boil_kettle", &json!({ "kettle": "red" })).to_string())).unwrap();
    server.kettle.logged("longhaul::audit");
    let cancelled = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 9 } });
    assert_eq!(server.post(&[], &cancelled.to_string()).status, 202);
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\"state\":\"succeeded\""), "{answer}");
}

#[test]
fn trap_03_a_silent_call_shows_its_head_within_six_seconds() {
    let server = OverHttp::start(&[], &[]);
    let mut socket = server.connect();
    let started = Instant::now();
    socket
        .write_all(&request(
            &modern_headers("list_kettles"),
            &modern(1, "list_kettles", &json!({ "think_seconds": 7 })),
        ))
        .unwrap();
    let mut first = [0; 15];
    socket.read_exact(&mut first).unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(6) && first.starts_with(b"HTTP/1.1 200 OK"),
        "{:?}",
        started.elapsed()
    );
    let mut rest = String::new();
    socket.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("still at work") && rest.contains("data: {\"jsonrpc\":\"2.0\",\"id\":1"), "{rest}");
}

#[test]
fn trap_05_a_foreign_session_id_is_of_no_concern() {
    let server = OverHttp::start(&[], &[]);
    for message in [initialize().to_string(), listed(2)] {
        let answer = server.post(&[("Mcp-Session-Id", "somebody-elses-4711")], &message);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

#[test]
fn trap_07_evil_origin_is_refused() {
    let server = OverHttp::start(&[], &[]);
    let status = |headers: &[(&str, &str)]| server.post(headers, &listed(1)).status;
    assert_eq!(status(&[]), 200, "no Origin");
    assert_eq!(status(&[("Origin", "http://localhost:5173")]), 200);
    assert_eq!(status(&[("Origin", "https://evil.example")]), 403);
    assert_eq!(status(&[("Origin", "null")]), 403);
    assert_eq!(status(&[("Host", "evil.example")]), 403);
    assert_eq!(status(&[("Host", "localhost"), ("Host", "localhost")]), 403);
    let metrics = server.raw(b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
    assert_eq!(metrics.status, 403, "{metrics:?}");
}

#[test]
fn trap_08_a_gateways_host_is_let_in_where_the_operator_names_it() {
    let server =
        OverHttp::start(&["--server-allowed-hosts=mcp.example", "--server-allowed-origins=https://app.example"], &[]);
    let status = |headers: &[(&str, &str)]| server.post(headers, &listed(1)).status;
    assert_eq!(status(&[("Host", "mcp.example"), ("Origin", "https://app.example")]), 200);
    assert_eq!(status(&[("Host", "other.example"), ("Origin", "https://app.example")]), 403);
}

#[test]
fn trap_16_an_answer_does_not_wait_for_an_acknowledgement() {
    let server = OverHttp::start(&[], &[]);
    let mut socket = server.connect();
    let mut took = Vec::new();
    for id in 0..20 {
        let request = String::from_utf8(request(&[], &listed(id))).unwrap().replace("Connection: close\r\n", "");
        let (started, mut answer) = (Instant::now(), Vec::new());
        socket.write_all(request.as_bytes()).unwrap();
        while !answer.ends_with(b"\r\n0\r\n\r\n") {
            let mut some = [0; 4096];
            let read = socket.read(&mut some).unwrap();
            answer.extend_from_slice(&some[..read]);
        }
        took.push(started.elapsed());
    }
    took.sort();
    assert!(took[10] < Duration::from_millis(20), "{took:?}");
}

#[test]
fn trap_18_half_a_head_is_not_waited_for() {
    let server = OverHttp::start(&[], &[]);
    for half in [&b""[..], b"P", b"POST /mcp HTTP/1.1\r\nHost: loc"] {
        let mut socket = server.connect();
        socket.write_all(half).unwrap();
        let started = Instant::now();
        if half.is_empty() {
            // The others follow the same clock; one wait is enough for the slow start of a test run.
            let _ = socket.read_to_end(&mut Vec::new());
            assert!(started.elapsed() < Duration::from_secs(12), "{:?}", started.elapsed());
        }
    }
    assert_eq!(server.post(&[], &listed(1)).status, 200);
}

#[test]
fn trap_04_and_trap_19_no_session_is_made() {
    let server = OverHttp::start(&[], &[]);
    let answer = server.post(&[], &initialize().to_string());
    assert!(answer.status == 200 && !answer.head.contains("mcp-session-id"), "{answer:?}");
    assert_eq!(server.get("/mcp").status, 405, "there is no stream of a session to listen to");
}

#[test]
fn trap_21_garbage_is_refused_and_the_next_call_answered() {
    let server = OverHttp::start(&[], &[]);
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    for garbage in ["", "garbage", "[]", "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"ping\"}", deep.as_str()] {
        let answer = server.post(&[], garbage);
        assert!((400..500).contains(&answer.status), "{answer:?}");
    }
    assert_eq!(server.post(&[], &listed(1)).status, 200);
}

#[test]
fn trap_24_a_client_that_leaves_only_detaches() {
    let server = OverHttp::start(&["--allow-write", "--kettle-seconds=2"], &[]);
    let mut socket = server.connect();
    socket.write_all(&request(&[], &call(1, "boil_kettle", &json!({ "kettle": "red" })).to_string())).unwrap();
    server.kettle.logged("longhaul::audit");
    drop(socket);
    let found = server.post(&[], &call(2, "wait_kettle", &json!({ "kettle": "red" })).to_string());
    assert_eq!(found.messages()[0]["result"]["structuredContent"]["state"], "succeeded", "{found:?}");
}

#[test]
fn trap_25_a_ping_without_a_session_is_answered() {
    let server = OverHttp::start(&[], &[]);
    let answer = server
        .post(&[("Mcp-Session-Id", "platform-1")], &json!({ "jsonrpc": "2.0", "id": 5, "method": "ping" }).to_string());
    assert_eq!((answer.status, &answer.messages()[0]["id"]), (200, &json!(5)), "{answer:?}");
}

#[test]
fn a_body_beyond_a_mebibyte_is_refused() {
    let server = OverHttp::start(&[], &[]);
    let answer = server.post(&[], &"x".repeat((1 << 20) + 1));
    assert_eq!(answer.status, 413, "{answer:?}");
}

#[test]
fn tasks_are_offered_over_http_only_with_keys() {
    let offered = |environment: &[(&str, &str)]| {
        let server = OverHttp::start(&[], environment);
        server.post(&[], &initialize().to_string()).body.contains("io.modelcontextprotocol/tasks")
    };
    assert!(!offered(&[]));
    assert!(offered(&[("LONGHAUL_HANDLE_KEYS", &format!("k1:{}", "ab".repeat(32)))]));
}

#[test]
fn health_tells_busy_from_idle_and_since_when() {
    let server = OverHttp::start(&["--allow-write", "--kettle-seconds=60"], &[]);
    let ping = || serde_json::from_str::<Value>(&server.get("/ping").body).unwrap();
    let idle = ping();
    assert_eq!(idle["status"], "Healthy");
    let mut socket = server.connect();
    socket.write_all(&request(&[], &call(1, "boil_kettle", &json!({ "kettle": "red" })).to_string())).unwrap();
    server.kettle.logged("longhaul::audit");
    std::thread::sleep(Duration::from_millis(1_100));
    let busy = ping();
    assert_eq!(busy["status"], "HealthyBusy");
    assert!(busy["time_of_last_update"].as_u64() > idle["time_of_last_update"].as_u64());
}

#[test]
fn metrics_are_open_metrics_with_the_name_of_the_service() {
    let server = OverHttp::start(&["--observability-service-name=tea"], &[]);
    server.post(&[], &listed(1));
    let metrics = server.get("/metrics");
    assert!(metrics.head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{}", metrics.head);
    assert!(metrics.body.contains("longhaul_calls_total{tool=\"list_kettles\",outcome=\"ok\"} 1"), "{}", metrics.body);
    assert!(
        metrics.body.contains("target_info{service_name=\"tea\"") && metrics.body.ends_with("# EOF\n"),
        "{}",
        metrics.body
    );
    assert_eq!(OverHttp::start(&["--observability-enabled=false"], &[]).get("/metrics").status, 404);
}

#[test]
fn a_signal_lets_calls_in_flight_answer_how_to_go_on() {
    let mut server = OverHttp::start(&["--allow-write", "--kettle-seconds=60"], &[]);
    let mut socket = server.connect();
    socket.write_all(&request(&[], &call(1, "boil_kettle", &json!({ "kettle": "red" })).to_string())).unwrap();
    server.kettle.logged("longhaul::audit");
    server.kettle.signal("TERM");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\"state\":\"running\"") && answer.contains("wait_kettle"), "{answer}");
    let (status, after) = server.kettle.ended();
    assert!(status.success() && after < Duration::from_secs(5), "{status} after {after:?}");
}
