//! Why the settings are not good.

use std::{fmt, io};

use thiserror::Error;

use super::{Key, Origin};

/// Why a setting is not good.
#[derive(Debug, Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration file {file}: {source}; give another with --config, or none")]
    File { file: String, source: io::Error },
    #[error("{file} is not good YAML: {why}")]
    Yaml { file: String, why: String },
    #[error("{path} ({origin}) is not a setting; {nearest}")]
    Unknown { path: String, origin: Origin, nearest: String },
    #[error("{path} ({origin}) is a section and has settings below it, no value")]
    NoSection { path: String, origin: Origin },
    #[error("{key} ({origin}) {why}{}", .hint.map(|hint| format!(" ({hint})")).unwrap_or_default())]
    Wrong { key: String, origin: Origin, why: String, hint: Option<&'static str> },
    #[error("{key} ({origin}) belongs to {feature}, which this version does not have yet; remove it")]
    Planned { key: String, origin: Origin, feature: String },
}

impl ConfigError {
    pub(super) fn wrong(key: &Key, origin: Origin, why: String) -> Self {
        let hint = (matches!(origin, Origin::Env(_)) && why.contains("`tcp://")).then_some(
            "Kubernetes sets this variable where a Service has such a name: `enableServiceLinks: false` stops it",
        );
        let why = if key.secret { format!("must be {}", key.kind.allowed()) } else { why };
        Self::Wrong { key: key.path.clone(), origin, why, hint }
    }

    pub(super) fn unknown(keys: &[Key], path: String, origin: Origin) -> Self {
        let sections = keys.iter().map(Key::section);
        let names = keys.iter().map(|key| key.path.as_str()).chain(sections);
        let nearest = match nearest(&path, names) {
            Some((nearest, _)) => format!("the nearest is {nearest}"),
            None => "there are none".to_owned(),
        };
        Self::Unknown { path, origin, nearest }
    }
}

/// The known name most like `name`, and how alike they are, from 0 to 1.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<(&'a str, f64)> {
    known
        .filter(|known| !known.is_empty())
        .map(|known| {
            let alike = strsim::normalized_damerau_levenshtein(name, known);
            // Who leaves the end out means the whole, however long that is.
            (known, if known.starts_with(name) { 0.9 + alike / 10.0 } else { alike })
        })
        .max_by(|(_, one), (_, other)| one.total_cmp(other))
}

/// Everything that is not good, told at once.
#[derive(Debug)]
pub(crate) struct ConfigErrors(pub(crate) Vec<ConfigError>);

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
