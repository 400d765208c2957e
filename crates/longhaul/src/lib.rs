//! Follows remote operations that outlive a request.
//!
//! Give [`follow::follow`] an [`Operation`](operation::Operation) and a handle; hear the news,
//! get an ending. Following only observes: whoever leaves, leaves the operation running, and
//! nothing but [`Operation::abort`](operation::Operation::abort) asks the remote side to stop.
//!
//! | module | holds |
//! |---|---|
//! | [`operation`] | what can be looked at and aborted, and what a look tells |
//! | [`fleet`] | several resources of one kind as one operation |
//! | [`follow`] | look, tell, sleep, until it is over, the caller leaves or the bound is reached |
//! | [`tool`] | long and quick tools, and who may call them |
//! | [`fault`], [`report`] | the one shape of failure, the shapes of answers |
//! | [`text`] | vendor text made safe |
//! | [`context`], [`clock`] | who calls, under which trace, who hears of the steps; what time it is |
//! | `mcp` (feature) | the one MCP handler: dispatcher, reporter, tasks, sealed ids, panic guard |
//!
//! It knows nothing of HTTP, writes no file, starts nothing in the background that changes a
//! backend, and keeps no state that a restart would lose.
#![cfg_attr(feature = "mcp", doc = include_str!("../README.md"))]

pub mod clock;
pub mod context;
pub mod fault;
pub mod fleet;
pub mod follow;
#[cfg(feature = "mcp")]
pub mod mcp;
mod next;
pub mod operation;
pub mod report;
pub mod text;
pub mod tool;
