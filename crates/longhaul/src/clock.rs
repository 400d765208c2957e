//! Wall time that follows tokio's clock.

use std::time::SystemTime;

use tokio::time::Instant;

/// The wall time. In a test with a paused clock it moves with that clock, so that ages and grace
/// periods can be tested in milliseconds; otherwise it is [`SystemTime::now`].
#[must_use]
pub fn now() -> SystemTime {
    #[expect(clippy::disallowed_types, reason = "the difference to tokio's clock is what is wanted")]
    let ahead = Instant::now().into_std().saturating_duration_since(std::time::Instant::now());
    SystemTime::now() + ahead
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn wall_time_moves_with_the_paused_clock() {
        let before = super::now();
        tokio::time::sleep(Duration::from_secs(3600)).await;
        let moved = super::now().duration_since(before).unwrap();
        assert!(moved > Duration::from_secs(3599) && moved < Duration::from_secs(3601), "{moved:?}");
    }
}
