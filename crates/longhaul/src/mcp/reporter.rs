//! [`Reporter`]: progress for the peer that asked for it.
//!
//! A courtesy: it never fails, delays or outlives the call. Whoever watches hands over the newest
//! note and goes on; a task of its own sends what is newest when it may. Guarantees, each a test:
//! strictly increasing, a fixed total, one at once, at most one a second, a heartbeat, and nothing
//! after the reply.

use std::{future::Future, time::Duration};

use rmcp::{
    RoleServer,
    model::{ProgressNotificationParam, ProgressToken},
    service::Peer,
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep_until},
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// `total` of every progress notification.
pub(super) const TOTAL: f64 = 100.0;

/// What is short of a success never gets beyond this.
const NEARLY: f64 = 99.0;

const AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// Clients count silence in tens of seconds; sessions and proxies cut at 15 s and more.
const HEARTBEAT: Duration = Duration::from_secs(12);

/// What there is to tell.
#[derive(Clone, Debug)]
pub(super) struct Note {
    /// From 0 to 1, where it can be known.
    pub(super) fraction: Option<f64>,
    /// One short line; the elapsed time is added when it is sent.
    pub(super) message: String,
    /// How long the work had been under way when the reporter was started.
    pub(super) already: Duration,
}

/// Where notifications go.
pub(super) trait Sink: Send + 'static {
    fn send(&mut self, progress: f64, message: String) -> impl Future<Output = ()> + Send;
}

/// The peer that sent a progress token with its request.
pub(super) struct ToPeer {
    pub(super) peer: Peer<RoleServer>,
    pub(super) token: ProgressToken,
}

impl Sink for ToPeer {
    async fn send(&mut self, progress: f64, message: String) {
        let news = ProgressNotificationParam::new(self.token.clone(), progress).with_total(TOTAL).with_message(message);
        if let Err(error) = self.peer.notify_progress(news).await {
            tracing::debug!(%error, "a progress notification could not be sent");
        }
    }
}

/// Sends the newest note when it may.
pub(super) struct Reporter {
    notes: watch::Sender<Note>,
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Reporter {
    /// Starts with a first note, which is sent at once.
    pub(super) fn start(sink: impl Sink, first: Note) -> Self {
        let (notes, mut news) = watch::channel(first);
        news.mark_changed();
        let stop = CancellationToken::new();
        let task = tokio::spawn(send_notes(sink, news, stop.clone()));
        Self { notes, stop: stop.drop_guard(), task }
    }

    /// Hands over the newest note. Never waits.
    pub(super) fn tell(&self, note: Note) {
        self.notes.send_replace(note);
    }

    /// A handle that only tells, for the steps of a start.
    pub(super) fn teller(&self) -> watch::Sender<Note> {
        self.notes.clone()
    }

    /// Drops what is pending and waits for the notification in flight: after this nothing is
    /// sent any more. Gives up when `gone` resolves: then nobody reads.
    pub(super) async fn finish(self, gone: impl Future<Output = ()>) {
        drop(self.stop);
        let abort = self.task.abort_handle();
        tokio::select! {
            biased;
            _ = self.task => {}
            () = gone => abort.abort(),
        }
    }
}

async fn send_notes(mut sink: impl Sink, mut news: watch::Receiver<Note>, stop: CancellationToken) {
    let started = Instant::now();
    let mut progress = 0.0;
    let mut sent: Option<Instant> = None;
    loop {
        let heartbeat = sent.map_or(started, |sent| sent + HEARTBEAT);
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            changed = news.changed() => if changed.is_err() { return },
            () = sleep_until(heartbeat) => {}
        }
        if let Some(sent) = sent {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = sleep_until(sent + AT_MOST_EVERY) => {}
            }
        }
        let note = news.borrow_and_update().clone();
        progress = next_progress(progress, note.fraction);
        let elapsed = note.already + started.elapsed();
        sink.send(progress, format!("{} ({})", note.message, spell(elapsed))).await;
        sent = Some(Instant::now());
    }
}

/// The next value: what is known, but always more than the last and less than the total.
///
/// Where nothing new is known it creeps, ever more slowly.
fn next_progress(last: f64, fraction: Option<f64>) -> f64 {
    let known = (fraction.unwrap_or(0.0) * TOTAL).clamp(0.0, NEARLY);
    let creep = last + (NEARLY - last) * 0.002;
    let next = if known > last { known } else { creep };
    if next > last { next } else { last.next_up() }
}

