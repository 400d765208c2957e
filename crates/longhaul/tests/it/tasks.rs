//! Tasks: read, ended and refused by the id alone, on any replica.

use std::time::Duration;

use longhaul::{
    fault::{Fault, FaultCode},
    mcp::{Sealer, Server, Settings},
    tool::{Class, Principal},
};
use rmcp::model::{CallToolResponse, CancelTaskParams, GetTaskParams, RequestStateCodec, SealOptions};
use serde_json::{Value, json};

use crate::{
    client::{Tapped, legacy, modern},
    remote::{Answer, CURSED, Remote, Thing, creating, failed, made, missed, secs},
    tools::{Lab, Start, all},
    wire::{Wire, tasks},
};

const KEY: &[u8; 32] = b"a key that every replica has, 32";

fn alice() -> Settings {
    let sealer = Sealer::new(vec![("k".into(), KEY.to_vec())]).unwrap();
    Settings { sealer: Some(sealer), principal: |_| Principal::new("alice"), ..all() }
}

fn llama() -> Value {
    json!({"name": "llama"})
}

/// Creates a task on a server; its id.
async fn created(server: &Server, tool: &str) -> String {
    let answer =
        Wire::declaring(server, tasks()).request("tools/call", json!({"name": tool, "arguments": llama()})).await;
    answer["result"]["taskId"].as_str().unwrap_or_else(|| panic!("no task: {answer}")).to_owned()
}

async fn ask(server: &Server, method: &str, id: &str) -> Value {
    Wire::declaring(server, tasks()).request(method, json!({"taskId": id})).await
}

/// What a task of a resource that shows `show` looks like after `seconds`.
async fn check(seconds: u64, show: impl Fn(u64) -> Answer + Send + Sync + 'static) -> Value {
    let server = Lab::new(Remote::new(show)).server(alice());
    let id = created(&server, "make_thing").await;
    tokio::time::sleep(secs(seconds)).await;
    ask(&server, "tasks/get", &id).await
}

fn is_unknown(answer: &Value) -> bool {
    answer["error"]["code"] == -32602
        && answer["error"]["message"].as_str().unwrap().starts_with("unknown task: it never was")
}

#[tokio::test(start_paused = true)]
async fn created_on_one_replica_read_on_another_and_cancelled_through_a_third() {
    let lab = Lab::new(Remote::new(|_| creating()));
    let replica = || lab.server(alice());
    let id = created(&replica(), "make_thing").await;
    assert_eq!(ask(&replica(), "tasks/get", &id).await["result"]["status"], "working");
    assert_eq!(ask(&replica(), "tasks/cancel", &id).await["error"], Value::Null);
    assert_eq!(lab.remote.asked(), ["make llama", "make llama: done", "abort llama"]);
}

