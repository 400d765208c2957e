//! `cargo xtask bench`: what Longhaul costs beside a bare rmcp server.
//!
//! Instructions hardly move with the load of the machine; times do, so that they are compared
//! within one run, round by round, and judged by the median of the rounds' ratios.

mod http;
mod instructions;
mod session;
mod starts;
mod transports;

use std::{path::PathBuf, process::Command};

use clap::{Args, ValueEnum};

use crate::{
    run::{Outcome, build_all},
    workspace::target,
};

#[derive(Args)]
pub(crate) struct Options {
    /// Take the release binaries as they are.
    #[arg(long)]
    as_built: bool,
    /// Only this one; may be given several times.
    #[arg(long, value_enum)]
    only: Vec<Bench>,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Bench {
    /// User-space instructions of a call. Needs valgrind.
    Instructions,
    /// CPU time of a call on pipes and sockets, latency over HTTP.
    Transports,
    /// From the start of the process to its first answer, and memory.
    Starts,
}

pub(crate) fn run(options: &Options) -> Outcome {
    let wanted = |bench| options.only.is_empty() || options.only.contains(&bench);
    if !options.as_built {
        build_all(&["--release"])?;
    }
    let mut gates = Gates::default();
    if wanted(Bench::Instructions) {
        instructions::run(&mut gates)?;
    }
    if wanted(Bench::Transports) {
        transports::run(&mut gates)?;
        http::run(&mut gates)?;
    }
    if wanted(Bench::Starts) {
        starts::run(&mut gates)?;
    }
    gates.judge()
}

/// A binary of the release profile.
fn binary(name: &str) -> Outcome<PathBuf> {
    Ok(target()?.join("release").join(name))
}

/// A server of the release profile, in an environment that tells it nothing.
fn server(name: &str, arguments: &[&str]) -> Outcome<Command> {
    let mut command = Command::new(binary(name)?);
    command.args(arguments).env_clear();
    Ok(command)
}

/// What must hold, and whether it did.
#[derive(Default)]
struct Gates {
    missed: Vec<String>,
}

impl Gates {
    /// Prints a figure beside the most that it may be.
    fn at_most(&mut self, what: &str, figure: f64, most: f64) {
        let held = figure <= most;
        println!("{}  {what}: {figure:.3} (at most {most})", if held { "ok    " } else { "MISSED" });
        if !held {
            self.missed.push(what.to_owned());
        }
    }

    fn judge(self) -> Outcome {
        if self.missed.is_empty() { Ok(()) } else { Err(format!("missed: {}", self.missed.join("; ")).into()) }
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    percentile(&mut figures, 0.5)
}

/// The figure that so large a part of the others does not exceed. Sorts.
fn percentile(figures: &mut [f64], part: f64) -> f64 {
    figures.sort_by(f64::total_cmp);
    let at = (part * figures.len().saturating_sub(1) as f64).round() as usize;
    figures.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_figures_that_were_measured() {
        let mut figures: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&mut figures, 0.99).to_string(), "99");
        assert_eq!(percentile(&mut figures, 1.0).to_string(), "100");
        assert_eq!(median(vec![3.0, 1.0, 2.0]).to_string(), "2");
        assert_eq!(median(Vec::new()).to_string(), "0");
    }
}
