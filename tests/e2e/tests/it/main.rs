//! The built binaries, from outside: real processes, real transports, simulators behind them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets what it does not expect fails, and these start processes"
)]

mod account;
mod clients;
mod deaths;
mod endings;
mod failures;
mod fallbacks;
mod http;
mod invocations;
mod models;
mod operator;
mod preflight;
mod requests;
mod scaling;
mod settings;
mod starts;
mod stdout;
mod storms;
mod streams;
mod tasks;
mod updates;
