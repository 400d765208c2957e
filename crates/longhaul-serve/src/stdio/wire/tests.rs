//! A client that speaks to a server without tools, line by line.

use longhaul::mcp::{Server, Settings};
use rmcp::{RoleServer, ServiceExt, service::RunningService};
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, DuplexStream, Lines, ReadHalf, WriteHalf, duplex, split};
use tokio_util::sync::CancellationToken;

use super::*;

/// A client of a server without tools.
struct Client {
    to: WriteHalf<DuplexStream>,
    from: Lines<BufReader<ReadHalf<DuplexStream>>>,
    budget: Arc<Budget>,
    begun: Arc<AtomicBool>,
}

const HELLO: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","method":"tools/list","id":"#;

fn wire() -> (Wire, Client) {
    let (ours, theirs) = duplex(4096);
    let (ours, theirs) = (split(ours), split(theirs));
    let input = Input::new(Box::new(ours.0), CancellationToken::new());
    let wire = Wire::new(input, Box::new(ours.1), Hangup::unseen());
    let (budget, begun) = (wire.budget.clone(), wire.begun());
    (wire, Client { to: theirs.1, from: BufReader::new(theirs.0).lines(), budget, begun })
}

async fn served() -> (RunningService<RoleServer, Server>, Client) {
    let (wire, mut client) = wire();
    client.say(HELLO).await;
    let server = Server::builder("t", "1", "", "here", Settings::default()).build();
    let service = server.serve(wire).await.unwrap();
    client.begun.store(true, Ordering::Relaxed);
    assert_eq!(client.hear().await["id"], 0);
    (service, client)
}

impl Client {
    async fn say(&mut self, line: impl AsRef<[u8]>) {
        self.to.write_all(&[line.as_ref(), b"\n"].concat()).await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        serde_json::from_str(&self.from.next_line().await.unwrap().unwrap()).unwrap()
    }

    /// The ids of the answers to these lines, up to that of a last ping.
    async fn ids(&mut self, lines: &[&[u8]]) -> Vec<Value> {
        for line in lines {
            self.say(line).await;
        }
        self.say(PING.replace('1', "99")).await;
        let mut ids = Vec::new();
        while ids.last() != Some(&json!(99)) {
            ids.push(self.hear().await["id"].take());
        }
        ids
    }
}

#[tokio::test]
async fn every_line_that_may_have_been_a_request_is_answered_once() {
    let (_service, mut client) = served().await;
    let lines: [&[u8]; 12] = [
        b"garbage",
        b"",
        b"  \r",
        b"\xff\xfe",
        b"[]",
        br#"{"jsonrpc":"2.0","id":2,"method":"ping","params":{"a":1e999}}"#,
        br#"{"jsonrpc":"2.0","id":"a","method":"ping","params":[]}"#,
        br#"{"jsonrpc":"2.0","id":"\ud800","method":"ping"}"#,
        br#"{"method":"textDocument/didOpen","params":{}}"#,
        br#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        br#"{"jsonrpc":"2.0","id":4,"result":{}}"#,
        b"\xef\xbb\xbf{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"ping\"}\r",
    ];
    let mut ids = client.ids(&lines).await;
    // Refusals come at once, answers when their handlers have run.
    ids.sort_by_key(Value::to_string);
    assert_eq!(
        ids,
        [json!("a"), json!("\u{fffd}"), json!(2), json!(3), json!(99), json!(null), json!(null), json!(null)]
    );
}

#[tokio::test]
async fn a_line_that_is_too_long_is_refused_and_the_next_one_answered() {
    let (_service, mut client) = served().await;
    let mut long = br#"{"jsonrpc":"2.0","id":5,"method":"ping","params":{"a":""#.to_vec();
    long.resize(2 * MAX_LINE + 5, b'a');
    assert_eq!(client.ids(&[&long]).await, [json!(5), json!(99)]);
    let mut fits = PING.as_bytes().to_vec();
    fits.resize(MAX_LINE - 1, b' ');
    assert_eq!(client.ids(&[&fits]).await, [json!(1), json!(99)]);
}

#[tokio::test]
async fn a_last_line_without_its_end_is_answered_if_it_is_whole() {
    for (last, answers) in [(PING, 1), (PING.trim_end_matches('}'), 0)] {
        let (service, mut client) = served().await;
        client.to.write_all(last.as_bytes()).await.unwrap();
        client.to.shutdown().await.unwrap();
        for _ in 0..answers {
            assert_eq!(client.hear().await["id"], 1);
        }
        service.waiting().await.unwrap();
        assert!(client.from.next_line().await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_refusal_is_written_although_the_input_ends_with_it() {
    let (service, mut client) = served().await;
    client.to.write_all(b"garbage\n").await.unwrap();
    client.to.shutdown().await.unwrap();
    service.waiting().await.unwrap();
    assert_eq!(client.hear().await["error"]["code"], -32_700);
}

#[tokio::test]
async fn what_is_no_request_may_come_before_the_handshake() {
    let (wire, mut client) = wire();
    for line in [
        PING,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        "garbage",
        HELLO,
    ] {
        client.say(line).await;
    }
    let server = Server::builder("t", "1", "", "here", Settings::default()).build();
    let _service = server.serve(wire).await.unwrap();
    let answers = [client.hear().await, client.hear().await, client.hear().await];
    assert_eq!(answers.map(|answer| answer["id"].clone()), [json!(1), json!(null), json!(0)]);
}

/// Asks until nothing is taken any more; tells how often.
async fn flood(client: &mut Client) -> usize {
    for id in 1_000.. {
        let line = format!("{LIST}{id}}}");
        if tokio::time::timeout(Duration::from_secs(1), client.say(line)).await.is_err() {
            return id - 1_000;
        }
    }
    unreachable!("ids are endless")
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_listen_is_not_read_until_it_does() {
    let (_service, mut client) = served().await;
    let said = flood(&mut client).await;
    let held = client.budget.held();
    assert!(client.budget.is_spent() && held < 18 << 20, "{held} bytes after {said} requests");
    for _ in 0..said {
        client.hear().await;
    }
    // Ends the line that was broken off.
    client.say("").await;
    let ids = client.ids(&[]).await;
    assert!(ids.len() <= 2, "{ids:?}");
    assert_eq!(client.budget.held(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_hung_up_is_not_read_for_long() {
    let (mut wire, mut client) = wire();
    let _held = wire.budget.hold(MAX_LINE);
    wire.gone = Some(Instant::now());
    client.say(PING).await;
    client.say(PING).await;
    assert!(wire.receive().await.is_some());
    tokio::time::advance(REST).await;
    assert!(wire.receive().await.is_some(), "what was read already");
    assert!(wire.receive().await.is_none() && wire.reader.get_ref().closing.is_cancelled());
}
