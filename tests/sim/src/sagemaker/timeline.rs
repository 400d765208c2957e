//! What an endpoint goes through, as a function of the time since it began.
//!
//! Nothing runs in the background: a course is looked at when somebody asks.

use serde::{Deserialize, Serialize};

/// The status that is none: the endpoint no longer exists.
pub const VANISHED: &str = "Vanished";

/// One stretch of a timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// An `EndpointStatus`, known to AWS or not, or [`VANISHED`].
    pub status: String,
    /// How many simulated seconds it lasts; the last step lasts for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The `VariantStatus` meanwhile; chosen to fit the status when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_status: Option<String>,
}

impl Step {
    /// A step that lasts for ever.
    #[must_use]
    pub fn last(status: &str) -> Self {
        Self { status: status.to_owned(), seconds: None, variant_status: None }
    }

    /// A step that lasts a while.
    #[must_use]
    pub fn lasting(status: &str, seconds: f64) -> Self {
        Self { seconds: Some(seconds), ..Self::last(status) }
    }
}

/// Says what is wrong with a timeline that cannot be walked.
///
/// # Errors
///
/// When it is empty, a step before the last has no end, or a duration is negative.
pub fn check(timeline: &[Step]) -> Result<(), String> {
    let Some((_, before_last)) = timeline.split_last() else {
        return Err("the timeline has no step".to_owned());
    };
    if let Some(step) = before_last.iter().find(|step| step.seconds.is_none()) {
        return Err(format!("step {} has no seconds and is not the last", step.status));
    }
    let lasts = |step: &Step| step.seconds.is_none_or(|n| n >= 0.0 && n.is_finite());
    if !timeline.iter().all(lasts) {
        return Err("the seconds of a step must be 0 or more".to_owned());
    }
    Ok(())
}

/// Reads `Creating=900,InService` as a timeline.
///
/// # Errors
///
/// When a duration is not a number, or [`check`] refuses the whole.
pub fn parse(text: &str) -> Result<Vec<Step>, String> {
    let step = |part: &str| match part.trim().split_once('=') {
        None => Ok(Step::last(part.trim())),
        Some((status, seconds)) => {
            let seconds = seconds.parse().map_err(|e| format!("{part}: {e}"))?;
            Ok(Step::lasting(status, seconds))
        }
    };
    let timeline: Vec<Step> = text.split(',').map(step).collect::<Result<_, String>>()?;
    check(&timeline)?;
    Ok(timeline)
}

/// Where on its timeline something is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position<'a> {
    /// The step that it is in.
    pub step: &'a Step,
    /// When that began, in seconds since the timeline did.
    pub entered: f64,
    /// Whether it has gone through a step that takes an update back.
    pub rolled_back: bool,
    /// Whether it has been in service since the timeline began.
    pub served: bool,
}

impl Position<'_> {
    /// Whether what was asked for is in service, or was.
    #[must_use]
    pub fn came_through(self) -> bool {
        self.served && !self.rolled_back
    }
}

/// Where on the timeline one is after `elapsed` seconds; none when vanished.
#[must_use]
pub fn position(timeline: &[Step], elapsed: f64) -> Option<Position<'_>> {
    let mut entered = 0.0;
    let (mut rolled_back, mut served) = (false, false);
    let mut steps = timeline.iter().peekable();
    while let Some(step) = steps.next() {
        rolled_back |= matches!(step.status.as_str(), "RollingBack" | "UpdateRollbackFailed");
        served |= step.status == "InService";
        let end = step.seconds.map(|seconds| entered + seconds);
        match end {
            Some(end) if elapsed >= end && steps.peek().is_some() => entered = end,
            _ if step.status == VANISHED => return None,
            _ => return Some(Position { step, entered, rolled_back, served }),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(timeline: &str, elapsed: f64) -> Option<String> {
        let timeline = parse(timeline).unwrap();
        position(&timeline, elapsed).map(|p| p.step.status.clone())
    }

    fn check(timeline: &str, elapsed: f64, expected: &str) {
        let seen = status(timeline, elapsed);
        assert_eq!(seen.as_deref(), (!expected.is_empty()).then_some(expected));
    }

    #[test]
    fn walks_from_step_to_step() {
        let line = "Creating=20,SystemUpdating=10,InService";
        check(line, 0.0, "Creating");
        check(line, 19.9, "Creating");
        check(line, 20.0, "SystemUpdating");
        check(line, 30.0, "InService");
        check(line, 1e9, "InService");
    }

    #[test]
    fn the_last_step_lasts_for_ever_even_with_seconds() {
        check("Creating=20,Hibernating=5", 1e6, "Hibernating");
    }

    #[test]
    fn vanishes_at_once_or_at_the_end() {
        check("Vanished", 0.0, "");
        check("InService=5,Vanished", 4.0, "InService");
        check("InService=5,Vanished", 5.0, "");
    }

    #[test]
    fn passes_through_steps_of_no_length() {
        check("Creating=0,InService", 0.0, "InService");
    }

    #[test]
    fn remembers_a_rollback() {
        let line = parse("Updating=5,RollingBack=5,InService").unwrap();
        assert!(!position(&line, 4.0).unwrap().rolled_back);
        assert!(position(&line, 60.0).unwrap().rolled_back);
    }

    #[test]
    fn remembers_having_been_in_service() {
        let line = parse("Updating=5,InService=5,SystemUpdating").unwrap();
        assert!(!position(&line, 4.0).unwrap().came_through());
        assert!(position(&line, 60.0).unwrap().came_through());
        let line = parse("Updating=5,RollingBack=5,InService").unwrap();
        assert!(!position(&line, 60.0).unwrap().came_through());
    }

    #[test]
    fn refuses_what_cannot_be_walked() {
        assert!(super::check(&[]).is_err());
        assert!(parse("Creating,InService").is_err());
        assert!(parse("Creating=x,InService").is_err());
        assert!(parse("Creating=-1,InService").is_err());
    }
}
