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
    time::Duration,
};

use rmcp::{
    RoleServer,
    model::{ClientJsonRpcMessage, GetExtensions, ServerJsonRpcMessage},
    transport::Transport,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    time::Instant,
};

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

/// So long the last words are read of a client that has hung up and takes no answers.
const REST: Duration = Duration::from_millis(50);

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
    /// When the client was seen to have closed its end: what it has written is all there will be.
    gone: Option<Instant>,
    /// Messages since others were let go first.
    streak: u8,
    /// Whether the handshake is over.
    begun: Arc<AtomicBool>,
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
    pub(super) fn new(reader: Input, writer: Writer, client: Hangup) -> Self {
        let budget = Arc::new(Budget::default());
        Self {
            reader: BufReader::new(reader),
            line: Vec::new(),
            passing: false,
            output: Arc::new(Output::new(writer, budget.clone())),
            budget,
            client,
            gone: None,
            streak: 0,
            begun: Arc::default(),
        }
    }

    /// To be set when the handshake is over.
    pub(super) fn begun(&self) -> Arc<AtomicBool> {
        self.begun.clone()
    }

    /// Waits as long as the client does not take what it has asked for. When it has hung up, the
    /// rest of its words is short; it is read, but not for long.
    async fn room(&mut self) {
        while self.budget.is_spent() {
            match self.gone {
                Some(gone) if gone.elapsed() >= REST => return self.reader.get_ref().closing.cancel(),
                Some(_) => return,
                None => tokio::select! {
                    () = self.budget.freed() => {}
                    () = self.client.seen() => self.gone = Some(Instant::now()),
                },
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
mod tests;
