//! The paths of one operation: task, progress, bounded wait. And what a call leaves behind.

use std::time::Duration;

use longhaul::{
    fault::{Fault, FaultCode},
    mcp::Settings,
    operation::{Observation, Running},
    tool::Terms,
};
use serde_json::{Value, json};

use crate::{
    remote::{Answer, Remote, creating, failed, missed, secs},
    tools::{Lab, Start, all},
    wire::{Told, Wire, tasks},
};

fn llama() -> Value {
    json!({"name": "llama"})
}

/// Calls `make_thing` without a token on a server with a lab of these qualities.
async fn check(lab: &Lab, arguments: Value) -> Told {
    Wire::modern(&lab.open()).call("make_thing", arguments).await
}

#[tokio::test(start_paused = true)]
async fn without_a_token_the_answer_comes_after_fifty_seconds_with_the_call_that_goes_on() {
    let told = check(&Lab::new(Remote::ready_after(600)), llama()).await;
    assert_eq!((told.at, told.state(), told.is_error), (50.0, "running", false));
    assert_eq!(told.report["next"]["tool"], "wait_thing");
    assert_eq!(told.report["next"]["arguments"], llama());
    assert_eq!((&told.report["phase"], &told.report["elapsed_seconds"]), (&json!("Creating"), &json!(50)));
    assert!(told.sentence.contains("wait_thing follows it further"), "{}", told.sentence);
}

#[tokio::test(start_paused = true)]
async fn what_is_over_sooner_is_told_at_once() {
    let told = check(&Lab::new(Remote::ready_after(30)), llama()).await;
    assert_eq!((told.at, told.state(), told.is_error), (30.0, "succeeded", false));
    assert_eq!(told.report["result"], json!({"size": 7}));
    assert!(told.sentence.starts_with("llama is as it was asked for"), "{}", told.sentence);
}

