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
    anchor: Instant,
    simulated_at_anchor: f64,
    wall_at_anchor: f64,
}

impl Clock {
    /// A clock that starts at zero and runs `factor` simulated seconds a second.
    #[must_use]
    pub fn new(factor: f64) -> Self {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            factor,
            anchor: Instant::now(),
            simulated_at_anchor: 0.0,
            wall_at_anchor: wall.as_secs_f64(),
        }
    }

    /// Now, on both scales.
    #[must_use]
    pub fn now(&self) -> Moment {
        let elapsed = self.anchor.elapsed().as_secs_f64();
        Moment {
            simulated: self.simulated_at_anchor + elapsed * self.factor,
            wall: self.wall_at_anchor + elapsed,
        }
    }

    /// The wall's time at an earlier simulated moment, assuming that the clock
    /// ran at its present speed since.
    #[must_use]
    pub fn wall_at(&self, simulated: f64) -> f64 {
        let now = self.now();
        now.wall - (now.simulated - simulated).max(0.0) / self.factor
    }

    /// Runs at another speed from now on.
    pub fn set_factor(&mut self, factor: f64) {
        let now = self.now();
        self.anchor = Instant::now();
        self.simulated_at_anchor = now.simulated;
        self.wall_at_anchor = now.wall;
        self.factor = factor;
    }

    /// Lets simulated seconds pass at once.
    pub fn advance(&mut self, seconds: f64) {
        self.simulated_at_anchor += seconds;
    }
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
}
