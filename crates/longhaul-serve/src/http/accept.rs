//! Connections: few enough, not slow, and ended with the process.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Connections at a time; more wait in the kernel's queue.
const CONNECTIONS: usize = 10_240;

/// A client that has not sent its headers by then is no client. Also how long a connection may idle.
const HEADER_TIME: Duration = Duration::from_secs(10);

/// Serves until `closing` is cancelled and the last connection is done.
pub(super) async fn serve(listener: TcpListener, app: Router, closing: CancellationToken) {
    let (tracker, free) = (TaskTracker::new(), Arc::new(Semaphore::new(CONNECTIONS)));
    let accepting = async {
        while let Ok(place) = free.clone().acquire_owned().await {
            match listener.accept().await {
                Ok((socket, _)) => {
                    let work = connection(socket, app.clone(), closing.clone());
                    tracker.spawn(async move {
                        work.await;
                        drop(place);
                    });
                }
                // A client that left in the queue, or no file descriptor left: others go on.
                Err(error) => {
                    tracing::debug!(%error, "a connection could not be accepted");
                    sleep(Duration::from_millis(50)).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        () = closing.cancelled() => {}
    }
    // Refused connections tell a load balancer more than silent ones.
    drop(listener);
    tracker.close();
    tracker.wait().await;
}

async fn connection(socket: TcpStream, app: Router, closing: CancellationToken) {
    // Without it an answer in two writes waits 40 ms for the client's acknowledgement.
    let _ = socket.set_nodelay(true);
    // Only HTTP/1: to find out which version a silent client speaks would mean to wait for it.
    let mut http = auto::Builder::new(TokioExecutor::new()).http1_only();
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIME);
    let mut connection = pin!(http.serve_connection(TokioIo::new(socket), TowerToHyperService::new(app)));
    let done = tokio::select! {
        done = connection.as_mut() => done,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = done {
        tracing::debug!(error, "a connection ended early");
    }
}
