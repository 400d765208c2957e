//! `cargo xtask tidy`: what the compiler does not prove.
//!
//! Each check says what it looked at; each finding says where, what, and how to mend it.

mod arrows;
mod documents;
mod servers;
mod sizes;
mod words;

use crate::{
    run::Outcome,
    workspace::{Source, packages, sources},
};

/// What a check found wrong.
#[derive(Debug, PartialEq)]
struct Finding {
    place: String,
    what: String,
}

impl Finding {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }
}

/// One check and what came of it.
struct Checked {
    name: &'static str,
    /// What was looked at, in a few words.
    seen: String,
    findings: Vec<Finding>,
    mend: &'static str,
}

pub(crate) fn run() -> Outcome {
    let (packages, sources) = (packages()?, sources()?);
    let mut all = arrows::check(&packages)?;
    all.push(servers::names(&packages, &sources));
    all.push(sizes::check(&sources));
    all.extend(words::check(&sources));
    all.extend(documents::check(&sources));
    let mut wrong = 0;
    for Checked { name, seen, findings, mend } in &all {
        println!("{} {name}: {seen}", if findings.is_empty() { "ok    " } else { "FAILED" });
        for Finding { place, what } in findings {
            println!("       {place}: {what}");
        }
        if !findings.is_empty() {
            println!("       to mend: {mend}");
        }
        wrong += findings.len();
    }
    for (path, lines) in sizes::long(&sources) {
        println!("note   {path} has {lines} lines besides its tests; the aim is {}", sizes::AIM);
    }
    if wrong == 0 { Ok(()) } else { Err(format!("tidy found {wrong} things").into()) }
}

/// The number of a line, from 1, and the line.
fn numbered(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    source.text.lines().enumerate().map(|(n, line)| (n + 1, line))
}
