//! `cargo xtask test`: the Rust tests, then judges that are not ours.
//!
//! Nothing is skipped silently: what cannot run here is listed at the end as `left out`, with what
//! is missing, and makes the command fail unless `--allow-missing` is given.

mod conformance;
mod third_party;

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use clap::{Args, ValueEnum};
use conformance::Node;
use third_party::{Python, built, simulator};

use crate::run::{Outcome, build_all, cargo};

#[derive(Args)]
pub(crate) struct Options {
    /// Also what is too long for every change.
    #[arg(long)]
    release: bool,
    /// Only this one; may be given several times.
    #[arg(long, value_enum, value_name = "NAME")]
    only: Vec<Suite>,
    /// What is left out for want of a program does not count as a failure.
    #[arg(long)]
    allow_missing: bool,
}

/// What runs, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Suite {
    /// The Rust tests of the workspace.
    Rust,
    /// The long ones, in the release profile. Only with --release.
    Release,
    /// AWS's own client judges the simulator of SageMaker.
    RefereeSim,
    /// The same scenarios on an independent back end, so that the referee is judged, too.
    RefereeMoto,
    /// The official Python client of MCP judges sagemaker-mcp.
    McpClient,
    /// AWS's own client agrees with what sagemaker-mcp wrote and told, on the simulator.
    AgreesSim,
    /// The same scenarios on an independent back end, as far as that can do them.
    AgreesMoto,
    /// The official conformance suite judges the conformance example on every protocol version, and the servers.
    Conformance,
}

impl Suite {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Whether it is a script for the Python of [`Python::ready`].
    fn is_script(self) -> bool {
        matches!(self, Self::RefereeSim | Self::RefereeMoto | Self::McpClient | Self::AgreesSim | Self::AgreesMoto)
    }

    /// Whether its back end is moto, and not our simulator.
    fn is_on_moto(self) -> bool {
        matches!(self, Self::RefereeMoto | Self::AgreesMoto)
    }
}

pub(crate) fn run(options: &Options) -> Outcome {
    let wanted = |suite: &Suite| match options.only.is_empty() {
        true => *suite != Suite::Release || options.release,
        false => options.only.contains(suite),
    };
    let suites: Vec<Suite> = Suite::value_variants().iter().copied().filter(wanted).collect();
    let mut sum = Sum::default();
    if suites.contains(&Suite::Rust) {
        sum.cargo_test(Suite::Rust, cargo(["test", "--workspace", "--no-fail-fast"]))?;
    }
    if suites.contains(&Suite::Release) {
        let mut test = cargo(["test", "--release", "--workspace", "--no-fail-fast"]);
        test.env("LONGHAUL_RELEASE", "1");
        sum.cargo_test(Suite::Release, test)?;
    }
    sum.third_party(&suites)?;
    sum.judge(options.allow_missing)
}

/// What came of everything so far.
#[derive(Debug, Default, PartialEq)]
struct Sum {
    passed: u64,
    failed: u64,
    left_out: Vec<String>,
}

impl Sum {
    fn third_party(&mut self, suites: &[Suite]) -> Outcome {
        let scripts: Vec<Suite> = suites.iter().copied().filter(|suite| suite.is_script()).collect();
        let conformance: Vec<Suite> = suites.iter().copied().filter(|suite| *suite == Suite::Conformance).collect();
        let python = self.ready(&scripts, Python::ready);
        let node = self.ready(&conformance, Node::ready);
        if python.is_none() && node.is_none() {
            return Ok(());
        }
        build_all(&[])?;
        if let Some(python) = python {
            self.scripts(&scripts, &python)?;
        }
        if let Some(node) = node {
            self.conformance(&node)?;
        }
        Ok(())
    }

    /// What these suites need, if there are any and it can be had.
    fn ready<T>(&mut self, suites: &[Suite], ready: fn() -> Outcome<T>) -> Option<T> {
        if suites.is_empty() {
            return None;
        }
        let missing = match ready() {
            Ok(ready) => return Some(ready),
            Err(missing) => missing,
        };
        self.left_out.extend(suites.iter().map(|suite| format!("{}: {missing}", suite.name())));
        None
    }

