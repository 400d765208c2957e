//! The process around a Longhaul server: configuration, stdio, HTTP, health, metrics, logs, endings.
//!
//! A server implements [`Served`]; its `main` is one call of [`run`]:
//!
//! ```no_run
//! use longhaul::mcp::{Server, Settings};
//! use longhaul_serve::{BuildError, NoSettings, Served, Shared};
//!
//! struct Kettle;
//!
//! impl Served for Kettle {
//!     type Config = NoSettings;
//!     const NAME: &'static str = "kettle-mcp";
//!     const VERSION: &'static str = env!("CARGO_PKG_VERSION");
//!     const ABOUT: &'static str = "Boils water";
//!     const SECTION: &'static str = "kettle";
//!
//!     fn build(&self, _: &Shared, _: &NoSettings, settings: Settings) -> Result<Server, BuildError> {
//!         Ok(Server::builder(Self::NAME, Self::VERSION, "Boils water.", "kitchen", settings).build())
//!     }
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     longhaul_serve::run(Kettle)
//! }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `config` | flags over environment over `config.yaml` over defaults, all from one JSON Schema |
//! | `process` | from the command line to the end of the process |
//! | `stdio` | JSON-RPC on the standard streams, without the blocking pool where that is possible |
//! | `http` | the same on `/mcp`, with `/ping` and `/metrics` |
//! | `malformed` | the answer to what is no message |
//! | `logs` | the log, on stderr |
//! | `endings` | signals, end of input, and how long an ending may take |
//! | `check` | `--check` |
//!
//! It reads the environment once, writes nothing but JSON-RPC to stdout while it serves, listens
//! beyond loopback only when told to, and starts no process itself.
#![doc = include_str!("../README.md")]

mod check;
mod config;
mod endings;
mod http;
mod logs;
mod malformed;
mod process;
mod stdio;

use std::{future::Future, process::ExitCode};

use longhaul::mcp::{Server, Settings};
use rmcp::ServerHandler;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

pub use check::{CheckLine, Verdict, network};
pub use config::{
    Aws, Calls, Format, Gates, Handles, Key, Kind, Listen, Logging, NoSettings, OAuth, Observability, Platform, Secret,
    Shared, Transport,
};

/// Why a server could not be built. A text will do.
pub type BuildError = Box<dyn std::error::Error + Send + Sync>;

/// A server, as the process around it sees it.
pub trait Served: Send + Sync + 'static {
    /// Its own settings. Doc comments become the texts of `--help`; `#[schemars(extend("x-env" = …))]`
    /// and `"x-flag"` give a key other names, [`Secret`] hides it, `"x-planned" = "feature"` refuses
    /// it as long as the feature is missing. [`NoSettings`] for none.
    type Config: DeserializeOwned + Serialize + JsonSchema + Default + Send + Sync;
    /// Name of the program.
    const NAME: &'static str;
    /// Its version.
    const VERSION: &'static str;
    /// What it is, in one line.
    const ABOUT: &'static str;
    /// Where its own settings stand in `config.yaml`, and the beginning of their flags and
    /// variables: `sagemaker`.
    const SECTION: &'static str;

    /// Builds the server. Vendor clients come later, with the first call that needs them: a
    /// server starts and lists its tools without credentials and without a backend.
    ///
    /// # Errors
    /// Settings that contradict each other; the text names the setting.
    fn build(&self, shared: &Shared, own: &Self::Config, settings: Settings) -> Result<Server, BuildError>;

    /// What speaks with clients: the server itself. A program that has more than tools, such as
    /// prompts or resources, puts a handler of its own around the server, which answers those and
    /// hands on everything else.
    fn face(&self, own: &Self::Config, server: Server) -> impl ServerHandler + Clone {
        let _ = own;
        server
    }

    /// What the process really sees of the backend, and whether it answers, for `--check`.
    fn check(&self, shared: &Shared, own: &Self::Config) -> impl Future<Output = Vec<CheckLine>> + Send {
        let _ = (shared, own);
        async { Vec::new() }
    }
}

/// Runs a server until its client or its operator ends it.
///
/// Exit codes: 0 a clean end, 1 a failed `--check` or a broken transport, 2 settings that are not
/// good, 130 an end that a second signal forced.
pub fn run<S: Served>(served: S) -> ExitCode {
    // What is not Unicode cannot be the name or the value of a setting.
    let environment =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    process::start(&served, std::env::args_os(), environment.collect())
}

/// Every setting of a server, shared ones first, for generated tables.
#[must_use]
pub fn keys<S: Served>() -> Vec<Key> {
    let mut keys = config::keys_of::<Shared>("");
    keys.extend(config::keys_of::<S::Config>(S::SECTION));
    keys
}
