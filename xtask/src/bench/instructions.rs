//! What a call costs in user-space instructions, beside the same tool on bare rmcp.

use std::{fs, process::Command};

use super::{
    Gates, binary,
    session::{Call, Session, Wire, calls},
};
use crate::{
    run::{Outcome, exists},
    workspace::target,
};

/// Calls of the short and of the long run; the difference is free of starting and warming up.
const RUNS: [u64; 2] = [200, 1200];
/// Engine and tool layer may cost so much of the bare server.
const ENGINE: f64 = 1.25;
/// Twenty tools may cost so much of two.
const MORE_TOOLS: f64 = 1.02;

pub(super) fn run(gates: &mut Gates) -> Outcome {
    if !exists("valgrind") {
        return Err("valgrind is missing; install it (apt-get install valgrind) or leave this out with --only".into());
    }
    println!("instructions of a call, user space");
    for call in calls() {
        let bare = per_call("baseline-rmcp", "2", &call)?;
        let ours = per_call("baseline-longhaul", "2", &call)?;
        let many = per_call("baseline-longhaul", "20", &call)?;
        println!("        {}: rmcp {bare:.0}, longhaul {ours:.0}, with 20 tools {many:.0}", call.tool);
        gates.at_most(&format!("{}, longhaul / rmcp", call.tool), ours / bare, ENGINE);
        gates.at_most(&format!("{}, 20 tools / 2", call.tool), many / ours, MORE_TOOLS);
    }
    Ok(())
}

fn per_call(server: &str, tools: &str, call: &Call) -> Outcome<f64> {
    let [short, long] = RUNS;
    let (few, many) = (instructions(server, tools, call, short)?, instructions(server, tools, call, long)?);
    Ok(many.saturating_sub(few) as f64 / (long - short) as f64)
}

fn instructions(server: &str, tools: &str, call: &Call, times: u64) -> Outcome<u64> {
    let log = target()?.join("bench-valgrind.log");
    let mut command = Command::new("valgrind");
    command.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
    command.arg(format!("--log-file={}", log.display())).arg(binary(server)?).args(["--tools", tools]);
    let mut session = Session::start(&mut command, Wire::Pipes)?;
    session.call(call, times, 1)?;
    session.end()?;
    let text = fs::read_to_string(&log)?;
    let figure = text.lines().find_map(|line| line.split_once("I   refs:").or_else(|| line.split_once("I refs:")));
    let (_, figure) = figure.ok_or("valgrind counted nothing")?;
    let digits: String = figure.chars().filter(char::is_ascii_digit).collect();
    Ok(digits.parse()?)
}
