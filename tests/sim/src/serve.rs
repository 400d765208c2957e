//! Listens on loopback and serves a router, one task per connection.
//!
//! Own accept loop, because a simulator must be able to do what servers avoid:
//! drop a connection in the middle of a request ([`Cut`]), and die at once with
//! everything that is open ([`Running::shutdown`]).

use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A simulator that listens. Dropping it ends it.
#[derive(Debug)]
pub struct Running {
    url: String,
    task: JoinHandle<()>,
}

impl Running {
    /// The address to give to a client as its endpoint URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops listening and drops every open connection.
    pub async fn shutdown(mut self) {
        self.task.abort();
        // The task ends as "cancelled", which is what was asked for.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Cuts the connection that a request came in on.
#[derive(Clone, Debug, Default)]
pub struct Cut(Arc<AtomicBool>);

impl Cut {
    /// From now on nothing more is written, and the peer sees a TCP reset.
    pub fn now(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn is_cut(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Serves `app` on a loopback port; 0 lets the system choose one. Handlers find
/// the [`Cut`] of their connection as an extension.
///
/// # Errors
///
/// When the port cannot be bound.
pub async fn listen(port: u16, app: Router) -> io::Result<Running> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let task = tokio::spawn(accept(listener, app));
    Ok(Running { url, task })
}

async fn accept(listener: TcpListener, app: Router) {
    // Dropping the set aborts its tasks, so that no connection outlives the simulator.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve_connection(stream, app.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve_connection(stream: TcpStream, app: Router) {
    let _ = stream.set_nodelay(true);
    let cut = Cut::default();
    let socket = Socket { stream, cut: cut.clone() };
    let service = TowerToHyperService::new(app.layer(Extension(cut)));
    // An error here is a peer that left or a connection that was cut on purpose.
    let _ = auto::Builder::new(TokioExecutor::new()).http1_only().serve_connection(TokioIo::new(socket), service).await;
}

/// A TCP stream that can be told to break.
struct Socket {
    stream: TcpStream,
    cut: Cut,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.cut.is_cut() {
            // Without lingering, closing sends RST in place of FIN.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.cut.is_cut() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.cut.is_cut() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
