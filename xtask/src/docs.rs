//! `cargo xtask docs`: the tables of tools and settings, from the built servers themselves.
//!
//! A table stands between `<!-- tools:begin NAME -->` and `<!-- tools:end -->`, or between
//! `<!-- config:begin NAME -->` and `<!-- config:end -->`, where NAME is a server; without a name
//! the settings are those that every server has. What a table says is what the server answers to
//! `--print-tools` and `--print-config-keys`.

mod tables;

use std::{collections::BTreeMap, fs, process::Command};

use clap::Args;
use serde::de::DeserializeOwned;

use crate::{
    run::{Outcome, build_all, capture},
    workspace::{Package, root, servers, sources, target},
};

#[derive(Args)]
pub(crate) struct Options {
    /// Changes nothing; fails if a table is not what the servers say.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(options: &Options) -> Outcome {
    build_all(&["--quiet"])?;
    let servers = servers()?;
    let mut tables = Tables { servers: &servers, made: BTreeMap::new() };
    let (mut count, mut stale) = (0, Vec::new());
    for source in sources()?.into_iter().filter(|source| source.path.ends_with(".md")) {
        let fresh = replaced(&source.text, |table, server| {
            count += 1;
            tables.make(table, server)
        })
        .map_err(|error| format!("{}: {error}", source.path))?;
        if fresh == source.text {
            continue;
        }
        if options.check {
            print_difference(&source.path, &source.text, &fresh);
        } else {
            fs::write(root().join(&source.path), fresh)?;
            println!("written: {}", source.path);
        }
        stale.push(source.path);
    }
    if options.check && !stale.is_empty() {
        return Err(format!("{} not what the servers say; run `cargo xtask docs`", stale.join(", ")).into());
    }
    println!("{count} tables are what the servers say");
    Ok(())
}

/// A server without settings of its own.
const BARE: &str = "baseline-serve";

/// The two kinds of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Table {
    Tools,
    Config,
}

impl Table {
    const ALL: [Self; 2] = [Self::Tools, Self::Config];

    fn word(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Config => "config",
        }
    }
}

/// Tables made so far.
struct Tables<'a> {
    servers: &'a [Package],
    made: BTreeMap<(Table, String), String>,
}

impl Tables<'_> {
    fn make(&mut self, table: Table, server: &str) -> Outcome<String> {
        if let Some(made) = self.made.get(&(table, server.to_owned())) {
            return Ok(made.clone());
        }
        let binary = match self.servers.iter().find(|known| known.name == server) {
            Some(known) => known.name.as_str(),
            None if server.is_empty() && table == Table::Config => BARE,
            None => return Err(format!("a table of {} wants {server:?}, which is no server here", table.word()).into()),
        };
        let made = match table {
            Table::Tools => tables::tools(&said::<Vec<_>>(binary, "--print-tools")?),
            Table::Config => tables::config(&said::<Vec<_>>(binary, "--print-config-keys")?),
        };
        self.made.insert((table, server.to_owned()), made.clone());
        Ok(made)
    }
}

/// What a server answers to a flag, without any configuration of this machine.
fn said<T: DeserializeOwned>(binary: &str, flag: &str) -> Outcome<T> {
    let mut command = Command::new(target()?.join("debug").join(binary));
    let text = capture(command.arg(flag).env_clear())?;
    serde_json::from_str(&text).map_err(|error| format!("{binary} {flag}: {error}").into())
}

/// The text with each table made anew.
fn replaced(text: &str, mut make: impl FnMut(Table, &str) -> Outcome<String>) -> Outcome<String> {
    let mut lines = text.split_inclusive('\n');
    let mut fresh = String::new();
    while let Some(line) = lines.next() {
        fresh.push_str(line);
        let Some((table, server)) = begins(line) else { continue };
        let end = format!("<!-- {}:end -->", table.word());
        let Some(end) = lines.by_ref().find(|line| line.trim() == end) else {
            return Err(format!("`{}` has no `{end}`", line.trim()).into());
        };
        fresh.push_str(&make(table, server)?);
        fresh.push_str(end);
    }
    Ok(fresh)
}

/// The table that begins with this line, and the server it is about.
fn begins(line: &str) -> Option<(Table, &str)> {
    let inside = line.trim().strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    let (word, server) = inside.split_once(":begin")?;
    Some((Table::ALL.into_iter().find(|table| table.word() == word)?, server.trim()))
}

fn print_difference(path: &str, old: &str, new: &str) {
    println!("--- {path}\n+++ {path}, from the servers");
    let common = |old: &str, new: &str| old.lines().filter(|line| !new.lines().any(|other| other == *line)).count();
    println!("@@ {} lines go, {} lines come @@", common(old, new), common(new, old));
    for gone in old.lines().filter(|line| !new.lines().any(|other| other == *line)) {
        println!("-{gone}");
    }
    for come in new.lines().filter(|line| !old.lines().any(|other| other == *line)) {
        println!("+{come}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<String, String> {
        let make = |table: Table, server: &str| Ok(format!("{} of {server}\n", table.word()));
        replaced(text, make).map_err(|error| error.to_string())
    }

    #[test]
    fn a_table_is_made_anew_between_its_markers() {
        let text = "a\n<!-- tools:begin x-mcp -->\nold\nolder\n<!-- tools:end -->\nb\n<!-- config:begin -->\n<!-- config:end -->";
        let fresh = "a\n<!-- tools:begin x-mcp -->\ntools of x-mcp\n<!-- tools:end -->\nb\n<!-- config:begin -->\nconfig of \n<!-- config:end -->";
        assert_eq!(check(text).as_deref(), Ok(fresh));
        assert_eq!(check(fresh).as_deref(), Ok(fresh), "twice is once");
    }

    #[test]
    fn a_table_without_an_end_is_told() {
        let error = check("<!-- tools:begin x -->\nold\n<!-- config:end -->\n").unwrap_err();
        assert_eq!(error, "`<!-- tools:begin x -->` has no `<!-- tools:end -->`");
    }
}
