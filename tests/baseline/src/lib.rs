//! The same two tools, twice, so that a comparison sees nothing but the engine.
//!
//! | binary | what it is |
//! |---|---|
//! | `baseline-rmcp` | a bare rmcp server as rmcp's documentation has it, its router built once |
//! | `baseline-longhaul` | the same tools as a quick and a long tool of `longhaul::mcp::Server` |
//! | `baseline-serve` | the same in the whole process, with `longhaul-serve`'s transports |
//!
//! `echo` answers with the text it was given; `deploy` starts something that is over at the first
//! look. Both servers read and write the same pipes with the same runtime and the same profile.

pub mod longhaul;
pub mod tools;

use clap::{Parser, ValueEnum};

/// How a baseline is started.
#[derive(Clone, Copy, Debug, Parser)]
pub struct Options {
    /// How many tools it has, 2 or 20; all but two are there to be searched past.
    #[arg(long, default_value_t = 2)]
    pub tools: u8,
    /// How it reads stdin and writes stdout.
    #[arg(long, value_enum, default_value_t = Stdio::Pipes)]
    pub stdio: Stdio,
}

/// The two ways of rmcp to use stdin and stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stdio {
    /// Non-blocking pipes.
    Pipes,
    /// The default: through tokio's blocking threads.
    Blocking,
}
