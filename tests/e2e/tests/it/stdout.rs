//! stdout carries JSON-RPC and nothing else, whatever is asked and whatever is logged.

use std::collections::BTreeMap;

use longhaul_e2e::{Era, LOUDEST, Setup, Sim, Stdio, binaries, report, wire};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

const CALLS: u64 = 10_000;

/// The n-th of many calls: all tools, good and bad words, things that are no calls. Some reach the
/// simulator; each of those leaves hundreds of lines in the log.
fn nth(n: u64) -> String {
    let call = |tool: &str, arguments: Value| wire::call(Era::Modern, n, tool, arguments).to_string();
    let weird = "\u{1b}[31m\u{202e}\r\n\0\u{2028}\"}";
    match (n % 400, n % 20) {
        (0, _) => call("list_sagemaker_endpoints", json!({ "max_results": 1 + n % 100 })),
        (1, _) => call("describe_sagemaker_endpoint", json!({ "endpoint_name": "there" })),
        (2, _) => call("wait_sagemaker_endpoint", json!({ "endpoint_name": "there", "wait_seconds": 0 })),
        (3, _) => call(
            "deploy_jumpstart_model",
            json!({ "model_id": "sim-ic-mobilenet", "endpoint_name": "there", "wait_seconds": 0 }),
        ),
        (4, _) => call("delete_sagemaker_endpoint", json!({ "endpoint_name": "there", "dry_run": true })),
        (5, _) => call("cleanup_leftovers", json!({})),
        (_, 6) => call("delete_sagemaker_endpoint", json!({ "endpoint_name": "there", "confirm": "else" })),
        (_, 7) => call("cleanup_leftovers", json!({ "dry_run": false, "names": [weird], "confirm": "2" })),
        (_, 8) => call("describe_sagemaker_endpoint", json!({ "endpoint_name": weird })),
        (_, 9) => call("deploy_jumpstart_model", json!({ "model_id": weird, "initial_instance_count": 7 })),
        (_, 10) => call("deploy_jumpstart_model", json!({ "model_id": 5, "unknown": [[[]]] })),
        (_, 11) => call("wait_sagemaker_endpoint", json!({ "endpoint_name": "x", "wait_seconds": -1 })),
        (_, 12) => call(weird, json!({})),
        (_, 13) => wire::request(Era::Modern, n, "tools/fly", json!({})).to_string(),
        (_, 14) => wire::request(Era::Modern, n, "tasks/get", json!({ "taskId": weird })).to_string(),
        (_, 15) => wire::request(Era::Modern, n, "prompts/list", json!({})).to_string(),
        (_, 16) => wire::with_token(
            wire::request(
                Era::Modern,
                n,
                "tools/call",
                json!({ "name": "list_sagemaker_endpoints", "arguments": { "cursor": "?" , "max_results": 0} }),
            ),
            "p",
        )
        .to_string(),
        _ => call("list_sagemaker_endpoints", json!({ "status_filter": [n] })),
    }
}

/// Lines that are no requests; nothing need come back, but nothing else may.
const NOISE: [&[u8]; 6] = [
    b"garbage\n",
    b"\xff\xfe\x00\n",
    b"\n",
    b"[]\n",
    b"{\"jsonrpc\":\"2.0\"}\n",
    b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":1}}\n",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_calls_at_the_loudest_leave_only_json_rpc_on_stdout() {
    let sim = Sim::start(&["--create-seconds=0"]).await;
    let setup = Setup::sagemaker(&sim).env("MCP_LOG_LEVEL", LOUDEST);
    let mut server = setup.stdio();
    let made = server
        .call("deploy_jumpstart_model", json!({ "model_id": "sim-ic-mobilenet", "endpoint_name": "there" }))
        .await;
    assert_eq!(report(&made)["state"], "succeeded", "{made}");

    let mut input = server.take_input();
    let writing = tokio::spawn(async move {
        for n in 100..100 + CALLS {
            input.write_all(format!("{}\n", nth(n)).as_bytes()).await.unwrap();
            if n % 50 == 0 {
                input.write_all(NOISE[(n / 50 % 6) as usize]).await.unwrap();
            }
        }
        input.flush().await.unwrap();
        input
    });
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    let mut open: std::collections::BTreeSet<u64> = (100..100 + CALLS).collect();
    while !open.is_empty() {
        let message = server.next().await.expect("stdout is open");
        let Some(id) = message["id"].as_u64() else {
            *kinds.entry("without id").or_default() += 1;
            continue;
        };
        assert!(open.remove(&id), "a second answer: {message}");
        let kind = match (&message["error"], &message["result"]["isError"]) {
            (Value::Object(_), _) => "protocol error",
            (_, Value::Bool(true)) => "tool error",
            _ => "result",
        };
        *kinds.entry(kind).or_default() += 1;
    }
    drop(writing.await.unwrap());
    let (status, _) = server.process.ended().await;
    assert!(status.success() && server.rest().await.is_empty(), "{status}");
    let log = server.process.log.lines();
    assert!(log.len() > 10_000, "only {} lines were logged", log.len());
    assert!(kinds["result"] >= 500 && kinds["tool error"] >= 5_000 && kinds["protocol error"] >= 1_000, "{kinds:?}");
    assert_eq!(sim.created().await, [1, 1, 1]);
}

fn fragile() -> Stdio {
    Setup::of(binaries::program("fragile-mcp")).env("MCP_LOG_LEVEL", LOUDEST).flag("--allow-write").stdio()
}

#[tokio::test]
async fn panics_are_answered_as_defects_and_leave_only_json_rpc_on_stdout() {
    for era in [Era::Legacy, Era::Modern] {
        let mut server = fragile().speaking(era).await;
        for n in 0..100 {
            for (tool, place) in [
                ("drop_vase", "resource"),
                ("drop_vase", "begin"),
                ("drop_vase", "observe"),
                ("glance_at_vase", "call"),
            ] {
                let answer = server.call(tool, json!({ "panic_at": place })).await;
                assert_eq!(answer["result"]["isError"], true, "{place}: {answer}");
                assert_eq!(report(&answer)["error"]["code"], "internal", "{place}: {answer}");
                assert!(!answer.to_string().contains("broke"), "the text of a panic is for the log: {answer}");
            }
            let fine = server.call("glance_at_vase", json!({})).await;
            assert_eq!(report(&fine)["result"]["whole"], true, "after {n} rounds: {fine}");
        }
        server.process.log.line("the vase broke at Observe").await;
        drop(server.take_input());
        assert!(server.process.ended().await.0.success() && server.rest().await.is_empty());
    }
}

#[tokio::test]
async fn a_panic_inside_a_task_is_a_protocol_error_and_the_process_lives() {
    let mut server = fragile();
    let task = server.task("drop_vase", json!({ "panic_at": "observe" })).await;
    let seen = server.get_task(&task).await;
    // A look that failed says nothing of the work.
    assert_eq!(seen["result"]["status"], "working", "{seen}");
    assert_eq!(report(&server.call("glance_at_vase", json!({})).await)["result"]["whole"], true);
}
