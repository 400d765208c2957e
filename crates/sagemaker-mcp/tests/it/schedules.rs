//! Processes die, answers get lost, requests arrive late: whatever happens, one endpoint at most,
//! nothing unreported, nothing left in the end.
//!
//! A schedule is a number: everything in it follows from that. `LONGHAUL_SCHEDULE=<n>` replays one
//! and prints its requests; `LONGHAUL_RELEASE` runs a million.

mod operator;
mod story;

use std::{collections::BTreeMap, fmt, thread, time::Duration};

pub(crate) use operator::{Operator, Settled};
pub(crate) use story::arguments;
use story::{Outcome, play};
use tokio::time::Instant;

/// Sums over schedules.
#[derive(Default)]
struct Tally {
    schedules: u64,
    requests: u64,
    faults: u64,
    kills: u64,
    endpoints: u64,
    /// Schedules in which a configuration or a model went while an endpoint used it.
    torn_configs: u64,
    torn_models: u64,
    bare_at_rest: u64,
    torn_by_plot: BTreeMap<String, u64>,
    torn: Vec<u64>,
    /// Schedules that broke a promise.
    violations: u64,
    by_promise: BTreeMap<&'static str, u64>,
    by_plot: BTreeMap<String, u64>,
    /// The first of them.
    examples: Vec<(u64, String)>,
    took: Duration,
}

impl Tally {
    fn add(&mut self, number: u64, outcome: &Outcome) {
        let counts = &outcome.counts;
        self.schedules += 1;
        self.requests += counts.calls.values().map(|calls| u64::from(*calls)).sum::<u64>();
        self.faults += u64::from(counts.faults);
        self.kills += u64::from(counts.kills);
        self.endpoints += u64::from(counts.endpoints_created);
        self.torn_configs += u64::from(counts.torn_configs > 0);
        self.torn_models += u64::from(counts.torn_models > 0);
        self.bare_at_rest += u64::from(outcome.bare_at_rest);
        if counts.torn_configs + counts.torn_models > 0 {
            *self.torn_by_plot.entry(format!("{:?}", outcome.plot)).or_default() += 1;
            self.torn.push(number);
        }
        let Some((promise, how)) = outcome.violations.first() else { return };
        self.violations += 1;
        *self.by_promise.entry(promise).or_default() += 1;
        *self.by_plot.entry(format!("{:?} {promise}", outcome.plot)).or_default() += 1;
        if self.examples.len() < 12 {
            self.examples.push((number, format!("{:?}, {promise}: {how}", outcome.plot)));
        }
    }

    fn join(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.requests += other.requests;
        self.faults += other.faults;
        self.kills += other.kills;
        self.endpoints += other.endpoints;
        self.torn_configs += other.torn_configs;
        self.torn_models += other.torn_models;
        self.bare_at_rest += other.bare_at_rest;
        self.violations += other.violations;
        self.examples.extend(other.examples);
        self.torn.extend(other.torn);
        self.torn.truncate(12);
        self.examples.sort();
        let sum = |into: &mut BTreeMap<String, u64>, from: BTreeMap<String, u64>| {
            from.into_iter().for_each(|(key, count)| *into.entry(key).or_default() += count);
        };
        sum(&mut self.torn_by_plot, other.torn_by_plot);
        sum(&mut self.by_plot, other.by_plot);
        other.by_promise.into_iter().for_each(|(key, count)| *self.by_promise.entry(key).or_default() += count);
    }

    fn of(&self, promise: &str) -> u64 {
        self.by_promise.get(promise).copied().unwrap_or(0)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { schedules, requests, faults, kills, endpoints, violations, took, .. } = self;
        let speed = u128::from(*schedules) * 1000 / took.as_millis().max(1);
        writeln!(
            f,
            "{schedules} schedules in {took:.1?} ({speed}/s): {requests} requests, {faults} faults, {kills} kills, {endpoints} endpoints"
        )?;
        let (doubled, left) = (self.of("doubled"), self.of("left") + self.of("stray") + self.of("unlisted"));
        writeln!(f, "broken promises: {violations}; doubled {doubled}, left over {left}; {:?}", self.by_plot)?;
        let Self { torn_configs, torn_models, bare_at_rest, torn_by_plot, torn, .. } = self;
        writeln!(
            f,
            "torn from a live endpoint: {torn_configs} configurations, {torn_models} models {torn_by_plot:?}; without a configuration at rest: {bare_at_rest}; for example {torn:?}"
        )?;
        for (number, how) in &self.examples {
            writeln!(f, "  LONGHAUL_SCHEDULE={number}  {how}")?;
        }
        Ok(())
    }
}

/// Plays so many schedules on two cores.
fn simulate(schedules: u64, fresh_names: bool) -> Tally {
    const CORES: u64 = 2;
    let began = Instant::now();
    let run = |first: u64| {
        let mut tally = Tally::default();
        for number in (first..schedules).step_by(CORES as usize) {
            tally.add(number, &play(number, fresh_names, false));
        }
        tally
    };
    let mut sum = Tally::default();
    thread::scope(|scope| {
        let runs: Vec<_> = (0..CORES).map(|first| scope.spawn(move || run(first))).collect();
        for run in runs {
            sum.join(run.join().expect("a schedule does not panic"));
        }
    });
    sum.took = began.elapsed();
    sum
}

#[expect(clippy::disallowed_methods, reason = "how many schedules to run is said from outside")]
fn said(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

#[test]
fn whatever_dies_or_gets_lost_nothing_is_doubled_and_nothing_is_left() {
    if let Some(number) = said("LONGHAUL_SCHEDULE") {
        let outcome = play(number.parse().expect("the number of a schedule"), false, true);
        eprintln!("{}", outcome.trace.join("\n"));
        return assert!(outcome.violations.is_empty(), "{:?}", outcome.violations);
    }
    let schedules = if said("LONGHAUL_RELEASE").is_some() { 1_000_000 } else { 10_000 };
    let tally = simulate(schedules, false);
    eprintln!("{tally}");
    assert_eq!(tally.violations, 0, "\n{tally}");
    let torn = |plot: &str| tally.torn_by_plot.get(plot).copied().unwrap_or(0);
    let (removing, cleaning) =
        (torn("DeployAgainstDelete") + torn("ChangeOfMind") + torn("Again"), torn("DeployAgainstCleanUp"));
    assert!(removing <= 10 + schedules / 1_000 && cleaning <= 1 + schedules / 20_000, "\n{tally}");
}

#[test]
fn the_naive_variant_with_fresh_names_doubles_or_orphans() {
    let tally = simulate(300, true);
    eprintln!("fresh names: {tally}");
    assert!(tally.of("doubled") + tally.of("stray") > 100, "\n{tally}");
}

#[test]
fn a_schedule_follows_from_its_number() {
    let again = |number| play(number, false, true).trace;
    for number in 0..50 {
        let (one, other) = (again(number), again(number));
        let differs = one.iter().zip(&other).find(|(one, other)| one != other);
        assert_eq!(differs, None, "schedule {number}");
    }
}
