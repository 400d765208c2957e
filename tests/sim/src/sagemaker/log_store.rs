//! Log groups, their streams and what was written into them.
//!
//! What an endpoint's containers will write is put in when their course begins,
//! for the moments at which it is due, and seen from then on.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::clock::Clock;

/// A line of a log.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// The simulated moment from which it can be read.
    pub(crate) due: f64,
    /// Milliseconds since the epoch, as its writer says; else when it was due.
    pub(crate) stamp: Option<u64>,
    pub(crate) message: String,
    /// The order of writing.
    pub(crate) seq: u64,
}

impl Event {
    pub(crate) fn timestamp(&self, clock: &Clock) -> u64 {
        self.stamp.unwrap_or_else(|| milliseconds(clock.wall_at(self.due)))
    }

    /// Its line in an answer.
    pub(crate) fn seen(&self, clock: &Clock) -> Value {
        json!({
            "timestamp": self.timestamp(clock),
            "message": self.message,
            "ingestionTime": milliseconds(clock.wall_at(self.due)),
        })
    }
}

/// A stream of a group.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    /// In simulated seconds.
    pub(crate) created: f64,
    events: Vec<Event>,
}

impl Stream {
    /// What can be read by now, oldest first.
    pub(crate) fn events(&self, clock: &Clock, seen: impl Fn(f64) -> bool) -> Vec<&Event> {
        let mut events: Vec<&Event> = self.events.iter().filter(|event| seen(event.due)).collect();
        // Moments that were jumped over share a timestamp.
        let order = |event: &Event| (event.timestamp(clock), event.seq);
        events.sort_by(|a, b| a.due.total_cmp(&b.due).then(order(a).cmp(&order(b))));
        events.sort_by_key(|event| event.timestamp(clock));
        events
    }
}

/// A group of streams.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// In simulated seconds.
    pub(crate) created: f64,
    pub(crate) streams: BTreeMap<String, Stream>,
}

/// All groups, by region and name.
#[derive(Debug, Default)]
pub(crate) struct LogStore {
    groups: BTreeMap<(String, String), Group>,
    written: u64,
}

impl LogStore {
    pub(crate) fn groups(&self, region: &str) -> impl Iterator<Item = (&str, &Group)> {
        let here = self.groups.iter().filter(move |((place, _), _)| place == region);
        here.map(|((_, name), group)| (name.as_str(), group))
    }

    pub(crate) fn group(&self, region: &str, name: &str) -> Option<&Group> {
        self.groups.get(&(region.to_owned(), name.to_owned()))
    }

    /// A group, made at the simulated moment `at` unless it was there before.
    pub(crate) fn open_group(&mut self, region: &str, name: &str, at: f64) -> &mut Group {
        let key = (region.to_owned(), name.to_owned());
        let group = self.groups.entry(key).or_insert_with(|| Group { created: at, streams: BTreeMap::new() });
        // Whoever comes first has made it, also where something was planned for later.
        group.created = group.created.min(at);
        group
    }

    /// A stream, made together with its group unless it was there before.
    pub(crate) fn open_stream(&mut self, region: &str, group: &str, stream: &str, at: f64) -> &mut Stream {
        let streams = &mut self.open_group(region, group, at).streams;
        let stream = streams.entry(stream.to_owned()).or_insert_with(|| Stream { created: at, events: Vec::new() });
        stream.created = stream.created.min(at);
        stream
    }

    /// Writes a line, to be read from the simulated moment `due`.
    pub(crate) fn write(&mut self, at: (&str, &str, &str), due: f64, stamp: Option<u64>, message: String) {
        self.written += 1;
        let seq = self.written;
        let (region, group, stream) = at;
        self.open_stream(region, group, stream, due).events.push(Event { due, stamp, message, seq });
    }

    /// Forgets what a group's streams were to write after a simulated moment.
    pub(crate) fn forget_after(&mut self, region: &str, group: &str, now: f64) {
        if let Some(group) = self.groups.get_mut(&(region.to_owned(), group.to_owned())) {
            for stream in group.streams.values_mut() {
                stream.events.retain(|event| event.due <= now);
            }
        }
    }
}

/// Seconds since the epoch as CloudWatch tells them.
pub(crate) fn milliseconds(seconds: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a moment since the epoch")]
    let milliseconds = (seconds * 1000.0).round() as u64;
    milliseconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn lines_appear_when_they_are_due() {
        let (mut store, mut clock) = (LogStore::default(), Clock::new(1.0));
        let at = ("r", "g", "s");
        store.write(at, 10.0, None, "late".to_owned());
        store.write(at, 5.0, None, "early".to_owned());
        let read = |store: &LogStore, clock: &Clock| {
            let now = clock.now().simulated;
            let group = store.group("r", "g").unwrap();
            let events = group.streams["s"].events(clock, |due| due <= now);
            events.iter().map(|event| event.message.clone()).collect::<Vec<_>>()
        };
        assert_eq!(read(&store, &clock), [""; 0]);
        clock.advance(6.0);
        assert_eq!(read(&store, &clock), ["early"]);
        clock.advance(6.0);
        assert_eq!(read(&store, &clock), ["early", "late"]);
        store.forget_after("r", "g", 7.0);
        assert_eq!(read(&store, &clock), ["early"]);
    }

    #[test]
    fn a_group_exists_since_its_first_stream() {
        let mut store = LogStore::default();
        store.open_stream("r", "g", "s", 30.0);
        store.open_group("r", "g", 10.0);
        assert!((store.group("r", "g").unwrap().created - 10.0).abs() < f64::EPSILON);
        assert!(store.group("other", "g").is_none());
    }
}
