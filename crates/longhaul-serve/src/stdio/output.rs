//! [`Output`]: one line per message, in the order in which they were put.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use tokio::{io::AsyncWriteExt, sync::Mutex as Turn};

use super::{
    Writer,
    budget::{Budget, Held},
};

/// What a line costs beside its bytes, as long as it is not written.
const LINE: usize = 512;

/// A buffer that had to be larger is not kept.
const BUFFER: usize = 1 << 20;

/// The lines of stdout, waiting and being written.
pub(super) struct Output {
    waiting: Mutex<Waiting>,
    pen: Turn<Pen>,
    budget: Arc<Budget>,
}

#[derive(Default)]
struct Waiting {
    lines: Vec<u8>,
    /// Bytes that were ever put.
    put: u64,
}

/// Whoever has it writes, for others as well.
struct Pen {
    stream: Option<Writer>,
    bytes: Vec<u8>,
    at: usize,
    /// Bytes that were ever written or given up.
    done: u64,
}

impl Output {
    pub(super) fn new(stream: Writer, budget: Arc<Budget>) -> Self {
        let pen = Pen { stream: Some(stream), bytes: Vec::new(), at: 0, done: 0 };
        Self { waiting: Mutex::default(), pen: Turn::new(pen), budget }
    }

    /// Puts a message behind the others, at once. The future writes it and may be awaited anywhere.
    pub(super) fn put<M: Serialize + 'static>(
        self: &Arc<Self>,
        message: &M,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static + use<M> {
        let (put, own) = (self.line(message), self.clone());
        async move {
            let (upto, held) = put?;
            let written = own.write(upto).await;
            drop(held);
            written
        }
    }

    fn line(&self, message: &impl Serialize) -> serde_json::Result<(u64, Held)> {
        let mut waiting = self.waiting();
        let before = waiting.lines.len();
        if let Err(error) = serde_json::to_writer(&mut waiting.lines, message) {
            waiting.lines.truncate(before);
            return Err(error);
        }
        waiting.lines.push(b'\n');
        let bytes = waiting.lines.len() - before;
        waiting.put += bytes as u64;
        Ok((waiting.put, self.budget.hold(bytes + LINE)))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes until so many bytes were ever written. Who is dropped in between leaves the rest to
    /// the next.
    async fn write(&self, upto: u64) -> io::Result<()> {
        let mut pen = self.pen.lock().await;
        if pen.done >= upto {
            return Ok(());
        }
        while pen.done < upto {
            if pen.at >= pen.bytes.len() {
                pen.refill(&mut self.waiting().lines);
            }
            pen.write().await?;
        }
        pen.flush().await
    }

    /// Writes what is still waiting, and ends.
    pub(super) async fn close(&self) -> io::Result<()> {
        let all = self.waiting().put;
        let written = self.write(all).await;
        self.pen.lock().await.stream = None;
        written
    }
}

/// A pipe takes so much in one piece or not at all (`PIPE_BUF`, POSIX; 4096 on Linux).
const ONE_PIECE: usize = 4096;

/// As many whole lines as go in one piece, or the first one: where the log goes to the same pipe
/// (`2>&1`), its lines come between ours and not into them.
fn whole_lines(text: &[u8]) -> &[u8] {
    let piece = text.get(..ONE_PIECE).unwrap_or(text);
    let end = piece.iter().rposition(|byte| *byte == b'\n').or_else(|| text.iter().position(|byte| *byte == b'\n'));
    end.and_then(|end| text.get(..=end)).unwrap_or(text)
}

impl Pen {
    fn refill(&mut self, lines: &mut Vec<u8>) {
        self.bytes.clear();
        if self.bytes.capacity() > BUFFER {
            self.bytes = Vec::new();
        }
        self.at = 0;
        std::mem::swap(&mut self.bytes, lines);
    }

    /// What cannot be written is given up: nobody will ever read it.
    async fn write(&mut self) -> io::Result<()> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let written = match &mut self.stream {
            Some(stream) => stream.write(whole_lines(rest)).await,
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        let (done, written) = match written {
            Ok(0) => (rest.len(), Err(io::ErrorKind::WriteZero.into())),
            Ok(some) => (some, Ok(())),
            Err(error) => (rest.len(), Err(error)),
        };
        self.at += done;
        self.done += done as u64;
        written
    }

    async fn flush(&mut self) -> io::Result<()> {
        match &mut self.stream {
            Some(stream) => stream.flush().await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, duplex};

    use super::*;

    #[test]
    fn lines_are_written_in_pieces_that_a_pipe_takes_whole() {
        let text = |lines: &[usize]| lines.iter().map(|length| "x".repeat(length - 1) + "\n").collect::<String>();
        let first = |lines: &[usize]| whole_lines(text(lines).as_bytes()).len();
        assert_eq!(first(&[10, 20]), 30);
        assert_eq!(first(&[4000, 96, 1]), 4096);
        assert_eq!(first(&[4000, 97]), 4000);
        assert_eq!(first(&[5000, 10]), 5000, "a long line goes alone");
        assert_eq!(whole_lines(b"rest of a line"), b"rest of a line");
    }

    fn output(room: usize) -> (Arc<Output>, Arc<Budget>, tokio::io::DuplexStream) {
        let (ours, theirs) = duplex(room);
        let budget = Arc::new(Budget::default());
        (Arc::new(Output::new(Box::new(ours), budget.clone())), budget, theirs)
    }

    #[tokio::test]
    async fn messages_come_in_the_order_in_which_they_were_put_whoever_writes_first() {
        let (output, budget, mut theirs) = output(4);
        let futures: Vec<_> = (0..100).map(|number| output.put(&number)).collect();
        assert!(budget.held() > 100 * LINE);
        for written in futures.into_iter().rev() {
            tokio::spawn(written);
        }
        let mut text = String::new();
        while text.lines().count() < 100 || !text.ends_with('\n') {
            text.push(theirs.read_u8().await.unwrap().into());
        }
        assert_eq!(text, (0..100).map(|number| format!("{number}\n")).collect::<String>());
        tokio::task::yield_now().await;
        assert_eq!(budget.held(), 0);
    }

    #[tokio::test]
    async fn a_line_that_was_begun_is_ended_by_the_next_and_everything_by_closing() {
        let (output, budget, mut theirs) = output(4);
        let mut begun = Box::pin(output.put(&"begun"));
        assert!(futures_util::poll!(&mut begun).is_pending());
        drop(begun);
        drop(output.put(&"never written for itself"));
        assert_eq!(budget.held(), 0);
        let closing = tokio::spawn(async move { output.close().await });
        let mut text = String::new();
        theirs.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "\"begun\"\n\"never written for itself\"\n");
        closing.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn what_nobody_can_read_is_given_up() {
        let (output, budget, theirs) = output(4);
        drop(theirs);
        for _ in 0..2 {
            assert!(output.put(&"lost").await.is_err());
        }
        assert_eq!(budget.held() + output.waiting().lines.len(), 0);
        output.close().await.unwrap();
        assert!(output.put(&"late").await.is_err());
    }
}
