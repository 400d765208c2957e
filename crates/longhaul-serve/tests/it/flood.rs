//! Clients that ask and do not listen.

use std::{
    fs,
    io::{BufRead, BufReader, Read, pipe},
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Child, Stdio},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    net::unix::pipe::Sender,
    time::timeout,
};

use crate::kettle::{Kettle, call, command, initialize};

/// More than what a kettle needs and keeps for its client together.
const MEMORY_MIB: u64 = 64;

/// A kettle whose answers wait in its pipe, and its pipe.
fn unheard(stdin: impl Into<OwnedFd>, flags: &[&str]) -> (Kettle, impl Read + Send + 'static) {
    let (answers, stdout) = pipe().unwrap();
    let child: Child = command(flags, &[]).stdin(stdin.into()).stdout(stdout).stderr(Stdio::null()).spawn().unwrap();
    (Kettle::of(child), answers)
}

/// The two kinds of stdin that clients hand over: ours and the kettle's end.
fn stdins() -> [(Box<dyn AsyncWrite + Unpin>, OwnedFd); 2] {
    let (theirs, ours) = pipe().unwrap();
    let sender = Sender::from_owned_fd(ours.into()).unwrap();
    let (socket, other) = UnixStream::pair().unwrap();
    socket.set_nonblocking(true).unwrap();
    let socket = tokio::net::UnixStream::from_std(socket).unwrap();
    [(Box::new(sender), theirs.into()), (Box::new(socket), other.into())]
}

/// Asks until nothing is taken any more; tells how often.
async fn flood(stdin: &mut (impl AsyncWrite + Unpin), request: impl Fn(u64) -> Value) -> u64 {
    stdin.write_all(format!("{}\n", initialize()).as_bytes()).await.unwrap();
    for id in 2.. {
        let line = format!("{}\n", request(id));
        if timeout(Duration::from_secs(1), stdin.write_all(line.as_bytes())).await.is_err() {
            return id;
        }
        assert!(id < 1_000_000, "it takes everything");
    }
    0
}

fn list(id: u64) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/list" })
}

fn memory_mib(kettle: &Kettle) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", kettle.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
}

#[tokio::test]
async fn a_client_that_never_listens_costs_little_and_its_end_is_seen() {
    for (mut ours, theirs) in stdins() {
        let (mut kettle, _answers) = unheard(theirs, &[]);
        let asked = flood(&mut ours, list).await;
        assert!(memory_mib(&kettle) < MEMORY_MIB, "{} MiB after {asked} requests", memory_mib(&kettle));
        drop(ours);
        let (status, after) = kettle.ended();
        // Below 1 s where the machine has nothing else to do.
        assert!(status.success() && after < Duration::from_millis(1_500), "{status} after {after:?}");
    }
}

#[tokio::test]
async fn a_client_that_never_listens_does_not_hold_up_a_signal() {
    let [(mut ours, theirs), _] = stdins();
    let (mut kettle, _answers) = unheard(theirs, &[]);
    flood(&mut ours, list).await;
    kettle.signal("TERM");
    let (status, after) = kettle.ended();
    assert!(status.success() && after < Duration::from_secs(5), "{status} after {after:?}");
}

#[tokio::test]
async fn calls_that_wait_are_bounded_too() {
    let [(mut ours, theirs), _] = stdins();
    let (kettle, _answers) = unheard(theirs, &[]);
    let asked = flood(&mut ours, |id| call(id, "list_kettles", &json!({ "think_seconds": 60 }))).await;
    assert!(memory_mib(&kettle) < 2 * MEMORY_MIB, "{} MiB after {asked} requests", memory_mib(&kettle));
}

#[tokio::test]
async fn a_client_that_listens_late_hears_every_answer() {
    let [(mut ours, theirs), _] = stdins();
    let (mut kettle, answers) = unheard(theirs, &[]);
    let asked = flood(&mut ours, list).await;
    let listening = thread::spawn(move || {
        let lines = BufReader::new(answers).lines().map_while(Result::ok);
        lines.map(|line| serde_json::from_str::<Value>(&line).unwrap()).filter(|answer| !answer["id"].is_null()).count()
    });
    // Ends the line that was broken off; what is left of it may be a request or not.
    ours.write_all(format!("\n{}\n", list(0)).as_bytes()).await.unwrap();
    thread::sleep(Duration::from_secs(2));
    drop(ours);
    assert!(kettle.ended().0.success());
    let heard = listening.join().unwrap() as u64;
    assert!((asked..=asked + 1).contains(&heard), "{heard} answers to {asked} requests");
}

#[test]
fn calls_that_are_cancelled_are_not_counted_for_ever() {
    let mut kettle = Kettle::on_stdio(&[]);
    for id in 10..10_000 {
        kettle.send(&call(id, "list_kettles", &json!({ "think_seconds": 60 })));
        let cancelled = json!({ "requestId": id });
        kettle.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled }));
    }
    kettle.send(&json!({ "jsonrpc": "2.0", "id": 3, "method": "ping" }));
    assert_eq!(kettle.answer()["id"], 3);
}
