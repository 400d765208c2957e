//! The tools above an in-memory SageMaker, under a paused clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod concurrency;
mod schedules;
mod world;

mod cleanup;
mod delete;
mod deploy;
mod desk;
mod environment;
mod failures;
mod fake;
mod input;
mod invoke;
mod lists;
mod logs;
mod models;
mod payloads;
mod plan;
mod pools;
mod preflight;
mod prices;
mod refusals;
mod scale;
mod schemas;
mod tasks;
mod trouble;
mod untrusted;
mod update;
mod wait;
