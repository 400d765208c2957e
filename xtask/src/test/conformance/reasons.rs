//! What need not pass, and why: `tests/third-party/conformance.txt`.
//!
//! A line excuses a scenario or one of its checks. What is excused has to fail somewhere: a reason
//! that has outlived its cause is a failure, too.

use std::collections::BTreeSet;

use super::suite::Check;
use crate::run::Outcome;

/// Looks at the messages of every scenario; alone it shows nothing of what the scenario is about.
const SCHEMA: &str = "wire-schema-valid";

/// The lines of one section.
pub(super) struct Reasons(Vec<Line>);

struct Line {
    /// A trailing `*` stands for any ending.
    scenario: String,
    /// Every version if there is none.
    versions: Vec<String>,
    /// The whole scenario if there is none.
    check: Option<String>,
    reason: String,
    /// The protocol versions where it was needed.
    needed: BTreeSet<String>,
}

/// What came of a scenario.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// With so many checks.
    Passed(usize),
    /// There is a reason.
    NotApplicable,
    /// What is wrong.
    Failed(Vec<String>),
}

impl Reasons {
    /// The lines between `[section]` and the next one.
    pub(super) fn read(text: &str, section: &str) -> Outcome<Self> {
        let head = format!("[{section}]");
        let lines = text.lines().map(str::trim).skip_while(|line| *line != head).skip(1);
        let lines = lines.take_while(|line| !line.starts_with('[')).filter(|line| !line.is_empty());
        let lines: Option<Vec<_>> = lines.filter(|line| !line.starts_with('#')).map(line).collect();
        let lines = lines.ok_or_else(|| format!("a line of {head} has no reason"))?;
        if lines.is_empty() { Err(format!("there is no {head}").into()) } else { Ok(Self(lines)) }
    }

    /// What came of a scenario on a protocol version; none of its checks if it broke off.
    pub(super) fn judge(&mut self, version: &str, scenario: &str, checks: Option<&[Check]>) -> Verdict {
        let Some(checks) = checks else { return Verdict::Failed(vec!["it broke off".to_owned()]) };
        let failed: Vec<_> =
            checks.iter().filter(|check| !["SUCCESS", "INFO"].contains(&check.status.as_str())).collect();
        let good = checks.iter().filter(|check| check.status == "SUCCESS");
        let shown = good.clone().filter(|check| check.id != SCHEMA).count();
        let mut whole = self.0.iter_mut().filter(|line| line.check.is_none());
        if let Some(line) = whole.find(|line| line.is_about(version, scenario)) {
            if failed.is_empty() && shown > 0 {
                return Verdict::Failed(vec![format!("it passes now, so it needs no reason: {}", line.reason)]);
            }
            line.needed.insert(version.to_owned());
            // Whatever was asked, the answer has to be a good message.
            let bad: Vec<_> = failed.iter().filter(|check| check.id == SCHEMA).map(|check| told(check)).collect();
            return if bad.is_empty() { Verdict::NotApplicable } else { Verdict::Failed(bad) };
        }
        let unexcused: Vec<_> = failed.iter().filter(|check| !self.excuses(version, scenario, &check.id)).collect();
        if !unexcused.is_empty() {
            return Verdict::Failed(unexcused.iter().map(|check| told(check)).collect());
        }
        if shown == 0 {
            return Verdict::Failed(vec!["it showed nothing, and there is no reason for that".to_owned()]);
        }
        Verdict::Passed(good.count())
    }

    fn excuses(&mut self, version: &str, scenario: &str, id: &str) -> bool {
        let fitting = |line: &&mut Line| {
            line.check.as_ref().is_some_and(|check| fits(check, id)) && line.is_about(version, scenario)
        };
        let Some(line) = self.0.iter_mut().find(fitting) else { return false };
        line.needed.insert(version.to_owned());
        true
    }

    /// Each reason that was needed, with what it is about and where.
    pub(super) fn needed(&self) -> Vec<(&str, Vec<String>)> {
        let mut needed: Vec<(&str, Vec<String>)> = Vec::new();
        for line in self.0.iter().filter(|line| !line.needed.is_empty()) {
            let versions: Vec<_> = line.needed.iter().map(String::as_str).collect();
            let about = format!("{} ({})", line.name(), versions.join(", "));
            match needed.iter_mut().find(|(reason, _)| *reason == line.reason) {
                Some((_, all)) => all.push(about),
                None => needed.push((&line.reason, vec![about])),
            }
        }
        needed
    }

    /// What no line had to be there for.
    pub(super) fn unneeded(&self) -> impl Iterator<Item = String> {
        self.0.iter().filter(|line| line.needed.is_empty()).map(Line::name)
    }
}

