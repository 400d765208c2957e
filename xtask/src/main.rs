//! The project's own commands: `cargo xtask <command>`.
//!
//! | command | does |
//! |---|---|
//! | [`demo`] | the servers at work, in a terminal, without any cloud |
//! | [`tidy`] | proves what the compiler does not: dependency arrows, sizes, names, links |
//! | [`docs`] | regenerates the tables of the documents from the built servers |
//! | [`mod@test`] | the Rust tests, then third-party clients and back ends |
//! | [`mod@bench`] | costs as instruction counts and as ratios within one run |
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "a developer's tool: it runs other programs, measures wall time and talks to a terminal"
)]

mod bench;
mod demo;
mod docs;
mod run;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", version)]
enum Command {
    /// Shows the servers at work, in a terminal, without any cloud.
    Demo,
    /// Proves what the compiler does not: dependency arrows, sizes, names, links.
    Tidy,
    /// Regenerates the tables of tools and settings from the built servers.
    Docs(docs::Options),
    /// Runs the Rust tests, then third-party clients and back ends.
    Test(test::Options),
    /// Measures what calls, transports and starts cost, beside a bare rmcp server.
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Demo => demo::run(),
        Command::Tidy => tidy::run(),
        Command::Docs(options) => docs::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Bench(options) => bench::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