    fn scripts(&mut self, suites: &[Suite], python: &Python) -> Outcome {
        for suite in suites {
            // Ends with this turn of the loop.
            let backend = if suite.is_on_moto() { python.moto()? } else { simulator()? };
            let url = backend.url.as_str();
            let kind = if suite.is_on_moto() { "moto" } else { "sim" };
            let script = match suite {
                Suite::McpClient => {
                    let mut script = python.script("mcp_client.py");
                    script.arg("--server").arg(built("sagemaker-mcp")?).args(["--simulator-url", url]);
                    script
                }
                Suite::AgreesSim | Suite::AgreesMoto => {
                    let mut script = python.script("sagemaker_agrees.py");
                    script.arg("--server").arg(built("sagemaker-mcp")?);
                    script.args(["--backend", kind, "--endpoint-url", url]);
                    script
                }
                Suite::RefereeSim | Suite::RefereeMoto | Suite::Rust | Suite::Release | Suite::Conformance => {
                    let mut script = python.script("sagemaker_referee.py");
                    script.args(["--backend", kind, "--endpoint-url", url]);
                    script
                }
            };
            self.count(&suite.name(), script, scenarios)?;
        }
        Ok(())
    }

    fn conformance(&mut self, node: &Node) -> Outcome {
        println!("== {}", Suite::Conformance.name());
        let counts = node.judge()?;
        self.add(&Suite::Conformance.name(), &counts);
        Ok(())
    }

    fn add(&mut self, name: &str, counts: &Counts) {
        self.passed += counts.passed;
        self.failed += counts.failed;
        if counts.ignored > 0 {
            self.left_out.push(format!("{name}: {} tests that are marked as ignored", counts.ignored));
        }
    }

    fn cargo_test(&mut self, suite: Suite, command: Command) -> Outcome {
        self.count(&suite.name(), command, tests)
    }

    /// Runs a suite whose lines `read` understands, and shows what it prints.
    fn count(&mut self, name: &str, mut command: Command, read: fn(&str) -> Option<Counts>) -> Outcome {
        println!("== {name}");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("a pipe is missing")?).lines();
        let failed_before = self.failed;
        for line in lines.map_while(Result::ok) {
            println!("{line}");
            if let Some(counts) = read(&line) {
                self.add(name, &counts);
            }
        }
        std::io::stdout().flush()?;
        let status = child.wait()?;
        if !status.success() && self.failed == failed_before {
            println!("== {name} ended with {status} before it could count");
            self.failed += 1;
        }
        Ok(())
    }

    fn judge(self, allow_missing: bool) -> Outcome {
        for left_out in &self.left_out {
            println!("left out: {left_out}");
        }
        println!("{} passed, {} failed", self.passed, self.failed);
        if self.failed > 0 {
            return Err("tests failed".into());
        }
        if !self.left_out.is_empty() && !allow_missing {
            return Err("not everything ran; install what is missing, or give --allow-missing".into());
        }
        Ok(())
    }
}

#[derive(Debug, Default, PartialEq)]
struct Counts {
    passed: u64,
    failed: u64,
    ignored: u64,
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; …`
fn tests(line: &str) -> Option<Counts> {
    let (_, counts) = line.trim().strip_prefix("test result: ")?.split_once(". ")?;
    let find = |word: &str| {
        let part = counts.split(';').map(str::trim).find_map(|part| part.strip_suffix(word))?;
        part.trim().parse().ok()
    };
    Some(Counts { passed: find("passed")?, failed: find("failed")?, ignored: find("ignored")? })
}

/// `3 passed, 0 failed`
fn scenarios(line: &str) -> Option<Counts> {
    let (passed, failed) = line.trim().split_once(" passed, ")?;
    Some(Counts { passed: passed.parse().ok()?, failed: failed.strip_suffix(" failed")?.parse().ok()?, ignored: 0 })
}

#[cfg(test)]
mod tests_of_sums {
    use super::*;

    #[test]
    fn sums_of_cargo_and_of_scripts_are_understood() {
        let line = "test result: FAILED. 12 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.04s";
        assert_eq!(tests(line), Some(Counts { passed: 12, failed: 1, ignored: 2 }));
        assert_eq!(tests("test follow::it_does ... ok"), None);
        assert_eq!(scenarios("7 passed, 2 failed"), Some(Counts { passed: 7, failed: 2, ignored: 0 }));
        assert_eq!(scenarios("ok deploys"), None);
    }

    #[test]
    fn what_is_left_out_is_a_failure_unless_allowed() {
        let sum = || Sum { passed: 1, failed: 0, left_out: vec!["moto: no python3".to_owned()] };
        assert!(sum().judge(false).is_err());
        assert!(sum().judge(true).is_ok());
        assert!(Sum { failed: 1, ..sum() }.judge(true).is_err());
    }
}
