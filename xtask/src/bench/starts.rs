//! From the start of the process to its first answer, and what it holds once its tools are known.

use std::time::Instant;

use serde_json::json;

use super::{
    Gates, median, server,
    session::{Session, Wire},
};
use crate::run::Outcome;

const ROUNDS: usize = 30;
/// Milliseconds to the answer of `initialize`.
const GOAL_MS: f64 = 10.0;
/// Megabytes after `tools/list`.
const GOAL_MB: f64 = 16.0;
const SERVERS: [&str; 2] = ["sagemaker-mcp", "baseline-rmcp"];

pub(super) fn run(gates: &mut Gates) -> Outcome {
    println!("start of the process to the answer of `initialize`, {ROUNDS} rounds; memory after `tools/list`");
    let mut figures = SERVERS.map(|_| (Vec::new(), Vec::new()));
    for _ in 0..ROUNDS {
        for (name, (times, sizes)) in SERVERS.into_iter().zip(&mut figures) {
            let mut command = server(name, &[])?;
            let begun = Instant::now();
            let mut session = Session::start(&mut command, Wire::Pipes)?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
            session.ask("tools/list", &json!({}))?;
            sizes.push(f64::from(session.memory()?) / 1024.0);
            session.end()?;
        }
    }
    let medians = figures.map(|(times, sizes)| (median(times), median(sizes)));
    for (name, (time, size)) in SERVERS.into_iter().zip(medians) {
        println!("        {name}: {time:.2} ms, {size:.1} MB");
    }
    let [(time, size), _] = medians;
    gates.at_most("start of sagemaker-mcp in ms", time, GOAL_MS);
    gates.at_most("memory of sagemaker-mcp in MB", size, GOAL_MB);
    Ok(())
}
