//! The engine under a paused clock: rules of following without MCP, everything else through a
//! real MCP connection over an in-memory pipe.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod fleets;
mod following;
mod leaving;
mod remote;

#[cfg(feature = "mcp")]
mod client;
#[cfg(feature = "mcp")]
mod dispatch;
#[cfg(feature = "mcp")]
mod progress;
#[cfg(feature = "mcp")]
mod tools;
#[cfg(feature = "mcp")]
mod wire;
