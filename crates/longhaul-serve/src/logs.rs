//! The log: on stderr, never on stdout.

use std::io::{self, IsTerminal, Write, stderr};

use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{Layer, Registry, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{Format, Logging};

/// Where the engine writes what was changed on whose behalf. Nobody can turn it off by a level.
const AUDIT: &str = "longhaul::audit";

/// Libraries that log whole requests below this level, tokens in arguments and headers included.
/// Only who names one of them sees more.
const TALKATIVE: [&str; 4] = ["rmcp", "aws_", "hyper", "reqwest"];

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
    for library in TALKATIVE {
        let named = level.split(',').any(|part| part.trim().starts_with(library));
        let limit = targets.default_level().unwrap_or(LevelFilter::OFF).min(LevelFilter::WARN);
        if !named {
            targets = targets.with_target(library, limit);
        }
    }
    let audit = targets.default_level().unwrap_or(LevelFilter::OFF).max(LevelFilter::INFO);
    Ok(targets.with_target(AUDIT, audit))
}

/// Lines that wait for a reader of stderr; what comes when there are more is dropped.
const WAITING: usize = 4096;

/// A line may be so long. At trace level libraries log whole messages, and what is longer than a
/// socket takes in one piece would tear the messages on stdout where both are the same (`2>&1`).
const LONGEST: usize = 32 << 10;

/// Lines of the log, each in one piece.
struct Lines<W>(W);

impl<W: Write> Write for Lines<W> {
    /// Takes all of a line; what is too long is left out.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match line.get(..LONGEST) {
            None => self.0.write_all(line)?,
            Some(begin) => self.0.write_all(&[begin, " … [cut]\n".as_bytes()].concat())?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Starts logging until the guard is dropped. A thread of its own writes: a client that keeps
/// stderr open and never reads it must not stop the answers.
pub(crate) fn start(logging: &Logging) -> WorkerGuard {
    let (writer, guard) = NonBlockingBuilder::default().buffered_lines_limit(WAITING).finish(stderr());
    let filter = filter(&logging.level).unwrap_or_default();
    let layer = fmt::layer().with_writer(move || Lines(writer.clone()));
    let layer = match logging.format {
        Format::Text => layer.with_ansi(stderr().is_terminal()).boxed(),
        Format::Json => layer.json().flatten_event(true).with_span_list(false).boxed(),
    };
    // Only a second server in one process finds a log in place; then that one is good enough.
    let _ = Registry::default().with(layer.with_filter(filter)).try_init();
    guard
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    fn logs(level: &str, target: &str, at: Level) -> bool {
        filter(level).unwrap().would_enable(target, &at)
    }

    #[test]
    fn libraries_that_log_requests_stay_quiet_unless_they_are_named() {
        for (library, module) in
            [("rmcp", "rmcp::service"), ("aws_", "aws_smithy_runtime::client"), ("hyper", "hyper::proto")]
        {
            assert!(!logs("trace", module, Level::INFO) && logs("trace", module, Level::WARN), "{module}");
            assert!(logs(&format!("info,{library}=trace"), module, Level::TRACE), "{module}");
        }
        assert!(!logs("error", "rmcp::service", Level::WARN));
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

    #[test]
    fn a_line_is_written_in_one_piece_and_not_longer_than_a_line_may_be() {
        let written = |line: &str| {
            let mut lines = Lines(Vec::new());
            lines.write_all(line.as_bytes()).unwrap();
            String::from_utf8(lines.0).unwrap()
        };
        assert_eq!(written("a line\n"), "a line\n");
        let cut = written(&format!("{}\n", "x".repeat(2 * LONGEST)));
        assert!(cut.ends_with(" … [cut]\n") && cut.len() < LONGEST + 20, "{}", cut.len());
    }
}
