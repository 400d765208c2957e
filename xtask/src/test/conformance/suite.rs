//! The suite: which scenarios it has, and what it says of a server.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;

use crate::run::Outcome;

const PROGRAM: &str = "node_modules/@modelcontextprotocol/conformance/dist/index.js";

/// Length of `-2026-11-20T13-21-59-806Z`, which the suite appends to the names of folders.
const STAMP: usize = 25;

/// A Node with the suite.
pub(super) struct Suite {
    pub(super) node: PathBuf,
    pub(super) folder: PathBuf,
}

/// A scenario and the protocol versions it is about: none if it belongs to an extension.
#[derive(Debug, PartialEq)]
pub(super) struct Scenario {
    pub(super) name: String,
    pub(super) versions: Vec<String>,
}

/// What the suite says of one thing that it looked at.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Check {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) description: String,
    #[serde(rename = "errorMessage")]
    pub(super) error: Option<String>,
}

/// What it says of each scenario that ran.
pub(super) type Checks = BTreeMap<String, Vec<Check>>;

impl Suite {
    /// Every scenario for servers.
    pub(super) fn scenarios(&self) -> Outcome<Vec<Scenario>> {
        let scenarios: Vec<_> = self.run(&["list", "--server"])?.lines().filter_map(listed).collect();
        if scenarios.is_empty() { Err("the suite lists no scenarios".into()) } else { Ok(scenarios) }
    }

    /// What a revision requires of servers, frozen at its release.
    pub(super) fn required(&self, revision: &str) -> Outcome<Vec<String>> {
        let said = self.run(&["list", "--requirements", revision])?;
        let servers = said.lines().skip_while(|line| !line.starts_with("Server")).skip(1);
        let names: Vec<_> =
            servers.map_while(|line| line.trim().strip_prefix("- ")).map(|name| name.trim().to_owned()).collect();
        if names.is_empty() {
            Err(format!("the suite requires nothing for {revision}: {said}").into())
        } else {
            Ok(names)
        }
    }

    /// Runs every scenario of a version.
    pub(super) fn all(&self, url: &str, version: &str) -> Outcome<Checks> {
        self.judge(url, &["--suite", "all", "--spec-version", version])
    }

    /// Runs one scenario.
    pub(super) fn one(&self, url: &str, scenario: &str, options: &[&str]) -> Outcome<Checks> {
        self.judge(url, &[&["--scenario", scenario], options].concat())
    }

    fn judge(&self, url: &str, options: &[&str]) -> Outcome<Checks> {
        let results = self.folder.join("results");
        if results.exists() {
            fs::remove_dir_all(&results)?;
        }
        self.run(&[&["server", "--url", url, "-o", "results"], options].concat())?;
        read(&results)
    }

    /// Its exit code tells nothing: it knows no reasons.
    fn run(&self, options: &[&str]) -> Outcome<String> {
        let mut command = Command::new(&self.node);
        let output = command.arg(PROGRAM).args(options).current_dir(&self.folder).stdin(Stdio::null()).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The results of a run. A scenario that broke off has none.
fn read(results: &Path) -> Outcome<Checks> {
    let mut checks = Checks::new();
    if !results.exists() {
        return Ok(checks);
    }
    for folder in fs::read_dir(results)? {
        let folder = folder?;
        let name = folder.file_name().to_string_lossy().into_owned();
        let scenario = name.strip_prefix("server-").and_then(|name| name.get(..name.len().checked_sub(STAMP)?));
        let scenario = scenario.ok_or_else(|| format!("{name} is no folder of results"))?.to_owned();
        if let Ok(text) = fs::read_to_string(folder.path().join("checks.json")) {
            checks.insert(scenario, serde_json::from_str(&text)?);
        }
    }
    Ok(checks)
}

/// `  - ping [2025-06-18,2025-11-25]`
fn listed(line: &str) -> Option<Scenario> {
    let (name, tags) = line.trim().strip_prefix("- ")?.split_once(" [")?;
    let tags = tags.strip_suffix(']')?.split(',').filter(|tag| *tag != "extension");
    Some(Scenario { name: name.to_owned(), versions: tags.map(str::to_owned).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_the_suite_is_understood() {
        let scenario = |name: &str, versions: &[&str]| {
            let versions = versions.iter().map(|version| (*version).to_owned()).collect();
            Some(Scenario { name: name.to_owned(), versions })
        };
        assert_eq!(listed("  - ping [2025-06-18,2025-11-25]"), scenario("ping", &["2025-06-18", "2025-11-25"]));
        assert_eq!(listed("  - tasks-lifecycle [extension]"), scenario("tasks-lifecycle", &[]));
        assert_eq!(listed("Server scenarios (test against a server):"), None);
    }
}
