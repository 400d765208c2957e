//! [`Budget`]: how much is kept for a client that asks faster than it listens.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::Notify;

/// So many bytes are kept; then nothing more is read. A thousand lists of tools, or some thousand
/// calls that wait.
const LIMIT: usize = 16 << 20;

/// What is kept of the client's: requests without an answer, and answers that it has not taken.
#[derive(Default)]
pub(super) struct Budget {
    held: AtomicUsize,
    freed: Notify,
}

/// A part of it. Whatever becomes of a request or an answer, its part ends with it.
pub(super) struct Held {
    bytes: usize,
    budget: Arc<Budget>,
}

impl Budget {
    pub(super) fn hold(self: &Arc<Self>, bytes: usize) -> Held {
        self.held.fetch_add(bytes, Ordering::Relaxed);
        Held { bytes, budget: self.clone() }
    }

    pub(super) fn is_spent(&self) -> bool {
        self.held.load(Ordering::Relaxed) >= LIMIT
    }

    /// Resolves when it is not spent any more; sometimes earlier, so look again.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let before = self.budget.held.fetch_sub(self.bytes, Ordering::Relaxed);
        if before >= LIMIT && before.saturating_sub(self.bytes) < LIMIT {
            // Kept for whoever looked just before and waits only now.
            self.budget.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_goes_on_when_enough_has_been_freed() {
        let budget = Arc::new(Budget::default());
        let (some, rest) = (budget.hold(1), budget.hold(LIMIT));
        let waiting = tokio::spawn({
            let budget = budget.clone();
            async move {
                while budget.is_spent() {
                    budget.freed().await;
                }
            }
        });
        tokio::task::yield_now().await;
        drop(some);
        tokio::task::yield_now().await;
        assert!(budget.is_spent() && !waiting.is_finished());
        drop(rest);
        waiting.await.unwrap();
        assert_eq!(budget.held(), 0);
    }
}
