//! Settings: flags over environment over `config.yaml` over defaults.
//!
//! [`load`] is pure: whoever calls it has read the flags, the environment and the file.

mod error;
mod file;
pub(crate) mod flags;
mod keys;
mod kind;
mod ring;
mod secret;
mod settings;
mod show;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub(crate) use error::{ConfigError, ConfigErrors};
pub use keys::Key;
pub(crate) use keys::keys_of;
pub use kind::Kind;
pub(crate) use ring::sealer;
pub use secret::Secret;
pub use settings::{
    Aws, Calls, Format, Gates, Handles, Listen, Logging, NoSettings, OAuth, Observability, Platform, Shared, Transport,
};
pub(crate) use show::{described, show};

/// The environment, as values.
pub(crate) type Environment = BTreeMap<String, String>;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File { file: String, line: u64 },
    Env(String),
    Flag(String),
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { file, line } => write!(f, "{file}:{line}"),
            Self::Env(name) => f.write_str(name),
            Self::Flag(flag) => write!(f, "--{flag}"),
        }
    }
}

/// A flag as it was given.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) path: String,
    pub(crate) flag: String,
    pub(crate) value: Value,
}

/// Where values may come from.
#[derive(Debug, Default)]
pub(crate) struct Sources<'a> {
    pub(crate) flags: Vec<Given>,
    pub(crate) environment: Environment,
    /// Name and text of the file.
    pub(crate) file: Option<(&'a str, &'a str)>,
}

/// What holds, and why.
#[derive(Debug)]
pub(crate) struct Effective {
    values: BTreeMap<String, (Value, Origin)>,
    /// What is suspicious, but no error.
    pub(crate) warnings: Vec<String>,
}

/// Decides every key. All errors are told at once.
pub(crate) fn load(keys: &[Key], section: &str, sources: Sources<'_>) -> Result<Effective, ConfigErrors> {
    let mut errors = Vec::new();
    let mut values: BTreeMap<String, (Value, Origin)> =
        keys.iter().map(|key| (key.path.clone(), (key.default.clone(), Origin::Default))).collect();
    let mut set = |key: &Key, value: Result<Value, String>, origin: Origin| match (value, &key.planned) {
        (Ok(_), Some(feature)) => {
            errors.push(ConfigError::Planned { key: key.path.clone(), origin, feature: feature.clone() })
        }
        (Ok(value), None) => {
            values.insert(key.path.clone(), (value, origin));
        }
        (Err(why), _) => errors.push(ConfigError::wrong(key, origin, why)),
    };

    let mut unknown = Vec::new();
    if let Some((file, text)) = sources.file {
        let is_key = |path: &str| keys.iter().any(|key| key.path == path);
        let is_section =
            |path: &str| keys.iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')));
        for found in
            file::read(text, is_key, is_section).map_err(|why| ConfigError::Yaml { file: file.to_owned(), why })?
        {
            let origin = Origin::File { file: file.to_owned(), line: found.line };
            match keys.iter().find(|key| key.path == found.path) {
                Some(key) => set(key, key.kind.check(found.value), origin),
                None if is_section(&found.path) => unknown.push(ConfigError::NoSection { path: found.path, origin }),
                None => unknown.push(ConfigError::unknown(keys, found.path, origin)),
            }
        }
    }
    for key in keys {
        // `NAME=` is how many tools write "not set".
        if let Some(text) = sources.environment.get(&key.env).filter(|text| !text.is_empty()) {
            set(key, key.kind.read(text), Origin::Env(key.env.clone()));
        }
    }
    for Given { path, flag, value } in sources.flags {
        let Some(key) = keys.iter().find(|key| key.path == path) else { continue };
        let value = value.as_str().map_or_else(|| key.kind.check(value.clone()), |text| key.kind.read(text));
        set(key, value, Origin::Flag(flag));
    }
    errors.extend(unknown);
    if errors.is_empty() {
        Ok(Effective { values, warnings: suspicious(keys, section, &sources.environment) })
    } else {
        Err(ConfigErrors(errors))
    }
}

impl Effective {
    /// What holds for a key, and where it came from.
    pub(crate) fn get(&self, path: &str) -> Option<(&Value, &Origin)> {
        self.values.get(path).map(|(value, origin)| (value, origin))
    }

    /// Where the value of a key came from.
    pub(crate) fn origin(&self, path: &str) -> Origin {
        self.get(path).map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// The settings below `section` as a struct; everything but `except` for an empty section.
    pub(crate) fn read<C: DeserializeOwned>(&self, section: &str, except: &str) -> Result<C, ConfigError> {
        let mut tree = Value::Object(Map::new());
        for (path, (value, _)) in &self.values {
            let own = path.strip_prefix(except).is_some_and(|rest| rest.starts_with('.'));
            let below = if section.is_empty() {
                Some(path.as_str()).filter(|_| !own)
            } else {
                path.strip_prefix(section).and_then(|rest| rest.strip_prefix('.'))
            };
            // Nothing is left to the struct's own default.
            if let (Some(below), false) = (below, value.is_null()) {
                plant(&mut tree, below, value.clone());
            }
        }
        serde_path_to_error::deserialize(tree).map_err(|error| {
            let path =
                if section.is_empty() { error.path().to_string() } else { format!("{section}.{}", error.path()) };
            let origin = self.origin(&path);
            ConfigError::Wrong { key: path, origin, why: error.into_inner().to_string(), hint: None }
        })
    }
}

fn plant(tree: &mut Value, path: &str, value: Value) {
    let Value::Object(members) = tree else { return };
    match path.split_once('.') {
        None => {
            members.insert(path.to_owned(), value);
        }
        Some((first, rest)) => plant(members.entry(first).or_insert_with(|| Value::Object(Map::new())), rest, value),
    }
}

/// Variables that look like ours and are not. Other programs own names with the same beginning
/// (`MCP_TIMEOUT` is a client's), so that only a near miss is worth a word.
fn suspicious(keys: &[Key], section: &str, environment: &Environment) -> Vec<String> {
    let own = format!("{}_", section.to_ascii_uppercase());
    let mut warnings = Vec::new();
    for name in environment.keys().filter(|name| keys.iter().all(|key| key.env != **name)) {
        let least = match name.as_str() {
            "LONGHAUL_CONFIG" => continue,
            name if name.starts_with("LONGHAUL_") => 0.0,
            name if name.starts_with(&own) => 0.5,
            name if name.starts_with("MCP_") || name.starts_with("OAUTH_") => 0.75,
            _ => continue,
        };
        let known = keys.iter().map(|key| key.env.as_str()).chain(["LONGHAUL_CONFIG"]);
        if let Some((nearest, alike)) = error::nearest(name, known)
            && alike >= least
        {
            warnings.push(format!("the environment variable {name} is not known; the nearest is {nearest}"));
        }
    }
    warnings
}

#[cfg(test)]
mod tests;
