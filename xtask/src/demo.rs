//! `demo`: builds the servers and the simulators and shows them at work.

use std::process::Command;

use crate::{
    run::{self, Outcome, cargo},
    workspace,
};

/// What is shown, and what it is shown with.
const PACKAGES: [&str; 3] = ["sagemaker-mcp", "longhaul-sim", "longhaul-demo"];

/// Builds, then shows.
pub(crate) fn run() -> Outcome {
    println!("Building {}; the first time takes some minutes.", PACKAGES.join(", "));
    let packages = PACKAGES.into_iter().flat_map(|package| ["--package", package]);
    run::run(&mut cargo(["build", "--bins"].into_iter().chain(packages)))?;
    let demo = workspace::target()?.join("debug").join("longhaul-demo");
    run::run(&mut Command::new(demo))
}
