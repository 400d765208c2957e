//! The tools above an in-memory SageMaker, under a paused clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod concurrency;
mod schedules;
mod world;

mod cleanup;
mod delete;
mod deploy;
mod desk;
mod fake;
mod input;
mod lists;
mod schemas;
mod trouble;
mod untrusted;
mod wait;
