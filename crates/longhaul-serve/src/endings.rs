//! How the process ends: a signal, a second signal, or the end of its input.
//!
//! An ending detaches: calls in flight answer with what they know and how to go on, and the
//! remote work goes on.

use std::{future::Future, io, time::Duration};

use tokio::{sync::mpsc, time::sleep};
use tokio_util::sync::CancellationToken;

/// How long calls in flight may take to answer after a signal. With the rest of the ending it
/// stays below 5 s.
const AFTER_SIGNAL: Duration = Duration::from_millis(4_500);

/// The same after the end of input: whoever started the process is closing it and waits.
const AFTER_EOF: Duration = Duration::from_millis(750);

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Everything was answered.
    Clean,
    /// Something was not answered in time.
    Late,
    /// A second signal did not want to wait.
    Forced,
}

/// The signals that end the process.
pub(crate) struct Signals(mpsc::Receiver<&'static str>);

impl Signals {
    /// Listens from now on. Needs a runtime.
    #[cfg(unix)]
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let (sender, receiver) = mpsc::channel(4);
        for (kind, name) in [(SignalKind::terminate(), "SIGTERM"), (SignalKind::interrupt(), "SIGINT")] {
            let (mut signals, sender) = (signal(kind)?, sender.clone());
            tokio::spawn(async move { while signals.recv().await.is_some() && sender.send(name).await.is_ok() {} });
        }
        Ok(Self(receiver))
    }

    /// Listens from now on. Needs a runtime.
    #[cfg(not(unix))]
    pub(crate) fn listen() -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel(4);
        tokio::spawn(
            async move { while tokio::signal::ctrl_c().await.is_ok() && sender.send("ctrl-c").await.is_ok() {} },
        );
        Ok(Self(receiver))
    }

    async fn next(&mut self) -> &'static str {
        match self.0.recv().await {
            Some(name) => name,
            None => std::future::pending().await,
        }
    }
}

/// Runs `work`, which ends soon after `closing` is cancelled: by a signal here, or by whoever
/// reads the input.
pub(crate) async fn until_ended(
    closing: &CancellationToken,
    mut signals: Signals,
    work: impl Future<Output = ()>,
) -> Ended {
    let mut work = std::pin::pin!(work);
    let grace = tokio::select! {
        () = &mut work => return Ended::Clean,
        signal = signals.next() => {
            tracing::info!(signal, "ending; calls in flight answer with what they know");
            closing.cancel();
            AFTER_SIGNAL
        }
        () = closing.cancelled() => AFTER_EOF,
    };
    tokio::select! {
        () = &mut work => Ended::Clean,
        _ = signals.next() => Ended::Forced,
        () = sleep(grace) => {
            tracing::warn!("not every call in flight was answered in time");
            Ended::Late
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::Instant;

    use super::*;

    /// Ends work that takes `work` after closing, by signals or end of input at the given times.
    async fn check(work: Duration, signalled: &[u64], eof: Option<u64>) -> (Ended, Duration) {
        let started = Instant::now();
        let closing = CancellationToken::new();
        let (sender, receiver) = mpsc::channel(4);
        for at in signalled.iter().copied() {
            let sender = sender.clone();
            tokio::spawn(async move {
                sleep(Duration::from_secs(at)).await;
                let _ = sender.send("SIGTERM").await;
            });
        }
        let input = closing.clone();
        tokio::spawn(async move {
            match eof {
                Some(at) => sleep(Duration::from_secs(at)).await,
                None => pending().await,
            }
            input.cancel();
        });
        let ended = until_ended(&closing, Signals(receiver), async {
            closing.cancelled().await;
            sleep(work).await;
        });
        (ended.await, started.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_signal_lets_calls_in_flight_answer() {
        assert_eq!(check(Duration::from_secs(2), &[10], None).await, (Ended::Clean, Duration::from_secs(12)));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_signal_the_process_ends_within_five_seconds_whatever_hangs() {
        let (ended, after) = check(Duration::MAX, &[10], None).await;
        assert_eq!(ended, Ended::Late);
        assert!(after < Duration::from_secs(15), "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_end_of_input_the_process_ends_within_a_second_whatever_hangs() {
        let (ended, after) = check(Duration::MAX, &[], Some(10)).await;
        assert_eq!(ended, Ended::Late);
        assert!(after < Duration::from_secs(11), "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_signal_ends_at_once() {
        assert_eq!(check(Duration::MAX, &[10, 11], None).await, (Ended::Forced, Duration::from_secs(11)));
    }
}
