//! JSON-RPC on the standard streams, and nothing else on stdout.
//!
//! Tokio's own stdio takes a thread per read and write. Clients hand over pipes (most) or UNIX
//! sockets (Node), and both can do without. A pipe is opened anew, so that its flags stay as they
//! are for whoever shares it. A socket cannot be; it becomes non-blocking only where stderr is
//! something else, because a log that would block must not fail instead.

mod budget;
mod hangup;
mod output;
mod wire;

use std::{
    io,
    pin::Pin,
    sync::atomic::Ordering,
    task::{Context, Poll, ready},
};

use longhaul::mcp::Server;
use rmcp::{ServerHandler, ServiceExt, service::ServerInitializeError};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::endings::{Ended, Signals, until_ended};
use hangup::Hangup;
use wire::Wire;

type Reader = Box<dyn AsyncRead + Send + Unpin>;
type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// Serves the client at the other end until it leaves or a signal comes.
pub(crate) async fn serve(server: Server, face: impl ServerHandler, signals: Signals) -> Ended {
    let (reader, writer, client) = open();
    let closing = server.closing().clone();
    let reader = Input::new(reader, closing.clone());
    let wire = Wire::new(reader, writer, client);
    let begun = wire.begun();
    until_ended(&closing, signals, async move {
        match face.serve(wire).await {
            Ok(service) => {
                begun.store(true, Ordering::Relaxed);
                let _ = service.waiting().await;
            }
            Err(error @ ServerInitializeError::ConnectionClosed(_)) => {
                tracing::debug!(%error, "the client left without a word");
            }
            Err(error) => tracing::warn!(%error, "the client did not initialize"),
        }
        server.settled().await;
    })
    .await
}

/// The client's words. Their end is the beginning of the end of the process, and the other way
/// round: a process that is ending reads no more.
struct Input {
    reader: Reader,
    closing: CancellationToken,
    closed: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Input {
    fn new(reader: Reader, closing: CancellationToken) -> Self {
        let closed = Box::pin(closing.clone().cancelled_owned());
        Self { reader, closing, closed }
    }
}

impl AsyncRead for Input {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.closed.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.reader).poll_read(cx, buffer));
        if read.is_err() || (buffer.filled().len() == before && buffer.remaining() > 0) {
            self.closing.cancel();
        }
        Poll::Ready(read)
    }
}

/// How a stream is read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// A pipe, opened anew without blocking.
    #[cfg(target_os = "linux")]
    Pipe,
    /// A UNIX socket, made non-blocking.
    #[cfg(unix)]
    Socket,
    /// Tokio's blocking pool.
    Blocking,
}

#[cfg(not(unix))]
fn open() -> (Reader, Writer, Hangup) {
    (Box::new(tokio::io::stdin()), Box::new(tokio::io::stdout()), Hangup::unseen())
}

#[cfg(unix)]
fn open() -> (Reader, Writer, Hangup) {
    use unix::{duplicate, reader, way, writer};
    let stderr = duplicate(&io::stderr()).ok();
    let client = Hangup::of(duplicate(&io::stdin()).ok());
    let stdin = duplicate(&io::stdin()).and_then(|stdin| reader(way(&stdin, stderr.as_ref()), stdin));
    if stdin.is_ok() {
        unix::close_to_children();
    }
    let stdout = duplicate(&io::stdout()).and_then(|stdout| writer(way(&stdout, stderr.as_ref()), stdout));
    let stdin = stdin.unwrap_or_else(|_| Box::new(tokio::io::stdin()));
    (stdin, stdout.unwrap_or_else(|_| Box::new(tokio::io::stdout())), client)
}

#[cfg(unix)]
mod unix {
    use std::{
        fs::File,
        io,
        os::{
            fd::{AsFd, OwnedFd},
            unix::{
                fs::{FileTypeExt, MetadataExt},
                net::UnixStream as Socket,
            },
        },
    };

    use tokio::net::UnixStream;

    use super::{Reader, Way, Writer};

    pub(super) fn duplicate(stream: &impl AsFd) -> io::Result<File> {
        Ok(File::from(stream.as_fd().try_clone_to_owned()?))
    }

    pub(super) fn way(stream: &File, stderr: Option<&File>) -> Way {
        let Ok(own) = stream.metadata() else { return Way::Blocking };
        #[cfg(target_os = "linux")]
        if own.file_type().is_fifo() {
            return Way::Pipe;
        }
        let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        let logs = stderr.and_then(|stderr| stderr.metadata().ok()).map(identity);
        if own.file_type().is_socket() && logs != Some(identity(own)) { Way::Socket } else { Way::Blocking }
    }

    pub(super) fn reader(way: Way, stream: File) -> io::Result<Reader> {
        match way {
            #[cfg(target_os = "linux")]
            Way::Pipe => Ok(Box::new(tokio::net::unix::pipe::OpenOptions::new().open_receiver(anew(&stream))?)),
            Way::Socket => Ok(Box::new(socket(stream)?)),
            Way::Blocking => Ok(Box::new(tokio::fs::File::from_std(stream))),
        }
    }

