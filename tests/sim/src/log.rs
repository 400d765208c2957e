//! What was asked of a simulator, in the order of arrival.

use std::sync::{Arc, Mutex};

use serde::Serialize;
use serde_json::Value;

use crate::faults::{Delivery, Kind};
use crate::lock;

/// One request.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Its place in the order of arrival, from 1.
    pub n: u64,
    /// When it came, in seconds since the epoch.
    pub at: f64,
    /// The part of the vendor that it addressed.
    pub service: String,
    /// The operation's name on the wire.
    pub op: String,
    /// What it was about.
    pub resource: Option<String>,
    /// The region or zone that it addressed.
    pub region: Option<String>,
    /// The parameters that came with it.
    pub request: Value,
    /// The HTTP status that was sent, or lost on the way; none while it runs.
    pub status: Option<u16>,
    /// The vendor's error code, when the answer was an error.
    pub error: Option<String>,
    /// The fault that was applied.
    pub fault: Option<Kind>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// It was answered, or the answer was lost on purpose.
    Delivered(Delivery),
    /// It is not over.
    Open(Pending),
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pending {
    /// It is being worked on, or held back.
    Running,
    /// The client left before the answer.
    Abandoned,
}

/// A log that requests are written to as they come.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    /// Counts the times it was cleared, so that a request from before does not
    /// write into its successor's line.
    volume: u64,
    entries: Vec<Entry>,
}

impl Log {
    /// Notes a request's arrival; `entry.n` is set here.
    #[must_use]
    pub fn open(&self, mut entry: Entry) -> Ticket {
        let mut book = lock(&self.0);
        let index = book.entries.len();
        entry.n = index as u64 + 1;
        book.entries.push(entry);
        Ticket { log: self.clone(), volume: book.volume, index, closed: false }
    }

    /// The entries after number `since`.
    #[must_use]
    pub fn since(&self, since: u64) -> Vec<Entry> {
        let book = lock(&self.0);
        let later = book.entries.iter().filter(|entry| entry.n > since);
        later.cloned().collect()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut book = lock(&self.0);
        book.volume += 1;
        book.entries.clear();
    }
}

/// A request that is being answered. Dropped without an answer, it says that
/// the client left.
#[derive(Debug)]
pub struct Ticket {
    log: Log,
    volume: u64,
    index: usize,
    closed: bool,
}

impl Ticket {
    /// Notes which fault the request has met.
    pub fn fault(&self, kind: Kind) {
        self.change(|entry| entry.fault = Some(kind));
    }

    /// Notes how it ended; no status where nothing was carried out.
    pub fn close(mut self, status: Option<u16>, error: Option<String>, delivery: Delivery) {
        self.closed = true;
        self.change(|entry| {
            entry.status = status;
            entry.error = error;
            entry.outcome = Outcome::Delivered(delivery);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Entry)) {
        let mut book = lock(&self.log.0);
        if book.volume != self.volume {
            return;
        }
        if let Some(entry) = book.entries.get_mut(self.index) {
            change(entry);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.closed {
            self.change(|entry| {
                entry.outcome = Outcome::Open(Pending::Abandoned);
            });
        }
    }
}
