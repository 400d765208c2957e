//! Runs the built binaries and talks to them as clients and operators do.
//!
//! ```no_run
//! # async fn story() {
//! use longhaul_e2e::{Setup, Sim, report};
//! use serde_json::json;
//!
//! let sim = Sim::start(&[]).await;
//! let mut server = Setup::sagemaker(&sim).stdio();
//! let answer = server.call("list_sagemaker_endpoints", json!({})).await;
//! assert_eq!(report(&answer)["count"], 0);
//! # }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`binaries`] | finds the programs beside the test executable; builds them where they are missing or old |
//! | [`sim`] | a simulator and its control API |
//! | [`setup`] | flags and environment of a server, and nothing else of this machine |
//! | [`process`] | a child with its log; ends with its owner |
//! | [`stdio`], [`http`] | a server behind each transport, as raw JSON-RPC |
//! | [`wire`] | messages, and what may stand on stdout |
//!
//! Nothing here knows a type of the servers; traffic stays on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a harness of tests: it starts processes, and what it does not expect fails the test"
)]

pub mod binaries;
pub mod http;
pub mod process;
pub mod setup;
pub mod sim;
pub mod stdio;
pub mod wire;

use std::time::Duration;

pub use http::Http;
pub use setup::Setup;
pub use sim::Sim;
pub use stdio::Stdio;
pub use wire::{Era, report};

/// An answer that takes longer is none.
pub const PATIENCE: Duration = Duration::from_secs(25);

/// The level at which everything is logged, whole requests of the libraries included.
pub const LOUDEST: &str = "trace,rmcp=trace,aws_=trace,hyper=trace,reqwest=trace";

/// From one look at something to the next.
pub const GLANCE: Duration = Duration::from_millis(5);