    pub(super) fn writer(way: Way, stream: File) -> io::Result<Writer> {
        match way {
            #[cfg(target_os = "linux")]
            Way::Pipe => Ok(Box::new(tokio::net::unix::pipe::OpenOptions::new().open_sender(anew(&stream))?)),
            Way::Socket => Ok(Box::new(socket(stream)?)),
            Way::Blocking => Ok(Box::new(tokio::io::stdout())),
        }
    }

    #[cfg(target_os = "linux")]
    fn anew(stream: &File) -> String {
        use std::os::fd::AsRawFd;
        format!("/proc/self/fd/{}", stream.as_raw_fd())
    }

    /// The client's words are read through a duplicate from here on. A child, such as the credential
    /// helper of an AWS profile, inherits an empty stdin and cannot take any of them.
    pub(super) fn close_to_children() {
        let closed = File::open("/dev/null").and_then(|empty| Ok(rustix::stdio::dup2_stdin(empty)?));
        if let Err(error) = closed {
            tracing::warn!(%error, "stdin stays open to child processes");
        }
    }

    fn socket(stream: File) -> io::Result<UnixStream> {
        let socket = Socket::from(OwnedFd::from(stream));
        // Fails for the sockets of other families.
        socket.local_addr()?;
        socket.set_nonblocking(true)?;
        UnixStream::from_std(socket)
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::{io::Write, os::fd::OwnedFd, os::unix::net::UnixStream as Socket, time::Duration};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::{
        unix::{duplicate, reader, way, writer},
        *,
    };

    fn file(fd: impl Into<OwnedFd>) -> std::fs::File {
        std::fs::File::from(fd.into())
    }

    #[test]
    fn trap_17_pipes_and_sockets_do_without_the_blocking_pool() {
        let (end, _other) = std::io::pipe().unwrap();
        assert_eq!(way(&file(end), None), Way::Pipe);
        let (end, _other) = Socket::pair().unwrap();
        assert_eq!(way(&file(end), None), Way::Socket);
    }

    #[test]
    fn files_and_devices_go_the_blocking_way() {
        assert_eq!(way(&std::fs::File::open("/dev/null").unwrap(), None), Way::Blocking);
        assert_eq!(way(&std::fs::File::open(std::env::current_exe().unwrap()).unwrap(), None), Way::Blocking);
    }

    #[test]
    fn trap_17_a_socket_that_is_also_the_log_stays_blocking() {
        let (end, _other) = Socket::pair().unwrap();
        let (stdin, stderr) = (duplicate(&end).unwrap(), file(end));
        assert_eq!(way(&stdin, Some(&stderr)), Way::Blocking);
    }

    #[tokio::test]
    async fn a_pipe_is_opened_anew_and_keeps_its_flags_for_others() {
        let (ours, mut theirs) = std::io::pipe().unwrap();
        let mut reader = reader(Way::Pipe, duplicate(&ours).unwrap()).unwrap();
        theirs.write_all(b"hello").unwrap();
        let mut heard = [0; 5];
        reader.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"hello");
        assert_eq!(blocking(&ours), blocking(&theirs), "the original became non-blocking");
    }

    /// Whether O_NONBLOCK (octal 4000) is set, as Linux tells it.
    fn blocking(fd: &impl std::os::fd::AsRawFd) -> bool {
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd())).unwrap();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
        u32::from_str_radix(flags.trim(), 8).unwrap() & 0o4000 == 0
    }

    #[tokio::test]
    async fn a_socket_carries_both_directions_after_one_is_closed() {
        let (ours, theirs) = Socket::pair().unwrap();
        let reader = reader(Way::Socket, duplicate(&ours).unwrap()).unwrap();
        let mut writer = writer(Way::Socket, duplicate(&ours).unwrap()).unwrap();
        drop(reader);
        writer.write_all(b"x").await.unwrap();
        theirs.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut heard = [0];
        std::io::Read::read_exact(&mut &theirs, &mut heard).unwrap();
    }

    #[tokio::test]
    async fn the_end_of_input_closes_and_closing_ends_the_input() {
        let closing = CancellationToken::new();
        let mut input = Input::new(Box::new(&b"x"[..]), closing.clone());
        let mut heard = Vec::new();
        input.read_to_end(&mut heard).await.unwrap();
        assert!(closing.is_cancelled() && heard == b"x");

        let closing = CancellationToken::new();
        let (silent, _other) = tokio::io::duplex(1);
        let mut input = Input::new(Box::new(silent), closing.clone());
        let ending = tokio::spawn(async move { input.read_to_end(&mut Vec::new()).await });
        tokio::task::yield_now().await;
        closing.cancel();
        assert_eq!(ending.await.unwrap().unwrap(), 0);
    }
}
