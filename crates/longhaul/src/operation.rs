//! [`Operation`]: remote work that can be looked at, and what a look can tell.
//!
//! An operation is a resource and what it is to become, not a verb: deploying, waiting for and
//! deleting an endpoint are one `Operation` with different goals in its handle. Looking changes
//! nothing; only [`Operation::abort`] asks the remote side to end the work.

use std::{
    future::Future,
    time::{Duration, SystemTime},
};

use futures_util::stream::{self, Stream};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{Instant, sleep_until, timeout};

use crate::{
    context::Context,
    fault::{Fault, FaultCode},
    next::Next,
};

/// Remote work that can be looked at: a resource and what it is to become.
pub trait Operation: Send + Sync + 'static {
    /// Names the kind of work, for example `sagemaker.endpoint`.
    const KIND: &'static str;
    /// Identity (ARN, uid, run id), target and goal. Travels in task ids, so it holds no secret.
    type Handle: Serialize + DeserializeOwned + Clone + Send + Sync + 'static;
    /// What a success brings.
    type Output: Serialize + JsonSchema + Send + 'static;

    /// What a reader is told the handle is about. Pure.
    fn subject(&self, handle: &Self::Handle) -> Subject;

    /// A success in one sentence.
    fn sentence(&self, subject: &Subject, output: &Self::Output) -> String {
        let _ = output;
        format!("{} is as it was asked for.", subject.resource)
    }

    /// What a success leaves: what is still there and may cost money, and the call that makes
    /// sense now.
    fn afterwards(&self, output: &Self::Output) -> (Vec<String>, Option<Next>) {
        let _ = output;
        (Vec::new(), None)
    }

    /// Looks once; reads only.
    ///
    /// # Errors
    /// The backend could not be looked at, which says nothing about the work.
    fn observe(
        &self,
        cx: &Context,
        handle: &Self::Handle,
    ) -> impl Future<Output = Result<Observation<Self::Output>, Fault>> + Send;

    /// Asks the backend to end the work; what came of it, [`Self::observe`] tells.
    ///
    /// # Errors
    /// [`FaultCode::Unsupported`] where the backend has no such thing, or why it refused.
    fn abort(&self, cx: &Context, handle: &Self::Handle) -> impl Future<Output = Result<(), Fault>> + Send {
        let _ = (cx, handle);
        async { Err(Fault::new(FaultCode::Unsupported, format!("{} cannot be aborted", Self::KIND))) }
    }

    /// The looks of one watcher, the first at once. A backend that pushes overrides it; others
    /// are polled at the pace.
    fn watch<'a>(
        &'a self,
        cx: &'a Context,
        handle: &'a Self::Handle,
        pace: Pace,
    ) -> impl Stream<Item = Result<Observation<Self::Output>, Fault>> + Send + 'a
    where
        Self: Sized,
    {
        poll(self, cx, handle, pace)
    }
}

/// What a look told.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation<T> {
    /// It is under way, or in a state that nobody knows.
    Running(Running),
    /// What was asked for is what is there.
    Succeeded(T),
    /// It will not become what was asked for. Gone, superseded and aborted are codes of the fault.
    Failed(Fault),
}

/// Work under way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Running {
    /// The vendor's word, also where nobody knows it.
    pub phase: String,
    /// From 0 to 1, where it can be known.
    pub fraction: Option<f64>,
    /// What is going on, in a few words.
    pub detail: String,
    /// The work stands still until this call takes the next step.
    pub waits_for: Option<Next>,
    /// What is there and may cost money if nobody goes on.
    pub leftovers: Vec<String>,
}

impl Running {
    /// Work in `phase`.
    #[must_use]
    pub fn new(phase: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { phase: phase.into(), detail: detail.into(), ..Self::default() }
    }

    /// Stands still until `call` goes on with it.
    #[must_use]
    pub fn waiting_for(mut self, call: Next) -> Self {
        self.waits_for = Some(call);
        self
    }

    /// With what is there and may cost money.
    #[must_use]
    pub fn with_leftovers(mut self, leftovers: Vec<String>) -> Self {
        self.leftovers = leftovers;
        self
    }

    /// With the part that is done, from 0 to 1.
    #[must_use]
    pub fn with_fraction(mut self, fraction: Option<f64>) -> Self {
        self.fraction = fraction.map(|fraction| fraction.clamp(0.0, 1.0));
        self
    }
}