#[tokio::test(start_paused = true)]
async fn the_wait_counts_from_the_arrival_of_the_call_begin_included() {
    let lab = Lab::new(Remote::ready_after(600)).starting(Start::After(secs(20)));
    for wait in [25, 40] {
        let told = check(&lab, json!({"name": "llama", "wait_seconds": wait})).await;
        assert_eq!((told.at, told.state()), (wait as f64, "running"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_earlier_of_timeout_and_wait_ends_the_call_but_not_the_operation() {
    for (timeout, wait, end) in [(20, 40, 20.0), (40, 20, 20.0), (600, 600, 600.0)] {
        let mut lab = Lab::new(Remote::new(|_| creating()));
        lab.terms = Terms { timeout: secs(timeout), ..lab.terms };
        let told = check(&lab, json!({"name": "llama", "wait_seconds": wait})).await;
        assert_eq!((told.at, told.state()), (end, "running"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_operators_default_wait_holds_where_the_call_says_nothing() {
    let server = Lab::new(Remote::new(|_| creating())).server(Settings { wait: secs(7), ..all() });
    let told = Wire::modern(&server).call("make_thing", llama()).await;
    assert_eq!((told.at, told.state()), (7.0, "running"));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_takes_longer_than_the_wait_is_joined_by_the_same_call() {
    let lab = Lab::new(Remote::ready_after(0)).starting(Start::After(secs(70)));
    let told = check(&lab, llama()).await;
    assert_eq!((told.at, told.state(), told.report["phase"].as_str()), (50.0, "running", Some("beginning")));
    assert_eq!(told.report["next"]["tool"], "make_thing");
    assert_eq!(told.report["next"]["arguments"], llama());
    tokio::time::sleep(secs(60)).await;
    assert_eq!(lab.remote.asked(), ["make llama", "make llama: done"]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_no_time_still_starts_finds_and_looks_once() {
    for tool in ["make_thing", "wait_thing"] {
        let lab = Lab::new(Remote::new(|_| creating())).starting(Start::After(Duration::from_millis(1500)));
        let told = Wire::modern(&lab.open()).call(tool, json!({"name": "llama", "wait_seconds": 0})).await;
        assert_eq!((told.at, told.report["phase"].as_str()), (1.5, Some("Creating")), "{tool}");
        assert_eq!(lab.remote.looks().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn with_a_token_the_call_stays_open_to_the_end() {
    for token in [json!(0), json!(""), json!("a"), json!(7), json!(-1)] {
        let mut wire = Wire::modern(&Lab::new(Remote::ready_after(600)).open());
        let told = wire.call_with_token("make_thing", llama(), token.clone()).await;
        assert_eq!((told.at, told.state()), (600.0, "succeeded"), "{token}");
        assert!(
            wire.progress().len() >= 20
                && wire.heard.iter().rev().skip(1).all(|(_, m)| m["params"]["progressToken"] == token)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn with_a_token_the_tools_timeout_and_the_callers_wait_hold() {
    for (arguments, end) in [(llama(), 1800.0), (json!({"name": "llama", "wait_seconds": 100}), 100.0)] {
        let mut wire = Wire::modern(&Lab::new(Remote::new(|_| creating())).open());
        let told = wire.call_with_token("make_thing", arguments, json!(0)).await;
        assert_eq!((told.at, told.state()), (end, "running"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_none_is_no_token() {
    for token in [json!(null), json!({}), json!([1]), json!(1.5), json!(true)] {
        let mut wire = Wire::modern(&Lab::new(Remote::new(|_| creating())).open());
        let told = wire.call_with_token("make_thing", llama(), token.clone()).await;
        assert_eq!((told.at, wire.progress().len()), (50.0, 0), "{token}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_declared_the_extension_gets_a_task_at_once() {
    let lab = Lab::new(Remote::new(|_| creating())).starting(Start::After(secs(2)));
    let mut wire = Wire::declaring(&lab.open(), tasks());
    let answer = wire.request("tools/call", json!({"name": "make_thing", "arguments": llama()})).await;
    assert_eq!((&answer["result"]["resultType"], &answer["result"]["status"]), (&json!("task"), &json!("working")));
    assert_eq!((wire.heard[0].0, lab.remote.looks().len()), (2.0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_start_that_fails_is_an_ordinary_tool_error_also_where_tasks_are_spoken() {
    let fault = Fault::new(FaultCode::Quota, "no capacity").with_leftovers(vec!["config llama-1".into()]);
    let lab = Lab::new(Remote::new(|_| creating())).starting(Start::Refused(Box::new(fault)));
    let told = Wire::declaring(&lab.open(), tasks()).call("make_thing", llama()).await;
    assert_eq!((told.state(), told.code(), told.is_error), ("failed", "quota", true));
    assert_eq!((&told.report["leftovers"], &told.report["resource"]), (&json!(["config llama-1"]), &json!("llama")));
}

#[tokio::test(start_paused = true)]
async fn a_failed_operation_is_an_error_that_explains_itself() {
    let remote = Remote::new(|at| if at < 30 { creating() } else { failed(FaultCode::OperationFailed, "no image") });
    let told = check(&Lab::new(remote), llama()).await;
    assert_eq!((told.state(), told.code(), told.is_error), ("failed", "operation_failed", true));
    assert_eq!(told.sentence, "no image");
    assert_eq!(told.report["error"]["trace_id"].as_str().unwrap().len(), 32);
}

#[tokio::test(start_paused = true)]
async fn looks_that_fail_for_too_long_are_unknown_and_an_error_with_the_call_that_goes_on() {
    let remote = Remote::new(|at| if at < 60 { creating() } else { missed(FaultCode::Unreachable) });
    let mut wire = Wire::modern(&Lab::new(remote).open());
    let told = wire.call_with_token("wait_thing", llama(), json!(1)).await;
    assert_eq!((told.state(), told.code(), told.is_error), ("unknown", "unreachable", true));
    assert_eq!(
        (told.report["phase"].as_str(), told.report["next"]["tool"].as_str()),
        (Some("Creating"), Some("wait_thing"))
    );
}

#[tokio::test(start_paused = true)]
async fn every_fault_carries_the_trace_id_under_which_the_log_has_the_rest() {
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let meta = json!({"traceparent": format!("00-{trace}-00f067aa0ba902b7-01")});
    let lab = Lab::new(Remote::new(|_| creating())).starting(crate::tools::refused());
    let mut wire = Wire::modern(&lab.open());
    for (tool, arguments) in
        [("make_thing", llama()), ("make_thing", json!({})), ("show_thing", llama()), ("wipe_thing", llama())]
    {
        let id = wire.start(tool, arguments, meta.clone()).await;
        assert_eq!(wire.told(&id).await.report["error"]["trace_id"], trace, "{tool}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_cancels_in_the_middle_of_a_start_stops_nothing() {
    let lab = Lab::new(Remote::new(|_| creating())).starting(Start::After(secs(30)));
    let mut wire = Wire::modern(&lab.open());
    let id = wire.start("make_thing", llama(), json!({"progressToken": 0})).await;
    wire.listen(secs(10)).await;
    wire.cancel(&id).await;
    assert_eq!(wire.listen(secs(600)).await, Vec::<Value>::new(), "something came after the cancellation");
    assert_eq!(lab.remote.asked(), ["make llama", "make llama: done"]);
    assert_eq!(lab.remote.looks().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_cancels_while_watching_ends_the_looks_and_nothing_else() {
    let lab = Lab::new(Remote::new(|_| creating()));
    let mut wire = Wire::modern(&lab.open());
    let id = wire.start("make_thing", llama(), json!({"progressToken": 0})).await;
    wire.listen(secs(100)).await;
    wire.cancel(&id).await;
    wire.listen(secs(3600)).await;
    assert_eq!((lab.remote.looks().len(), lab.remote.asked().len()), (4, 2));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_gone_stops_nothing() {
    let lab = Lab::new(Remote::new(|_| creating())).starting(Start::After(secs(30)));
    let mut wire = Wire::modern(&lab.open());
    wire.start("make_thing", llama(), json!({"progressToken": 0})).await;
    wire.listen(secs(1)).await;
    drop(wire);
    tokio::time::sleep(secs(600)).await;
    assert_eq!(lab.remote.asked(), ["make llama", "make llama: done"]);
    assert_eq!(lab.remote.looks().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_answers_the_open_call_at_once_and_says_that_the_work_goes_on() {
    for token in [json!(null), json!(0)] {
        let server = Lab::new(Remote::new(|_| creating())).open();
        let mut wire = Wire::modern(&server);
        let id = wire.start("make_thing", llama(), json!({"progressToken": token})).await;
        wire.listen(secs(20)).await;
        server.closing().cancel();
        let told = wire.told(&id).await;
        assert_eq!((told.at, told.state(), told.is_error), (20.0, "running", false));
        assert!(told.sentence.contains("this server is ending"), "{}", told.sentence);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_in_the_middle_of_a_start_says_that_the_same_call_joins_it() {
    let lab = Lab::new(Remote::new(|_| creating())).starting(Start::After(secs(30)));
    let server = lab.open();
    let mut wire = Wire::modern(&server);
    let id = wire.start("make_thing", llama(), json!({})).await;
    wire.listen(secs(10)).await;
    server.closing().cancel();
    let told = wire.told(&id).await;
    assert_eq!((told.at, told.state(), told.report["next"]["tool"].as_str()), (10.0, "running", Some("make_thing")));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_ending_starts_nothing_more_and_says_so() {
    for _ in 0..32 {
        let lab = Lab::new(Remote::new(|_| creating()));
        let server = lab.open();
        server.closing().cancel();
        let told = Wire::modern(&server).call("make_thing", llama()).await;
        assert_eq!((told.code(), told.report["error"]["retryable"].as_bool()), ("not_yet", Some(true)));
        assert_eq!(told.report["next"]["tool"], "make_thing");
        assert_eq!(lab.remote.asked(), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_stepwise_call_carries_the_work_on_step_by_step() {
    let mut lab = Lab::new(Remote::ready_after(60));
    lab.advance = |remote| Ok(remote.looks().len() < 3);
    let told = Wire::modern(&lab.open()).call("build_thing", json!({"name": "llama", "wait_seconds": 100})).await;
    assert_eq!((told.at, told.state()), (61.0, "succeeded"));
    assert_eq!(lab.remote.looks(), [0.0, 0.5, 1.0, 31.0, 61.0]);
}

#[tokio::test(start_paused = true)]
async fn a_quick_write_is_finished_and_a_quick_read_is_dropped_when_the_caller_leaves() {
    for (tool, done) in [("rename_thing", 2), ("show_thing", 1)] {
        let lab = Lab::new(Remote::new(|_| creating())).starting(Start::After(secs(30)));
        let mut wire = Wire::modern(&lab.open());
        let id = wire.start(tool, llama(), json!({})).await;
        wire.listen(secs(10)).await;
        wire.cancel(&id).await;
        assert_eq!(wire.listen(secs(600)).await, Vec::<Value>::new(), "{tool}");
        assert_eq!(lab.remote.asked().len(), done, "{tool}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_could_never_be_looked_at_is_not_simply_called_running() {
    let told = check(&Lab::new(Remote::new(|_| missed(FaultCode::Unreachable))), llama()).await;
    assert_eq!((told.state(), told.is_error, &told.report["observed_at"]), ("unknown", true, &Value::Null));
    assert_eq!(told.report["next"]["tool"], "wait_thing");
}

#[tokio::test(start_paused = true)]
async fn what_was_seen_last_is_told_with_the_reason_why_nothing_was_seen_since() {
    for code in [FaultCode::Throttled, FaultCode::Forbidden] {
        let remote = Remote::new(move |at| if at < 50 { creating() } else { missed(code) });
        let told = check(&Lab::new(remote), llama()).await;
        assert_eq!((told.state(), told.report["phase"].as_str()), ("running", Some("Creating")));
        assert!(told.sentence.contains("Creating (it could not be looked at since: no look)"), "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_elapsed_time_is_that_of_the_work_and_not_of_the_call() {
    let lab = Lab::new(Remote::new(|_| creating()).begun_before(secs(600)));
    let mut wire = Wire::modern(&lab.open());
    assert_eq!(wire.call("wait_thing", llama()).await.report["elapsed_seconds"], 650);
    wire.call_with_token("wait_thing", json!({"name": "llama", "wait_seconds": 20}), json!(0)).await;
    assert!(wire.progress().last().unwrap().3.starts_with("llama: Creating (11 min "), "{:?}", wire.progress());
}

#[tokio::test(start_paused = true)]
async fn a_fraction_that_is_none_is_left_out_or_brought_into_bounds() {
    for (fraction, told) in
        [(f64::NAN, Value::Null), (f64::INFINITY, json!(1.0)), (-3.0, json!(0.0)), (0.25, json!(0.25))]
    {
        let running = Running { fraction: Some(fraction), ..Running::new("Creating", "") };
        let lab = Lab::new(Remote::new(move |_| Answer::Now(Ok(Observation::Running(running.clone())))));
        assert_eq!(check(&lab, llama()).await.report["progress"], told);
    }
}

#[tokio::test(start_paused = true)]
async fn a_quick_call_on_a_server_that_ends_is_answered_at_once() {
    for (tool, before) in [("show_thing", 10), ("show_thing", 0), ("rename_thing", 0)] {
        let server = Lab::new(Remote::new(|_| creating())).starting(Start::After(secs(300))).open();
        if before == 0 {
            server.closing().cancel();
        }
        let mut wire = Wire::modern(&server);
        let id = wire.start(tool, llama(), json!({})).await;
        wire.listen(secs(before)).await;
        server.closing().cancel();
        assert_eq!((wire.told(&id).await.code(), wire.heard[0].0), ("not_yet", before as f64), "{tool}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_put_into_json_is_a_fault() {
    let mut lab = Lab::new(Remote::new(|_| creating()));
    lab.page.broken = true;
    let told = Wire::modern(&lab.open()).call("show_thing", llama()).await;
    assert_eq!((told.code(), told.is_error), ("internal", true));
}
