//! [`Wire`]: a message per line, in both directions. Every line that is a request or might have
//! been one gets exactly one line in answer.
//!
//! rmcp has such a transport, too, but it leaves lines that cannot be parsed without an answer,
//! ends when a notification comes before `initialize`, and reads on while nobody takes its answers.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rmcp::{
    RoleServer,
    model::{ClientJsonRpcMessage, GetExtensions, ServerJsonRpcMessage},
    transport::Transport,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio_util::sync::CancellationToken;

use super::{
    Input, Writer,
    budget::{Budget, Held},
    hangup::Hangup,
    output::Output,
};
use crate::malformed::{self, Refusal};

/// Most that a line may be.
const MAX_LINE: usize = 16 << 20;

/// A buffer that had to be larger is not kept.
const BUFFER: usize = 1 << 20;

/// After so many messages at a stretch those that were read are worked off, and their answers put:
/// in between, nothing counts them.
const STREAK: u8 = 32;

/// What a request costs beside its line, as long as it has no answer.
const REQUEST: usize = 4 << 10;

/// Some tools put it in front.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The client, line by line.
pub(super) struct Wire {
    reader: BufReader<Input>,
    line: Vec<u8>,
    /// In the middle of a line that is too long.
    passing: bool,
    output: Arc<Output>,
    budget: Arc<Budget>,
    client: Hangup,
    /// The client has closed its end: what it has written is all there will be.
    gone: bool,
    /// Messages since others were let go first.
    streak: u8,
    /// Whether the handshake is over.
    begun: Arc<AtomicBool>,
    closing: CancellationToken,
}

/// What was read.
enum Line {
    Whole,
    /// The end came instead of the end of the line.
    Cut,
    TooLong,
}

/// The part of the budget that a request holds. It goes with the request, and ends with it.
#[derive(Clone)]
struct Open(#[expect(dead_code, reason = "it is held, and dropped")] Arc<Held>);

impl Wire {
    pub(super) fn new(reader: Input, writer: Writer, client: Hangup, closing: CancellationToken) -> Self {
        let budget = Arc::new(Budget::default());
        Self {
            reader: BufReader::new(reader),
            line: Vec::new(),
            passing: false,
            output: Arc::new(Output::new(writer, budget.clone())),
            budget,
            client,
            gone: false,
            streak: 0,
            begun: Arc::default(),
            closing,
        }
    }

    /// To be set when the handshake is over.
    pub(super) fn begun(&self) -> Arc<AtomicBool> {
        self.begun.clone()
    }

    /// Waits as long as the client does not take what it has asked for. When it has hung up, the
    /// rest of its words is short, and the end behind them is to be seen.
    async fn room(&mut self) {
        while self.budget.is_spent() && !self.gone && !self.closing.is_cancelled() {
            tokio::select! {
                () = self.budget.freed() => {}
                () = self.client.seen() => self.gone = true,
                () = self.closing.cancelled() => {}
            }
        }
    }

    /// Reads a line. May be dropped at any time: what has been read of a line is kept.
    async fn next_line(&mut self) -> Option<Line> {
        loop {
            let room = (MAX_LINE + 1).saturating_sub(self.line.len());
            let mut reader = (&mut self.reader).take(room as u64);
            if let Err(error) = reader.read_until(b'\n', &mut self.line).await {
                tracing::warn!(%error, "stdin could not be read");
                return None;
            }
            let passing = self.passing;
            if self.line.ends_with(b"\n") {
                self.passing = false;
                if !passing {
                    return Some(Line::Whole);
                }
            } else if self.line.len() <= MAX_LINE {
                return (!passing && !self.line.is_empty()).then_some(Line::Cut);
            } else {
                self.passing = true;
                if !passing {
                    return Some(Line::TooLong);
                }
            }
            self.line.clear();
        }
    }

    /// The message in the line, if there is one; answers what is none.
    fn message(&mut self, line: &Line) -> Option<ClientJsonRpcMessage> {
        if matches!(line, Line::TooLong) {
            self.refuse(&Refusal::too_long(&self.line, MAX_LINE));
            return None;
        }
        let text = self.line.trim_ascii_end().len();
        let start = if self.line.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        let text = self.line.get_mut(start..text).filter(|text| !text.is_empty())?;
        match malformed::read(text) {
            Ok(message) => self.accept(message),
            Err(refusal) if refusal.unasked || matches!(line, Line::Cut) => {
                tracing::debug!(%refusal, "a line was ignored");
                None
            }
            Err(refusal) => {
                self.refuse(&refusal);
                None
            }
        }
    }

    fn accept(&self, mut message: ClientJsonRpcMessage) -> Option<ClientJsonRpcMessage> {
        if let ClientJsonRpcMessage::Request(request) = &mut message {
            let held = self.budget.hold(self.line.len() + REQUEST);
            request.request.extensions_mut().insert(Open(Arc::new(held)));
        } else if !self.begun.load(Ordering::Relaxed) {
            tracing::warn!("a message that is no request came before `initialize` and was ignored");
            return None;
        }
        Some(message)
    }

    fn refuse(&self, refusal: &Refusal) {
        tracing::debug!(%refusal, "a line was refused");
        // Written by whoever writes next, at the latest by closing.
        tokio::spawn(self.output.put(&refusal.answer()));
    }
}

impl Transport<RoleServer> for Wire {
    type Error = io::Error;

    fn send(&mut self, message: ServerJsonRpcMessage) -> impl Future<Output = io::Result<()>> + Send + 'static {
        self.output.put(&message)
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            self.room().await;
            if self.streak >= STREAK {
                // Drops what waits here, and comes again, as long as there is something else to do.
                tokio::task::yield_now().await;
                self.streak = 0;
            }
            let line = self.next_line().await?;
            let message = self.message(&line);
            self.streak += 1;
            self.line.clear();
            if self.line.capacity() > BUFFER {
                self.line = Vec::new();
            }
            if message.is_some() {
                return message;
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.output.close().await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use longhaul::mcp::{Server, Settings};
    use rmcp::{RoleServer, ServiceExt, service::RunningService};
    use serde_json::{Value, json};
    use tokio::io::{AsyncWriteExt, DuplexStream, Lines, ReadHalf, WriteHalf, duplex, split};

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
        let closing = CancellationToken::new();
        let input = Input::new(Box::new(ours.0), closing.clone());
        let wire = Wire::new(input, Box::new(ours.1), Hangup::unseen(), closing);
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
}