/// What an operation is about, for whoever reads of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject {
    /// Where: account and region, cluster and namespace, or the like.
    pub target: String,
    /// Name of the resource.
    pub resource: String,
    /// When the remote work began, where the backend tells.
    pub since: Option<SystemTime>,
    /// The call that goes on watching.
    pub resume: Next,
}

/// How often to look, and how patiently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From one look to the next.
    pub every: Duration,
    /// A look that takes longer has failed.
    pub look_limit: Duration,
    /// Looks may fail for so long in a row before the state counts as unknown.
    pub patience: Duration,
}

impl Default for Pace {
    /// Every 30 s, 10 s a look, 5 minutes of patience.
    fn default() -> Self {
        Self { every: Duration::from_secs(30), look_limit: Duration::from_secs(10), patience: Duration::from_secs(300) }
    }
}

/// Looks at a fixed pace for ever: at once, then on the grid of `pace.every`.
///
/// A slow or failed look does not bend the grid. Only the server's `Retry-After` holds the next
/// look back. There is no jitter: a pace is not a retry, and watchers start when they start.
pub fn poll<'a, O: Operation>(
    operation: &'a O,
    cx: &'a Context,
    handle: &'a O::Handle,
    pace: Pace,
) -> impl Stream<Item = Result<Observation<O::Output>, Fault>> + Send + 'a {
    let start = Instant::now();
    stream::unfold(start, move |due| async move {
        sleep_until(due).await;
        let look = look(operation, cx, handle, pace.look_limit).await;
        let wait = look.as_ref().err().and_then(Fault::retry_after);
        Some((look, next_look(start, Instant::now(), pace.every, wait)))
    })
}

/// One look, bounded in time.
pub(crate) async fn look<O: Operation>(
    operation: &O,
    cx: &Context,
    handle: &O::Handle,
    limit: Duration,
) -> Result<Observation<O::Output>, Fault> {
    timeout(limit, operation.observe(cx, handle)).await.unwrap_or_else(|_| {
        let message = format!("the backend did not answer within {} s", limit.as_secs_f32());
        Err(Fault::new(FaultCode::Unreachable, message))
    })
}

/// The next point of the grid, or later where the server asked for it.
fn next_look(start: Instant, now: Instant, every: Duration, wait: Option<Duration>) -> Instant {
    let every = every.max(Duration::from_millis(1));
    let done = now.duration_since(start).as_nanos() / every.as_nanos();
    let elapsed = u32::try_from(done + 1).ok().and_then(|points| every.checked_mul(points));
    let grid = elapsed.map_or_else(|| after(now, every), |elapsed| after(start, elapsed));
    wait.map_or(grid, |wait| grid.max(after(now, wait)))
}

/// `wait` after `start`. A wait beyond all clocks (a vendor may ask for any) is about thirty years.
pub(crate) fn after(start: Instant, wait: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(1 << 30);
    start.checked_add(wait).unwrap_or(start + FAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_next_look_is_on_the_grid_unless_the_server_asks_for_more() {
        let start = Instant::now();
        let at = |now: u64, wait: Option<u64>| {
            let now = start + Duration::from_secs(now);
            let next = next_look(start, now, Duration::from_secs(30), wait.map(Duration::from_secs));
            next.duration_since(start).as_secs()
        };
        assert_eq!(at(0, None), 30);
        assert_eq!(at(7, None), 30, "a slow look does not bend the grid");
        assert_eq!(at(30, None), 60);
        assert_eq!(at(95, None), 120, "missed points are not made up for");
        assert_eq!(at(30, Some(5)), 60, "a shorter wait than the pace changes nothing");
        assert_eq!(at(30, Some(47)), 77, "a longer one wins");
    }

    #[tokio::test(start_paused = true)]
    async fn no_pace_and_no_wait_is_beyond_the_clock() {
        let now = Instant::now();
        for absurd in [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_secs(u64::MAX / 2)] {
            assert!(next_look(now, now, absurd, None) > now + Duration::from_secs(86_400 * 365));
            assert!(
                next_look(now, now, Duration::from_secs(30), Some(absurd)) > now + Duration::from_secs(86_400 * 365)
            );
        }
    }
}
