//! Standard streams and endings.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::Stdio,
    time::Duration,
};

use serde_json::{Value, json};

use crate::kettle::{Kettle, PATIENCE, call, command, initialize};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_end_of_input_ends_an_idle_process_within_a_second() {
    let mut kettle = Kettle::on_stdio(&[]);
    drop(kettle.stdin.take());
    let (status, after) = kettle.ended();
    assert!(status.success() && after < SECOND, "{status} after {after:?}");
}

#[test]
fn trap_22_the_end_of_input_ends_a_call_in_flight_within_a_second_and_answers_it() {
    let mut kettle = Kettle::on_stdio(&["--allow-write", "--kettle-seconds=60"]);
    kettle.send(&call(2, "boil_kettle", &json!({ "kettle": "red" })));
    kettle.logged("longhaul::audit");
    drop(kettle.stdin.take());
    let (status, after) = kettle.ended();
    assert!(status.success() && after < SECOND, "{status} after {after:?}");
    let answer = &kettle.rest()[0];
    assert_eq!(
        (&answer["id"], &answer["result"]["structuredContent"]["state"]),
        (&json!(2), &json!("running")),
        "{answer}"
    );
}

#[test]
fn trap_22_the_end_of_input_does_not_wait_for_a_start_that_hangs() {
    let mut kettle = Kettle::on_stdio(&["--allow-write"]);
    kettle.send(&call(2, "boil_kettle", &json!({ "kettle": "red", "fill_seconds": 60 })));
    kettle.logged("filling");
    drop(kettle.stdin.take());
    let (status, after) = kettle.ended();
    assert!(status.success() && after < SECOND, "{status} after {after:?}");
}

#[test]
fn a_client_that_leaves_before_it_says_anything_is_no_error() {
    let mut kettle = Kettle::start(&[], &[]);
    drop(kettle.stdin.take());
    let (status, after) = kettle.ended();
    assert!(status.success() && after < SECOND, "{status} after {after:?}");
}

#[test]
fn a_signal_lets_a_call_in_flight_answer_how_to_go_on() {
    for signal in ["TERM", "INT"] {
        let mut kettle = Kettle::on_stdio(&["--allow-write", "--kettle-seconds=60"]);
        kettle.send(&call(2, "boil_kettle", &json!({ "kettle": "red" })));
        kettle.logged("longhaul::audit");
        kettle.signal(signal);
        let report = kettle.answer()["result"]["structuredContent"].take();
        assert_eq!((&report["state"], &report["next"]["tool"]), (&json!("running"), &json!("wait_kettle")), "{report}");
        let (status, after) = kettle.ended();
        assert!(status.success() && after < 5 * SECOND, "{status} after {after:?}");
    }
}

#[test]
fn a_signal_does_not_cut_a_start_half_way() {
    let mut kettle = Kettle::on_stdio(&["--allow-write"]);
    kettle.send(&call(2, "boil_kettle", &json!({ "kettle": "red", "fill_seconds": 2 })));
    kettle.logged("filling");
    kettle.signal("TERM");
    assert_eq!(kettle.answer()["result"]["structuredContent"]["phase"], "beginning");
    let (status, after) = kettle.ended();
    assert!(status.success() && after > SECOND && after < 5 * SECOND, "{status} after {after:?}");
    assert!(kettle.logged("longhaul::audit").contains("begun"));
}

#[test]
fn a_signal_ends_a_process_with_a_start_that_hangs_within_five_seconds_and_a_second_one_at_once() {
    let mut kettle = Kettle::on_stdio(&["--allow-write"]);
    kettle.send(&call(2, "boil_kettle", &json!({ "kettle": "red", "fill_seconds": 60 })));
    kettle.logged("filling");
    kettle.signal("TERM");
    kettle.logged("ending");
    kettle.signal("TERM");
    let (status, after) = kettle.ended();
    assert!(status.code() == Some(130) && after < SECOND, "{status} after {after:?}");

    let mut kettle = Kettle::on_stdio(&["--allow-write"]);
    kettle.send(&call(2, "boil_kettle", &json!({ "kettle": "red", "fill_seconds": 60 })));
    kettle.logged("filling");
    kettle.signal("TERM");
    let (status, after) = kettle.ended();
    assert!(status.success() && after < 5 * SECOND, "{status} after {after:?}");
}

#[test]
fn stdout_is_json_rpc_only_whatever_is_logged() {
    let mut kettle = Kettle::on_stdio(&["--logging-level=trace", "--allow-write", "--kettle-seconds=0"]);
    let stdin = kettle.stdin.as_mut().unwrap();
    stdin.write_all(b"garbage\n\xff\xfe\n{\"jsonrpc\":\"2.0\"}\n[]\n\n").unwrap();
    kettle.send(&call(2, "boil_kettle", &json!({ "kettle": "red" })));
    kettle.send(&call(3, "no_such_tool", &json!({})));
    std::thread::sleep(Duration::from_millis(300));
    drop(kettle.stdin.take());
    kettle.ended();
    let answers = kettle.rest();
    assert!(answers.iter().all(|answer| answer["jsonrpc"] == "2.0"), "{answers:#?}");
    assert!(answers.iter().any(|answer| answer["id"] == 3 && answer["error"]["code"] == -32602), "{answers:#?}");
}

/// A handshake and a call over the given streams.
fn converse(mut to: impl Write, from: impl Read) -> Value {
    let mut from = BufReader::new(from).lines();
    writeln!(to, "{}", initialize()).unwrap();
    from.next().unwrap().unwrap();
    writeln!(to, "{}", json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).unwrap();
    writeln!(to, "{}", call(2, "list_kettles", &json!({}))).unwrap();
    serde_json::from_str(&from.next().unwrap().unwrap()).unwrap()
}

#[test]
fn trap_17_unix_sockets_are_spoken_and_their_end_ends_the_process() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_read_timeout(Some(PATIENCE)).unwrap();
    let stdin = OwnedFd::from(theirs.try_clone().unwrap());
    let mut child = command(&[], &[]).stdin(stdin).stdout(OwnedFd::from(theirs)).stderr(Stdio::null()).spawn().unwrap();
    assert_eq!(converse(&ours, &ours)["result"]["isError"], json!(false));
    drop(ours);
    assert!(child.wait().unwrap().success());
}

#[test]
fn trap_17_a_socket_and_a_pipe_may_be_mixed() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let mut child =
        command(&[], &[]).stdin(OwnedFd::from(theirs)).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    assert_eq!(converse(&ours, child.stdout.take().unwrap())["result"]["isError"], json!(false));
    drop(ours);
    assert!(child.wait().unwrap().success());
}

#[test]
fn files_are_read_to_their_end_and_every_request_is_answered() {
    let dir = std::env::temp_dir().join(format!("kettle-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let open =
        |name: &str| File::options().read(true).write(true).create(true).truncate(true).open(dir.join(name)).unwrap();
    let (mut input, mut output) = (open("in"), open("out"));
    writeln!(input, "{}\n{}", initialize(), call(2, "list_kettles", &json!({}))).unwrap();
    input.rewind().unwrap();
    let status = command(&[], &[]).stdin(input).stdout(output.try_clone().unwrap()).status().unwrap();
    output.rewind().unwrap();
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(status.success() && text.lines().count() == 2, "{status}: {text}");
}