#[tokio::test(start_paused = true)]
async fn a_real_client_follows_a_task_to_its_result() {
    let tapped = Tapped::connect(&Lab::new(Remote::ready_after(90)).server(alice()), modern(), true).await;
    let CallToolResponse::Task(task) = tapped.call("make_thing", llama()).await else { panic!("no task") };
    let get = || tapped.client.get_task(GetTaskParams::new(task.task.task_id.clone()));
    assert_eq!(serde_json::to_value(get().await.unwrap()).unwrap()["status"], "working");
    tokio::time::sleep(secs(90)).await;
    let over = serde_json::to_value(get().await.unwrap()).unwrap();
    assert_eq!(
        (&over["status"], &over["result"]["structuredContent"]["state"]),
        (&json!("completed"), &json!("succeeded"))
    );
    tapped.client.cancel_task(CancelTaskParams::new(task.task.task_id.clone())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_task_says_how_often_to_ask_and_how_long_it_is_good_for() {
    let seen = check(0, |_| creating()).await["result"].clone();
    assert_eq!((&seen["pollIntervalMs"], &seen["ttlMs"]), (&json!(30_000), &json!(86_400_000)));
    assert_eq!(seen["statusMessage"], "Creating");
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_failed_is_a_completed_task_with_an_error_inside() {
    let seen = check(5, |_| failed(FaultCode::OperationFailed, "no image")).await["result"].clone();
    assert_eq!((&seen["status"], &seen["result"]["isError"]), (&json!("completed"), &json!(true)));
    assert_eq!(seen["result"]["structuredContent"]["error"]["code"], "operation_failed");
}

#[tokio::test(start_paused = true)]
async fn the_result_in_a_task_matches_the_tools_schema_too() {
    let server = Lab::new(Remote::ready_after(0)).server(alice());
    let id = created(&server, "make_thing").await;
    let seen = ask(&server, "tasks/get", &id).await;
    Wire::modern(&server).conforms("make_thing", &seen["result"]["result"]);
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_was_aborted_is_a_cancelled_task() {
    assert_eq!(check(5, |_| failed(FaultCode::Aborted, "stopped")).await["result"]["status"], "cancelled");
}

#[tokio::test(start_paused = true)]
async fn a_look_that_fails_hangs_or_panics_is_a_working_task_that_says_so() {
    for show in [
        |_| missed(FaultCode::Unreachable),
        |_| missed(FaultCode::Unauthenticated),
        |_| Answer::Never,
        |_| Answer::Panic,
    ] {
        let seen = check(5, show).await["result"].clone();
        assert_eq!(seen["status"], "working", "{seen}");
        assert!(seen["statusMessage"].as_str().unwrap().starts_with("could not be looked at: "), "{seen}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_still_runs_after_a_cancel_is_never_called_cancelled() {
    for refusal in [None, Some(FaultCode::Unsupported), Some(FaultCode::Forbidden)] {
        let mut remote = Remote::new(|_| creating());
        if let Some(code) = refusal {
            remote = remote.refusing_to_abort(Fault::new(code, "no"));
        }
        let server = Lab::new(remote).server(alice());
        let id = created(&server, "make_thing").await;
        assert_eq!(ask(&server, "tasks/cancel", &id).await["error"], Value::Null);
        assert_eq!(ask(&server, "tasks/get", &id).await["result"]["status"], "working");
    }
}

#[tokio::test(start_paused = true)]
async fn cancelling_what_is_over_changes_nothing_and_is_acknowledged() {
    for show in
        [|_| made(), |_| failed(FaultCode::OperationFailed, "no image"), |_| failed(FaultCode::Aborted, "stopped")]
    {
        let lab = Lab::new(Remote::new(show));
        let server = lab.server(alice());
        let id = created(&server, "make_thing").await;
        assert_eq!(ask(&server, "tasks/cancel", &id).await["error"], Value::Null);
        assert_eq!(lab.remote.asked(), ["make llama", "make llama: done"], "something that is over was aborted");
    }
}

#[tokio::test(start_paused = true)]
async fn cancelling_what_cannot_be_looked_at_aborts_nothing() {
    let lab = Lab::new(Remote::new(|_| missed(FaultCode::Unreachable)));
    let server = lab.server(alice());
    let id = created(&server, "make_thing").await;
    assert_eq!(ask(&server, "tasks/cancel", &id).await["error"], Value::Null);
    assert_eq!(lab.remote.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_resource_that_is_gone_or_superseded_is_an_unknown_task_also_to_cancel() {
    for code in [FaultCode::Gone, FaultCode::Superseded] {
        let lab = Lab::new(Remote::new(move |_| failed(code, "recreated by another")));
        let server = lab.server(alice());
        let id = created(&server, "make_thing").await;
        for method in ["tasks/get", "tasks/cancel"] {
            assert!(is_unknown(&ask(&server, method, &id).await), "{code:?} {method}");
        }
        assert_eq!(lab.remote.asked().len(), 2, "another's resource was aborted");
    }
}

#[tokio::test(start_paused = true)]
async fn foreign_ids_have_one_and_the_same_answer() {
    let lab = Lab::new(Remote::new(|_| creating()));
    let id = created(&lab.server(alice()), "make_thing").await;
    let other_key = Settings { sealer: Some(Sealer::new(vec![("k".into(), vec![9; 32])]).unwrap()), ..alice() };
    for (what, server) in [
        ("another principal", lab.server(Settings { principal: |_| Principal::new("mallory"), ..alice() })),
        ("another target", lab.server_of("fake/2", alice())),
        ("another key", lab.server(other_key)),
    ] {
        for method in ["tasks/get", "tasks/cancel"] {
            assert!(is_unknown(&ask(&server, method, &id).await), "{what} {method}");
        }
    }
    assert_eq!(lab.remote.asked().len(), 2, "a foreigner aborted");
}

#[tokio::test(start_paused = true)]
async fn tampered_and_malformed_ids_have_the_same_answer() {
    let server = Lab::new(Remote::new(|_| creating())).server(alice());
    let id = created(&server, "make_thing").await;
    let (_, rest) = id.split_once('~').unwrap();
    let mut ids =
        vec![format!("wait_thing~{rest}"), format!("show_thing~{rest}"), format!("nothing~{rest}"), format!("{id}A")];
    ids.extend(
        ["", "~", "make_thing", "make_thing~", "make_thing~\u{0}", "make_thing~....", "\u{1b}[2J~x"].map(str::to_owned),
    );
    ids.extend((0..id.len()).step_by(5).map(|at| format!("{}{}", &id[..at], &id[at + 1..])));
    ids.push("make_thing~".to_owned() + &"A".repeat(1_000_000));
    for id in ids {
        assert!(is_unknown(&ask(&server, "tasks/get", &id).await), "{id:.80}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_expired_id_has_the_same_answer() {
    let server = Lab::new(Remote::new(|_| creating())).server(alice());
    let (alive, dead) = (forged("llama", secs(60)), forged("llama", Duration::ZERO));
    assert_eq!(ask(&server, "tasks/get", &alive).await["result"]["status"], "working");
    std::thread::sleep(Duration::from_millis(5));
    for method in ["tasks/get", "tasks/cancel"] {
        assert!(is_unknown(&ask(&server, method, &dead).await));
    }
}

/// An id as a replica with the same key would have sealed it, good for so long.
fn forged(name: &str, ttl: Duration) -> String {
    let mut bond = vec![];
    for part in ["lab", "fake/1", "make_thing", "fake.thing", "alice"] {
        bond.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bond.extend_from_slice(part.as_bytes());
    }
    let codec = RequestStateCodec::new_with_keyring("k", [("k", KEY.to_vec())]).unwrap();
    let sealed = json!({"handle": Thing { name: name.into() }, "class": "write", "created": 1});
    let rest = codec.seal_json_with(&sealed, &SealOptions::new().associated_data(&bond).ttl(ttl)).unwrap();
    format!("make_thing~{rest}")
}

#[tokio::test(start_paused = true)]
async fn a_defect_behind_a_task_is_a_protocol_error_and_the_server_goes_on() {
    let server = Lab::new(Remote::new(|_| creating())).server(alice());
    let mut wire = Wire::declaring(&server, tasks());
    for method in ["tasks/get", "tasks/cancel"] {
        let answer = wire.request(method, json!({"taskId": forged(CURSED, secs(60))})).await;
        assert_eq!((&answer["error"]["code"], &answer["error"]["data"]["code"]), (&json!(-32603), &json!("internal")));
    }
    assert!(server.metrics().render().contains("longhaul_panics_total 2"));
}

#[tokio::test(start_paused = true)]
async fn cancelling_passes_the_gate_of_the_call_that_began() {
    let lab = Lab::new(Remote::new(|_| creating()));
    let id = created(&lab.server(alice()), "make_thing").await;
    let read_only = lab.server(Settings { allowed: Class::Read, ..alice() });
    assert_eq!(ask(&read_only, "tasks/get", &id).await["result"]["status"], "working");
    assert_eq!(ask(&read_only, "tasks/cancel", &id).await["error"], Value::Null);
    assert_eq!(lab.remote.asked().len(), 2, "aborted on a read-only server");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_only_watches_is_no_way_to_abort_whatever_is_allowed() {
    let lab = Lab::new(Remote::new(|_| creating()));
    let read_only = lab.server(Settings { allowed: Class::Read, ..alice() });
    let id = created(&read_only, "wait_thing").await;
    ask(&read_only, "tasks/cancel", &id).await;
    assert_eq!(lab.remote.asked(), ["find llama", "find llama: done"]);
    ask(&lab.server(Settings { allowed: Class::Destructive, ..alice() }), "tasks/cancel", &id).await;
    assert_eq!(lab.remote.asked(), ["find llama", "find llama: done"]);
}

#[tokio::test(start_paused = true)]
async fn a_destructive_start_is_cancelled_only_where_it_is_allowed() {
    let lab = Lab::new(Remote::new(|_| creating()));
    let confirmed = json!({"name": "remove_thing", "arguments": {"name": "llama", "confirm": "llama"}});
    let answer = Wire::declaring(&lab.server(alice()), tasks()).request("tools/call", confirmed).await;
    let id = answer["result"]["taskId"].as_str().unwrap();
    ask(&lab.server(Settings { allowed: Class::Write, ..alice() }), "tasks/cancel", id).await;
    assert_eq!(lab.remote.asked().len(), 2);
    ask(&lab.server(alice()), "tasks/cancel", id).await;
    assert_eq!(lab.remote.asked().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_stepwise_tool_never_makes_a_task_since_nobody_would_take_the_steps() {
    let lab = Lab::new(Remote::ready_after(40));
    let told = Wire::declaring(&lab.server(alice()), tasks()).call("build_thing", llama()).await;
    assert_eq!((told.at, told.state()), (50.0, "succeeded"), "the look at the bound finds it");
}

#[tokio::test(start_paused = true)]
async fn an_older_client_that_declares_the_extension_gets_no_task() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut wire = Wire::legacy(&Lab::new(Remote::ready_after(9)).server(alice()), version, tasks()).await;
        assert_eq!(wire.call("make_thing", llama()).await.state(), "succeeded", "{version}");
    }
    let tapped = Tapped::connect(&Lab::new(Remote::ready_after(9)).server(alice()), legacy(), true).await;
    assert_eq!(tapped.report("make_thing", llama()).await["state"], "succeeded");
}

#[tokio::test(start_paused = true)]
async fn without_keys_there_are_no_tasks() {
    let server = Lab::new(Remote::ready_after(9)).server(Settings { sealer: None, ..all() });
    let mut wire = Wire::declaring(&server, tasks());
    let discovered = wire.request("server/discover", json!({})).await;
    assert_eq!(discovered["result"]["capabilities"]["extensions"], Value::Null, "{discovered}");
    assert_eq!(wire.call("make_thing", llama()).await.state(), "succeeded");
    assert_eq!(wire.request("tasks/get", json!({"taskId": "make_thing~x"})).await["error"]["code"], -32601);
}

#[tokio::test(start_paused = true)]
async fn an_id_holds_no_secret_of_the_server_and_is_no_longer_than_a_line() {
    let id = created(&Lab::new(Remote::new(|_| creating())).server(alice()), "make_thing").await;
    assert!(id.len() < 400 && id.starts_with("make_thing~") && !id.contains("alice"), "{id}");
}

#[tokio::test(start_paused = true)]
async fn a_start_that_outlasts_the_wait_is_no_task_but_is_joined() {
    let lab = Lab::new(Remote::new(|_| creating())).starting(Start::After(secs(70)));
    let told = Wire::declaring(&lab.server(alice()), tasks()).call("make_thing", llama()).await;
    assert_eq!((told.at, told.report["phase"].as_str()), (50.0, Some("beginning")));
}