impl Line {
    fn is_about(&self, version: &str, scenario: &str) -> bool {
        fits(&self.scenario, scenario)
            && (self.versions.is_empty() || self.versions.iter().any(|known| known == version))
    }

    fn name(&self) -> String {
        self.check.as_ref().map_or_else(|| self.scenario.clone(), |check| format!("{}:{check}", self.scenario))
    }
}

/// `scenario reason …`, `scenario@version,version reason …` or `scenario:check reason …`
fn line(line: &str) -> Option<Line> {
    let (about, reason) = line.split_once(char::is_whitespace)?;
    let (about, check) = about.split_once(':').map_or((about, None), |(about, check)| (about, Some(check)));
    let (scenario, versions) = about.split_once('@').unwrap_or((about, ""));
    Some(Line {
        scenario: scenario.to_owned(),
        versions: versions.split(',').filter(|version| !version.is_empty()).map(str::to_owned).collect(),
        check: check.map(str::to_owned),
        reason: reason.trim().to_owned(),
        needed: BTreeSet::new(),
    })
}

fn fits(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |beginning| name.starts_with(beginning))
}

fn told(check: &Check) -> String {
    format!("{} {}: {}", check.status, check.id, check.error.as_ref().unwrap_or(&check.description))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "[other]\nping is not for others\n[ours]\n# why\nsession-* there are no sessions\nstateless:a needs a tool\nold@2025-11-25 is old\n\n";

    fn check(scenario: &str, checks: &[(&str, &str)]) -> (Verdict, Vec<String>) {
        let mut reasons = Reasons::read(LIST, "ours").unwrap();
        let check = |(id, status): &(&str, &str)| Check {
            id: (*id).to_owned(),
            status: (*status).to_owned(),
            description: "is".to_owned(),
            error: None,
        };
        let checks: Vec<_> = checks.iter().map(check).collect();
        let verdict = reasons.judge("2026-07-28", scenario, Some(&checks));
        let needed = reasons.needed().into_iter().map(|(reason, about)| format!("{}: {reason}", about.join(" ")));
        (verdict, needed.collect())
    }

    fn failed(why: &str) -> Verdict {
        Verdict::Failed(vec![why.to_owned()])
    }

    #[test]
    fn what_fails_needs_a_reason() {
        assert_eq!(check("ping", &[("p", "SUCCESS"), (SCHEMA, "SUCCESS")]).0, Verdict::Passed(2));
        for status in ["FAILURE", "WARNING", "SKIPPED"] {
            assert_eq!(check("ping", &[("p", "SUCCESS"), ("q", status)]).0, failed(&format!("{status} q: is")));
        }
        let (verdict, needed) = check("stateless", &[("a", "FAILURE"), ("b", "SUCCESS")]);
        assert_eq!((verdict, needed), (Verdict::Passed(1), vec!["stateless:a (2026-07-28): needs a tool".to_owned()]));
    }

    #[test]
    fn a_scenario_that_does_not_apply_is_told_with_its_reason() {
        let (verdict, needed) = check("session-lifecycle", &[("s", "WARNING")]);
        assert_eq!(verdict, Verdict::NotApplicable);
        assert_eq!(needed, ["session-* (2026-07-28): there are no sessions"]);
        let (verdict, _) = check("session-lifecycle", &[("s", "WARNING"), (SCHEMA, "FAILURE")]);
        assert_eq!(verdict, failed("FAILURE wire-schema-valid: is"));
    }

    #[test]
    fn a_reason_may_be_about_some_versions_only() {
        assert_eq!(check("old", &[("o", "FAILURE")]).0, failed("FAILURE o: is"));
        assert_eq!(check("old", &[("o", "SUCCESS")]).0, Verdict::Passed(1));
    }

    #[test]
    fn a_reason_that_is_not_needed_any_more_is_a_failure() {
        let (verdict, _) = check("session-lifecycle", &[("s", "SUCCESS")]);
        assert_eq!(verdict, failed("it passes now, so it needs no reason: there are no sessions"));
        let reasons = Reasons::read(LIST, "ours").unwrap();
        assert_eq!(reasons.unneeded().collect::<Vec<_>>(), ["session-*", "stateless:a", "old"]);
    }

    #[test]
    fn a_scenario_that_shows_nothing_or_broke_off_has_not_passed() {
        let nothing = failed("it showed nothing, and there is no reason for that");
        assert_eq!(check("ping", &[("p", "INFO"), (SCHEMA, "SUCCESS")]).0, nothing);
        assert_eq!(Reasons::read(LIST, "ours").unwrap().judge("x", "ping", None), failed("it broke off"));
    }

    #[test]
    fn a_line_without_a_reason_is_no_line() {
        assert!(Reasons::read("[ours]\nping\n", "ours").is_err());
        assert!(Reasons::read("ping why", "ours").is_err());
    }
}
