//! What the standard streams cost, beside rmcp's default `stdio()`, with many calls open.

use std::process::Command;

use super::{
    Gates, median, server,
    session::{Call, Session, Wire, calls},
};
use crate::run::Outcome;

const ROUNDS: usize = 3;
const CALLS: u64 = 20_000;
const AT_ONCE: u64 = 64;
/// Of the CPU time that rmcp's default takes.
const GATE: f64 = 0.5;

/// A server on a kind of wire.
struct Runner {
    name: &'static str,
    wire: Wire,
    command: fn() -> Outcome<Command>,
    figures: Vec<f64>,
}

pub(super) fn run(gates: &mut Gates) -> Outcome {
    println!("CPU time of 1000 calls on the standard streams, {AT_ONCE} at once");
    let [echo, _] = calls();
    let rmcp = || server("baseline-rmcp", &["--stdio", "blocking"]);
    let ours = || server("baseline-serve", &[]);
    let runner = |name, wire, command| Runner { name, wire, command, figures: Vec::new() };
    let mut default = runner("rmcp's stdio()", Wire::Pipes, rmcp);
    let mut others =
        [runner("longhaul-serve, pipes", Wire::Pipes, ours), runner("longhaul-serve, sockets", Wire::Sockets, ours)];
    for _ in 0..ROUNDS {
        default.measure(&echo)?;
        for other in &mut others {
            other.measure(&echo)?;
        }
    }
    for runner in others.iter().chain([&default]) {
        println!("        {}: {:.1} ms", runner.name, median(runner.figures.clone()));
    }
    for other in &others {
        let ratios = other.figures.iter().zip(&default.figures).map(|(ours, theirs)| ours / theirs);
        gates.at_most(&format!("{} / {}", other.name, default.name), median(ratios.collect()), GATE);
    }
    Ok(())
}

impl Runner {
    fn measure(&mut self, call: &Call) -> Outcome {
        let mut session = Session::start(&mut (self.command)()?, self.wire)?;
        session.call(call, CALLS / 20, AT_ONCE)?;
        let before = session.cpu()?;
        session.call(call, CALLS, AT_ONCE)?;
        let spent = session.cpu()?.saturating_sub(before);
        self.figures.push(spent.as_secs_f64() * 1e6 / CALLS as f64);
        session.end()
    }
}
