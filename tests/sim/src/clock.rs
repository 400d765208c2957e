//! Simulated time: as fast as the wall's, or faster.
//!
//! Timelines run in simulated seconds. What goes over the wire is stamped with
//! the wall's time, so that a client's "created … ago" is never negative.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tokio::time::Instant;

/// A point in time, on both scales.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Moment {
    /// Simulated seconds since the simulator started.
    pub simulated: f64,
    /// Seconds since the epoch, by the wall's clock.
    pub wall: f64,
}

/// Where simulated time comes from.
#[derive(Clone, Debug)]
pub struct Clock {
    factor: f64,
    /// The moments at which the clock was started, changed its speed or jumped,
    /// each with the speed from then on. Never empty.
    turns: Vec<(Moment, f64)>,
    last_turn: Instant,
}

impl Clock {
    /// A clock that starts at zero and runs `factor` simulated seconds a second.
    #[must_use]
    pub fn new(factor: f64) -> Self {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let start = Moment { simulated: 0.0, wall: wall.as_secs_f64() };
        Self { factor, turns: vec![(start, factor)], last_turn: Instant::now() }
    }

    /// Now, on both scales.
    #[must_use]
    pub fn now(&self) -> Moment {
        let now = self.exactly_now();
        Moment { wall: to_milliseconds(now.wall), ..now }
    }

    fn exactly_now(&self) -> Moment {
        let elapsed = self.last_turn.elapsed().as_secs_f64();
        let (turn, factor) = self.turns.last().copied().unwrap_or((ZERO, self.factor));
        Moment { simulated: turn.simulated + elapsed * factor, wall: turn.wall + elapsed }
    }

    /// The wall's time at a simulated moment. The answer for a moment of the
    /// past never changes; a moment that was jumped over is when the jump was.
    #[must_use]
    pub fn wall_at(&self, simulated: f64) -> f64 {
        let later = self.turns.iter().position(|(turn, _)| turn.simulated > simulated);
        let (before, after) = self.turns.split_at(later.unwrap_or(self.turns.len()));
        let (turn, factor) = before.last().copied().unwrap_or((ZERO, self.factor));
        let wall = turn.wall + (simulated - turn.simulated) / factor;
        let limit = after.first().map_or(f64::MAX, |(next, _)| next.wall);
        to_milliseconds(wall.min(limit))
    }

    /// Runs at another speed from now on.
    pub fn set_factor(&mut self, factor: f64) {
        self.factor = factor;
        self.turn(0.0);
    }

    /// Lets simulated seconds pass at once.
    pub fn advance(&mut self, seconds: f64) {
        self.turn(seconds);
    }

    fn turn(&mut self, jump: f64) {
        let mut now = self.exactly_now();
        now.simulated += jump;
        self.last_turn = Instant::now();
        self.turns.push((now, self.factor));
    }
}

const ZERO: Moment = Moment { simulated: 0.0, wall: 0.0 };

/// The wall's clock is told to the millisecond, as AWS tells it.
fn to_milliseconds(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn runs_faster_than_the_wall_and_can_jump() {
        let mut clock = Clock::new(60.0);
        let start = clock.now();
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!((clock.now().simulated - 120.0).abs() < 0.1);
        assert!((clock.now().wall - start.wall - 2.0).abs() < 0.1);
        clock.advance(900.0);
        clock.set_factor(1.0);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!((clock.now().simulated - 1021.0).abs() < 0.1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_wall_time_of_the_past_never_changes() {
        let mut clock = Clock::new(10.0);
        let start = clock.now().wall;
        tokio::time::advance(Duration::from_secs(5)).await;
        let check = |clock: &Clock, simulated: f64, expected: f64| {
            let seen = clock.wall_at(simulated) - start;
            assert!((seen - expected).abs() < 0.002, "{simulated}: {seen}");
        };
        check(&clock, 20.0, 2.0);
        clock.advance(100.0);
        clock.set_factor(1.0);
        tokio::time::advance(Duration::from_secs(7)).await;
        check(&clock, 20.0, 2.0);
        check(&clock, 100.0, 5.0);
        check(&clock, 151.0, 6.0);
    }
}
