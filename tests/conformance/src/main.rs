//! `conformance-server`: what the official conformance suite of MCP asks of a server, on the engine
//! and in the shell of every other server here. `cargo xtask test --only conformance` runs the suite.
//!
//! | module | holds | answered by |
//! |---|---|---|
//! | `quick`, `jobs` | tools that answer at once, tools with work that outlives the call | the engine |
//! | `content` | tools that answer with images, sound and embedded resources | here |
//! | `logging` | tools that log, and the level | here |
//! | `rounds` | tools and prompts that ask the client back before they answer | here |
//! | `parked` | tasks that wait for the client, and one that meets a protocol error | here |
//! | `changes` | what a listener is told | here |
//! | `prompts`, `resources`, `skills` | the rest of MCP that the engine does not have | here |
//! | `face` | who answers what | |
//!
//! It is a fixture: what is answered here keeps its state in this process, for all callers alike.

mod changes;
mod content;
mod face;
mod jobs;
mod logging;
mod parked;
mod prompts;
mod quick;
mod resources;
mod rounds;
mod skills;

use std::process::ExitCode;

use longhaul::mcp::{Server, Settings};
use longhaul_serve::{BuildError, Served, Shared};
use rmcp::{ServerHandler, model::ProtocolVersion};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

struct Conformance;

/// Its settings.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Newest protocol version that it speaks. The suite's client always asks for the newest that
    /// has a handshake; with this, it gets an older one.
    #[schemars(schema_with = "versions")]
    newest: String,
}

impl Default for Config {
    fn default() -> Self {
        Self { newest: ProtocolVersion::LATEST.to_string() }
    }
}

/// All that the library speaks: `cargo xtask test` runs the suite on each of them.
fn versions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": ProtocolVersion::KNOWN_VERSIONS })
}

impl Served for Conformance {
    type Config = Config;
    const NAME: &'static str = "conformance-server";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const ABOUT: &'static str = "What the official conformance suite of MCP asks of a server";
    const SECTION: &'static str = "conformance";

    fn build(&self, _: &Shared, _: &Config, settings: Settings) -> Result<Server, BuildError> {
        let server = Server::builder(Self::NAME, Self::VERSION, "Tools for the suite.", "here", settings);
        Ok(jobs::add(quick::add(server)).build())
    }

    fn face(&self, own: &Config, server: Server) -> impl ServerHandler + Clone {
        face::Face::new(server, &own.newest)
    }
}

fn main() -> ExitCode {
    longhaul_serve::run(Conformance)
}
