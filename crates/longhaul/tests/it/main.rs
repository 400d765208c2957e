//! The engine under a paused clock: rules of following without MCP, everything else through a
//! real MCP connection over an in-memory pipe.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets what it does not expect fails"
)]

mod fleets;
mod following;
mod leaving;
mod remote;

#[cfg(feature = "mcp")]
mod arguments;
#[cfg(feature = "mcp")]
mod attacks;
#[cfg(feature = "mcp")]
mod client;
#[cfg(feature = "mcp")]
mod dispatch;
#[cfg(feature = "mcp")]
mod gates;
#[cfg(feature = "mcp")]
mod progress;
#[cfg(feature = "mcp")]
mod tasks;
#[cfg(feature = "mcp")]
mod tools;
#[cfg(feature = "mcp")]
mod traps;
#[cfg(feature = "mcp")]
mod untrusted;
#[cfg(feature = "mcp")]
mod watched;
#[cfg(feature = "mcp")]
mod wire;
