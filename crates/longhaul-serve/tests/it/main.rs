//! The process as its clients and its operator meet it: a real server (`examples/kettle`), real
//! pipes, sockets and signals.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod flood;
mod http;
mod kettle;
mod malformed;
mod operator;
mod stdio;
