//! The command line, built from the keys.

use std::{ffi::OsString, path::PathBuf};

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, builder::StyledStr, parser::ValueSource};
use serde_json::Value;

use super::{Given, Key, Kind};

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) mode: Mode,
    pub(crate) config: Option<PathBuf>,
    pub(crate) given: Vec<Given>,
}

/// What the process is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Serve,
    PrintConfig,
    /// The list of tools as JSON, for generated documents. Every tool, whatever is allowed.
    PrintTools,
    /// The settings as JSON, for generated documents.
    PrintKeys,
    Check,
}

/// Who is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) about: &'static str,
}

const AFTER: &str = "\
Flags win over environment variables, these over the configuration file, and that over the defaults.
The file is the one that --config or LONGHAUL_CONFIG names; none is looked for. Secrets have no flag,
since other users of the machine can read the flags of a process.";

/// Reads the command line. The error is also what `--help` and `--version` answer.
pub(crate) fn parse(
    about: About,
    keys: &[Key],
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Asked, clap::Error> {
    let matches = command(about, keys).try_get_matches_from(arguments)?;
    let modes = [
        ("print-config", Mode::PrintConfig),
        ("print-tools", Mode::PrintTools),
        ("print-config-keys", Mode::PrintKeys),
        ("check", Mode::Check),
    ];
    let mode = modes.into_iter().find(|(flag, _)| matches.get_flag(flag)).map_or(Mode::Serve, |(_, mode)| mode);
    let given = keys.iter().flat_map(|key| given(key, &matches)).collect();
    Ok(Asked { mode, config: matches.get_one::<PathBuf>("config").cloned(), given })
}

fn given(key: &Key, matches: &ArgMatches) -> Vec<Given> {
    let by = |flag: &str, value: Value| Given { path: key.path.clone(), flag: flag.to_owned(), value };
    let plain = key.flag.as_deref().and_then(|flag| {
        let text = matches.get_one::<String>(&key.path)?;
        Some(by(flag, Value::from(text.as_str())))
    });
    let short = key
        .shortcuts
        .iter()
        .filter(|(flag, _)| matches.value_source(flag) == Some(ValueSource::CommandLine) && matches.get_flag(flag));
    plain.into_iter().chain(short.map(|(flag, value)| by(flag, value.clone()))).collect()
}

fn command(about: About, keys: &[Key]) -> Command {
    let mut command = Command::new(about.name)
        .bin_name(about.name)
        .version(about.version)
        .about(about.about)
        .after_help(AFTER)
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .help("Configuration file (YAML) [env: LONGHAUL_CONFIG]"),
        )
        .arg(switch("print-config").help("Shows the settings that hold and where each comes from, and ends"))
        .arg(
            switch("check")
                .help("Shows what the process sees, tries the backend, and ends; exit code 1 if something fails"),
        )
        .arg(switch("print-tools").help("Prints all tools as JSON, and ends"))
        .arg(switch("print-config-keys").help("Prints all settings as JSON, and ends"))
        .group(ArgGroup::new("mode").args(["print-config", "print-tools", "print-config-keys", "check"]));
    for key in keys {
        let Some(flag) = &key.flag else { continue };
        let mut members = vec![key.path.clone()];
        command = command.arg(argument(key, flag));
        for (shortcut, value) in &key.shortcuts {
            let help = format!("Short for --{flag} {}", value.as_str().unwrap_or_default());
            command = command.arg(switch(shortcut).help(help).help_heading(heading(key)));
            members.push(shortcut.clone());
        }
        command = command.group(ArgGroup::new(format!("{}?", key.path)).args(members));
    }
    command
}

fn argument(key: &Key, flag: &str) -> Arg {
    let argument = Arg::new(key.path.clone())
        .long(flag.to_owned())
        .value_name(key.kind.placeholder())
        .help(help(key))
        .help_heading(heading(key))
        .allow_negative_numbers(true);
    if key.kind == Kind::Switch {
        argument.num_args(0..=1).require_equals(true).default_missing_value("true")
    } else {
        argument
    }
}

fn switch(name: &str) -> Arg {
    Arg::new(name.to_owned()).long(name.to_owned()).action(ArgAction::SetTrue)
}

fn heading(key: &Key) -> String {
    format!("Settings: {}", key.section())
}

fn help(key: &Key) -> StyledStr {
    let about = key.about.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let default = key.default.as_str().map_or_else(|| key.default.to_string(), str::to_owned);
    let default = match default.as_str() {
        "" | "null" | "[]" => String::new(),
        default => format!(" [default: {default}]"),
    };
    let planned = key.planned.as_ref().map(|_| " (not in this version yet)").unwrap_or_default();
    format!("{about}{planned} [env: {}]{default}", key.env).into()
}
