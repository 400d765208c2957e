//! [`follow`]: watch an operation until it is over, the caller leaves or the bound is reached.
//!
//! Following only observes. Whoever leaves, at whatever moment, leaves the work running; a bound
//! ends the watching, never the operation; a failed look is not a failed operation.

use std::{
    future::Future,
    pin::pin,
    time::{Duration, SystemTime},
};

use futures_util::StreamExt;
use tokio::time::{Instant, sleep_until};

use crate::{
    clock,
    context::Context,
    fault::{Fault, FaultCode},
    operation::{Observation, Operation, Pace, Running, after, look},
};

/// The last look, at the bound, takes at most so long: whoever waits is about to give up.
const LAST_LOOK_LIMIT: Duration = Duration::from_secs(4);

/// From one step of a stepwise tool to the look after it: a step that cannot be seen yet must not
/// be taken again without a pause.
const AFTER_A_STEP: Duration = Duration::from_millis(500);

/// How to follow.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    /// Pace and patience.
    pub pace: Pace,
    /// When to stop watching.
    pub until: Option<Instant>,
}

/// What is heard on the way.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// A look succeeded; the work goes on.
    Running(&'a Running),
    /// A look failed; the watching goes on.
    Missed(&'a Fault),
}

/// Whoever follows: hears the news and, where the work needs it, takes the next step.
pub trait Follower: Send {
    /// Hears of a look, before the watcher sleeps. Must not block.
    fn hear(&mut self, news: News<'_>);

    /// Takes the next step; true if something changed, so that the next look comes at once.
    ///
    /// # Errors
    /// As of a look: a retryable fault is survived, any other ends the operation as failed.
    fn advance(&mut self, running: &Running) -> impl Future<Output = Result<bool, Fault>> + Send {
        let _ = running;
        async { Ok(false) }
    }
}

/// A follower that only counts the time.
impl Follower for () {
    fn hear(&mut self, _: News<'_>) {}
}

/// How the watching ended.
#[derive(Debug, PartialEq)]
pub enum Ending<T> {
    /// The operation is over and has brought this.
    Succeeded(T),
    /// The operation is over and has failed.
    Failed(Fault),
    /// The caller left or the bound was reached; the operation goes on.
    Running(Running),
    /// Looks failed for longer than the patience, or will not succeed without help.
    Unknown(Fault),
}

/// How the watching ended, and what was seen last.
#[derive(Debug)]
pub struct Followed<T> {
    /// How it ended.
    pub ending: Ending<T>,
    /// What the last successful look at running work told.
    pub last: Option<Running>,
    /// When a look last succeeded.
    pub seen_at: Option<SystemTime>,
    /// Why the latest look or step failed, if it did.
    pub missed: Option<Fault>,
}

/// Follows `handle` until it is over, `leave` resolves or `watch.until` is reached.
///
/// The first look is made at once, news are heard before each sleep, and one last look is made
/// at the bound. Dropping the future at any await point leaves, too.
pub async fn follow<O: Operation, F: Follower>(
    operation: &O,
    cx: &Context,
    handle: &O::Handle,
    watch: Watch,
    leave: impl Future<Output = ()> + Send,
    follower: &mut F,
) -> Followed<O::Output> {
    let mut eyes = Eyes { last: None, seen_at: None, missed: None, failing: None, patience: watch.pace.patience };
    let mut leave = pin!(leave);
    loop {
        let mut looks = pin!(operation.watch(cx, handle, watch.pace));
        let opened = Instant::now();
        let pause = loop {
            let look = tokio::select! {
                biased;
                () = &mut leave => return eyes.left(),
                () = reached(watch.until) => {
                    let limit = watch.pace.look_limit.min(LAST_LOOK_LIMIT);
                    let look = look(operation, cx, handle, limit).await;
                    return eyes.last_look(look, follower);
                }
                look = looks.next() => look,
            };
            // A stream that ends before the operation does: a push backend that was cut.
            let Some(look) = look else { break watch.pace.every };
            let running = match eyes.see(look, follower) {
                Seen::Running(running) => running,
                Seen::Missed => continue,
                Seen::Over(ending) => return eyes.ended(ending),
            };
            let step = tokio::select! {
                biased;
                () = &mut leave => return eyes.left(),
                () = reached(watch.until) => return eyes.left(),
                step = follower.advance(&running) => step,
            };
            match step {
                // What was changed is looked at at once.
                Ok(true) => break AFTER_A_STEP,
                Ok(false) => {}
                Err(fault) => {
                    if let Some(ending) = eyes.stumble(fault, follower) {
                        return eyes.ended(ending);
                    }
                }
            }
        };
        tokio::select! {
            () = &mut leave => return eyes.left(),
            () = reached(watch.until) => {}
            () = sleep_until(after(opened, pause)) => {}
        }
    }
}

async fn reached(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// What one watcher remembers of its looks.
struct Eyes {
    last: Option<Running>,
    seen_at: Option<SystemTime>,
    missed: Option<Fault>,
    failing: Option<Instant>,
    patience: Duration,
}

enum Seen<T> {
    Running(Running),
    Missed,
    Over(Ending<T>),
}

impl Eyes {
    fn see<T>(&mut self, look: Result<Observation<T>, Fault>, follower: &mut impl Follower) -> Seen<T> {
        let observation = match look {
            Ok(observation) => observation,
            Err(fault) => return self.miss(fault, follower),
        };
        (self.failing, self.missed) = (None, None);
        self.seen_at = Some(clock::now());
        match observation {
            Observation::Running(running) => {
                follower.hear(News::Running(&running));
                self.last = Some(running.clone());
                Seen::Running(running)
            }
            Observation::Succeeded(output) => Seen::Over(Ending::Succeeded(output)),
            Observation::Failed(fault) => Seen::Over(Ending::Failed(fault)),
        }
    }

    /// A failed look: time decides, never their number, when they have failed for too long. One
    /// that no later look can mend (expired credentials) need not be waited for.
    fn miss<T>(&mut self, fault: Fault, follower: &mut impl Follower) -> Seen<T> {
        let since = *self.failing.get_or_insert_with(Instant::now);
        if !fault.retryable || since.elapsed() >= self.patience {
            return Seen::Over(Ending::Unknown(self.with_remains(fault)));
        }
        follower.hear(News::Missed(&fault));
        self.missed = Some(fault);
        Seen::Missed
    }

    /// A step that could not be taken. Where it was refused the work stays undone: that is a
    /// failure. Where nobody knows the caller any more, or a defect of ours ended the step, it may
    /// have been done all the same. Where its outcome is unknown, the next look tells.
    fn stumble<T>(&mut self, fault: Fault, follower: &mut impl Follower) -> Option<Ending<T>> {
        if fault.code == FaultCode::OutcomeUnknown {
            follower.hear(News::Missed(&fault));
            self.missed = Some(fault);
            return None;
        }
        if !fault.retryable && !matches!(fault.code, FaultCode::Unauthenticated | FaultCode::Internal) {
            return Some(Ending::Failed(self.with_remains(fault)));
        }
        match self.miss(fault, follower) {
            Seen::Over(ending) => Some(ending),
            Seen::Running(_) | Seen::Missed => None,
        }
    }

    /// A step that was refused leaves what was last seen to be there.
    fn with_remains(&self, mut fault: Fault) -> Fault {
        if let Some(last) = self.last.as_ref().filter(|_| fault.leftovers.is_empty()) {
            fault.leftovers.clone_from(&last.leftovers);
            if let (None, Some(next)) = (&fault.next, &last.waits_for) {
                fault = fault.with_next(next.clone());
            }
        }
        fault
    }

    /// The look at the bound: good news count, bad looks do not.
    fn last_look<T>(mut self, look: Result<Observation<T>, Fault>, follower: &mut impl Follower) -> Followed<T> {
        match (self.see(look, follower), &self.last) {
            (Seen::Over(Ending::Unknown(fault)), Some(_)) => self.missed = Some(fault),
            (Seen::Over(ending), _) => return self.ended(ending),
            (Seen::Missed | Seen::Running(_), _) => {}
        }
        // Who was never seen cannot be called running.
        match (&self.last, &self.missed) {
            (None, Some(fault)) => {
                let unseen = Ending::Unknown(fault.clone());
                self.ended(unseen)
            }
            _ => self.left(),
        }
    }

    fn left<T>(self) -> Followed<T> {
        let running = self.last.clone().unwrap_or_default();
        self.ended(Ending::Running(running))
    }

    fn ended<T>(self, ending: Ending<T>) -> Followed<T> {
        Followed { ending, last: self.last, seen_at: self.seen_at, missed: self.missed }
    }
}