/// A duration as a person says it: `45 s`, `3 min 20 s`, `1 h 5 min`.
pub(super) fn spell(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Default)]
    struct Heard {
        notes: Arc<Mutex<Vec<(Duration, f64, String)>>>,
        slow: Duration,
        started: Option<Instant>,
    }

    impl Sink for Heard {
        async fn send(&mut self, progress: f64, message: String) {
            let started = *self.started.get_or_insert_with(Instant::now);
            tokio::time::sleep(self.slow).await;
            self.notes.lock().unwrap().push((started.elapsed(), progress, message));
        }
    }

    fn note(message: &str, fraction: Option<f64>) -> Note {
        Note { fraction, message: message.into(), already: Duration::ZERO }
    }

    /// Tells notes after the given pauses, then finishes; what was heard, and when it finished.
    fn run(slow: Duration, told: &[(u64, Option<f64>)], wait_ms: u64) -> Vec<(Duration, f64, String)> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let heard = Heard { slow, ..Heard::default() };
            let notes = heard.notes.clone();
            let reporter = Reporter::start(heard, note("first", None));
            tokio::time::sleep(Duration::from_millis(1)).await;
            for (n, (pause_ms, fraction)) in told.iter().enumerate() {
                let before = Instant::now();
                reporter.tell(note(&format!("note {n}"), *fraction));
                assert_eq!(before, Instant::now(), "telling took time");
                tokio::time::sleep(Duration::from_millis(*pause_ms)).await;
            }
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            reporter.finish(std::future::pending()).await;
            let at_finish = notes.lock().unwrap().len();
            tokio::time::sleep(Duration::from_secs(100)).await;
            assert_eq!(notes.lock().unwrap().len(), at_finish, "something was sent after the end");
            notes.lock().unwrap().clone()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn progress_strictly_increases_within_its_total_at_most_once_a_second(
            told in proptest::collection::vec((0u64..5000, proptest::option::of(-1.0f64..2.0)), 0..60),
            slow_ms in 0u64..3000,
        ) {
            let heard = run(Duration::from_millis(slow_ms), &told, 0);
            prop_assert!(heard.iter().all(|(_, progress, _)| (0.0..TOTAL).contains(progress)));
            for pair in heard.windows(2) {
                prop_assert!(pair[0].1 < pair[1].1, "{pair:?}");
                prop_assert!(pair[1].0 - pair[0].0 >= AT_MOST_EVERY, "{pair:?}");
            }
        }

        #[test]
        fn progress_never_stands_still(last in 0.0f64..99.5, fraction in proptest::option::of(any::<f64>())) {
            let next = next_progress(last, fraction);
            prop_assert!(next > last && next.is_finite());
        }
    }

    #[test]
    fn the_first_note_is_sent_at_once() {
        let heard = run(Duration::ZERO, &[], 0);
        assert_eq!(heard.len(), 1);
        assert_eq!((heard[0].0, heard[0].2.as_str()), (Duration::ZERO, "first (0 s)"));
    }

    #[test]
    fn silence_is_broken_by_a_heartbeat_with_the_elapsed_time() {
        let heard = run(Duration::ZERO, &[], 30_000);
        let seconds: Vec<u64> = heard.iter().map(|(at, _, _)| at.as_secs()).collect();
        assert_eq!(seconds, [0, 12, 24]);
        assert_eq!(heard[2].2, "first (24 s)");
    }

    #[test]
    fn a_slow_client_hears_the_latest_and_stalls_nobody() {
        let told = vec![(10, None); 50];
        let heard = run(Duration::from_secs(5), &told, 20_000);
        assert_eq!(heard[1].2.split(' ').take(2).collect::<Vec<_>>(), ["note", "49"], "{heard:?}");
    }

    #[test]
    fn a_thousand_heartbeats_are_a_thousand_increases_below_the_total() {
        let mut progress = 0.0;
        for _ in 0..100_000 {
            let next = next_progress(progress, Some(0.3));
            assert!(next > progress && next < TOTAL, "{next}");
            progress = next;
        }
    }

    #[test]
    fn durations_are_spelled_as_a_person_says_them() {
        let spelled = [0, 59, 60, 200, 3900].map(|seconds| spell(Duration::from_secs(seconds)));
        assert_eq!(spelled, ["0 s", "59 s", "1 min", "3 min 20 s", "1 h 5 min"]);
    }
}
