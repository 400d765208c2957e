//! The log: on stderr, never on stdout.

use std::io::{IsTerminal, stderr};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{Layer, Registry, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{Format, Logging};

/// Where the engine writes what was changed on whose behalf. Nobody can turn it off by a level.
const AUDIT: &str = "longhaul::audit";

/// Reads `info` or `info,rmcp=warn`.
pub(crate) fn filter(level: &str) -> Result<Targets, String> {
    let mut targets = Targets::new();
    for part in level.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (target, level) =
            part.split_once('=').map_or((None, part), |(target, level)| (Some(target.trim()), level.trim()));
        let filter: LevelFilter = level.parse().map_err(|_| {
            format!("must be error, warn, info, debug, trace or off, also as module=level, not `{part}`")
        })?;
        targets = match target {
            Some(target) => targets.with_target(target, filter),
            None => targets.with_default(filter),
        };
    }
    let audit = targets.default_level().unwrap_or(LevelFilter::OFF).max(LevelFilter::INFO);
    Ok(targets.with_target(AUDIT, audit))
}

/// Starts logging for the rest of the process.
pub(crate) fn start(logging: &Logging) {
    let filter = filter(&logging.level).unwrap_or_default();
    let layer = fmt::layer().with_writer(stderr);
    let layer = match logging.format {
        Format::Text => layer.with_ansi(stderr().is_terminal()).boxed(),
        Format::Json => layer.json().flatten_event(true).with_span_list(false).boxed(),
    };
    // Only a second server in one process finds a log in place; then that one is good enough.
    let _ = Registry::default().with(layer.with_filter(filter)).try_init();
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    fn logs(level: &str, target: &str, at: Level) -> bool {
        filter(level).unwrap().would_enable(target, &at)
    }

    #[test]
    fn the_audit_lines_are_logged_at_every_level() {
        for level in ["info", "error", "off", "", "warn,longhaul=off", "longhaul::audit=off", "trace"] {
            assert!(logs(level, AUDIT, Level::INFO), "{level}");
        }
    }

    #[test]
    fn a_module_may_have_a_level_of_its_own() {
        assert!(!logs("info,rmcp=warn", "rmcp::service", Level::INFO));
        assert!(logs("info,rmcp=warn", "longhaul", Level::INFO));
        assert!(logs("warn,longhaul=debug", "longhaul::mcp", Level::DEBUG));
        assert!(logs("DEBUG", "anything", Level::DEBUG));
    }

    #[test]
    fn a_word_that_is_no_level_is_refused() {
        for bad in ["verbose", "info,rmcp", "rmcp=loud"] {
            assert!(filter(bad).unwrap_err().contains("must be error, warn"), "{bad}");
        }
    }
}
