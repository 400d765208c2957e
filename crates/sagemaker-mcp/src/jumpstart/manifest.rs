//! The S3 manifest: which versions of which models exist, and where their specs lie.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::Refusal;
use super::view::{Form, View, malformed};

/// `models_manifest.json` of one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Every version of every model, in the order published.
    pub entries: Vec<Entry>,
    /// How many entries could not be read. One mangled entry must not hide all models.
    pub skipped: usize,
}

/// One version of one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The model's id.
    pub model_id: String,
    /// Its version, `n.n.n`.
    pub version: String,
    /// Key of its spec in the content bucket.
    pub spec_key: String,
    /// Whether the publisher has withdrawn it.
    pub deprecated: bool,
    /// Whether the publisher knows vulnerabilities in its inference code.
    pub vulnerable: bool,
    /// Who published it.
    pub provider: Option<String>,
    /// Words to find it by.
    pub search_keywords: Vec<String>,
}

impl Entry {
    /// Whether its version is the later one. Versions compare as numbers: 10 is newer than 9.
    #[must_use]
    pub fn is_newer_than(&self, other: &Self) -> bool {
        numbers(&self.version) > numbers(&other.version)
    }
}

impl Manifest {
    /// Reads `models_manifest.json`.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] when it is no list.
    pub fn read(text: &str) -> Result<Self, Refusal> {
        let document: Value = serde_json::from_str(text).map_err(|_| malformed("the manifest", "is not JSON"))?;
        let list = document.as_array().ok_or_else(|| malformed("the manifest", "is not a list"))?;
        let entries: Vec<Entry> = list.iter().filter_map(|item| entry(item).ok()).collect();
        Ok(Self { skipped: list.len() - entries.len(), entries })
    }

    /// The entry of a model in the version asked for: see [`choose_version`].
    ///
    /// # Errors
    /// [`Refusal::UnknownModel`] with similar ids, or what [`choose_version`] says.
    pub fn pick(&self, model_id: &str, version: Option<&str>) -> Result<&Entry, Refusal> {
        let mine: Vec<&Entry> = self.entries.iter().filter(|entry| entry.model_id == model_id).collect();
        let unknown = || Refusal::UnknownModel { asked: model_id.to_owned(), suggestions: self.similar(model_id) };
        if mine.is_empty() {
            return Err(unknown());
        }
        let versions = mine.iter().map(|entry| (entry.version.as_str(), entry.deprecated));
        let chosen = choose_version(model_id, version, versions)?;
        mine.into_iter().find(|entry| entry.version == chosen).ok_or_else(unknown)
    }

    /// The versions of a model, newest first.
    #[must_use]
    pub fn versions(&self, model_id: &str) -> Vec<String> {
        let mine = self.entries.iter().filter(|entry| entry.model_id == model_id);
        let mut versions: Vec<&str> = mine.map(|entry| entry.version.as_str()).collect();
        versions.sort_by_key(|version| std::cmp::Reverse(numbers(version)));
        versions.into_iter().map(str::to_owned).collect()
    }

    /// At most five ids that share at least half of the pairs of letters asked for.
    fn similar(&self, asked: &str) -> Vec<String> {
        let asked = pairs(asked);
        let ids: BTreeSet<&str> = self.entries.iter().map(|entry| entry.model_id.as_str()).collect();
        let mut scored: Vec<(usize, usize, &str)> = ids
            .into_iter()
            .map(|id| (pairs(id), id))
            .map(|(pairs, id)| (asked.intersection(&pairs).count(), id.len(), id))
            .filter(|(shared, ..)| *shared > 0 && shared * 2 >= asked.len())
            .collect();
        scored.sort_by_key(|(shared, length, id)| (std::cmp::Reverse(*shared), *length, *id));
        scored.into_iter().take(5).map(|(.., id)| id.to_owned()).collect()
    }
}

fn pairs(id: &str) -> BTreeSet<(char, char)> {
    let id = id.to_ascii_lowercase();
    id.chars().zip(id.chars().skip(1)).collect()
}

fn entry(item: &Value) -> Result<Entry, Refusal> {
    let view = View::of(Form::Spec, "", item)?;
    Ok(Entry {
        model_id: view.needed_text("model_id")?,
        version: view.needed_text("version")?,
        spec_key: view.needed_text("spec_key")?,
        deprecated: view.flag("deprecated")?.unwrap_or(false),
        vulnerable: view.flag("inference_vulnerable")?.unwrap_or(false),
        provider: view.text("provider")?,
        search_keywords: view.texts("search_keywords")?,
    })
}

/// The version that a request means, among `(version, deprecated)` pairs.
///
/// Nothing or `*` is the newest, `1.*` the newest that begins with `1.`, anything else exactly
/// that version. Versions compare as numbers: 10 is newer than 9. A pattern passes over
/// deprecated versions; who names one gets it.
///
/// # Errors
/// [`Refusal::BadArgument`] for a malformed pattern, [`Refusal::UnknownVersion`] with the known
/// ones, [`Refusal::Deprecated`] when the pattern fits deprecated versions only.
pub fn choose_version<'a>(
    model_id: &str,
    asked: Option<&str>,
    available: impl IntoIterator<Item = (&'a str, bool)>,
) -> Result<&'a str, Refusal> {
    let wanted = Pattern::parse(asked.unwrap_or("*"))?;
    let known: BTreeMap<Vec<u64>, (&str, bool)> =
        available.into_iter().filter_map(|found| Some((numbers(found.0)?, found))).collect();
    let fitting = || known.iter().rev().filter(|(numbers, _)| wanted.fits(numbers)).map(|(_, found)| *found);
    let chosen = fitting().find(|(_, deprecated)| !deprecated || matches!(wanted, Pattern::Exactly(_)));
    match (chosen, fitting().next()) {
        (Some((version, _)), _) => Ok(version),
        (None, Some((version, _))) => {
            Err(Refusal::Deprecated { model_id: model_id.to_owned(), version: version.to_owned(), message: None })
        }
        (None, None) => Err(Refusal::UnknownVersion {
            model_id: model_id.to_owned(),
            asked: asked.unwrap_or("*").to_owned(),
            known: known.values().rev().map(|(version, _)| (*version).to_owned()).collect(),
        }),
    }
}

enum Pattern {
    BeginsWith(Vec<u64>),
    Exactly(Vec<u64>),
}

impl Pattern {
    fn parse(asked: &str) -> Result<Self, Refusal> {
        let parsed = match asked.strip_suffix('*') {
            Some("") => Some(Self::BeginsWith(Vec::new())),
            Some(prefix) => prefix.strip_suffix('.').and_then(numbers).map(Self::BeginsWith),
            None => numbers(asked).map(Self::Exactly),
        };
        parsed.ok_or_else(|| Refusal::BadArgument {
            argument: "version",
            why: format!("{asked:?} is neither a version like 1.2.3 nor a pattern like 1.*"),
        })
    }

    fn fits(&self, version: &[u64]) -> bool {
        match self {
            Self::BeginsWith(prefix) => version.starts_with(prefix),
            Self::Exactly(numbers) => version == numbers,
        }
    }
}

fn numbers(version: &str) -> Option<Vec<u64>> {
    version.split('.').map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = include_str!("../../fixtures/manifest.json");

    #[track_caller]
    fn check(asked: Option<&str>, expected: Result<&str, &str>) {
        let manifest = Manifest::read(MANIFEST).unwrap();
        let got = manifest.pick("acme-chat-rocket", asked);
        match expected {
            Ok(version) => assert_eq!(got.map(|entry| entry.version.as_str()), Ok(version)),
            Err(message) => assert_eq!(got.unwrap_err().to_string(), message),
        }
    }

    #[test]
    fn nothing_or_a_star_is_the_newest_by_number_that_is_not_deprecated() {
        check(None, Ok("1.10.0"));
        check(Some("*"), Ok("1.10.0"));
    }

    #[test]
    fn a_pattern_is_compared_number_by_number() {
        check(Some("1.*"), Ok("1.10.0"));
        check(Some("1.9.*"), Ok("1.9.3"));
    }

    #[test]
    fn an_exact_version_is_given_even_if_deprecated() {
        check(Some("1.9.3"), Ok("1.9.3"));
        check(Some("2.0.0"), Ok("2.0.0"));
    }

    #[test]
    fn a_pattern_that_fits_only_deprecated_versions_is_refused() {
        check(Some("2.*"), Err("acme-chat-rocket 2.0.0 is deprecated"));
    }

    #[test]
    fn an_unknown_version_is_refused_with_the_known_ones_newest_first() {
        check(Some("3.*"), Err("acme-chat-rocket has no version 3.*; it has 2.0.0, 1.10.0, 1.9.3"));
        check(Some("1.1"), Err("acme-chat-rocket has no version 1.1; it has 2.0.0, 1.10.0, 1.9.3"));
    }

    #[test]
    fn a_malformed_pattern_is_a_bad_argument() {
        for asked in ["", "1*", "latest", ".*", "1.*.2", "1.-2.0"] {
            let why = format!("version: {asked:?} is neither a version like 1.2.3 nor a pattern like 1.*");
            check(Some(asked), Err(&why));
        }
    }

    #[test]
    fn flags_are_kept_and_mangled_entries_are_counted() {
        let manifest = Manifest::read(MANIFEST).unwrap();
        let entry = manifest.pick("acme-chat-rocket", Some("1.9.3")).unwrap();
        assert_eq!((entry.deprecated, entry.vulnerable, manifest.skipped), (false, true, 2));
    }

    #[test]
    fn an_unknown_model_is_refused_with_similar_ids() {
        let manifest = Manifest::read(MANIFEST).unwrap();
        for (asked, found) in [("chat-rocket", "acme-chat-rocket"), ("acme-tabular-ozk", "acme-tabular-oak")] {
            let suggestions = vec![found.to_owned()];
            let refusal = Refusal::UnknownModel { asked: asked.into(), suggestions };
            assert_eq!(manifest.pick(asked, None), Err(refusal));
        }
    }

    #[test]
    fn a_manifest_that_is_no_list_is_refused() {
        for text in ["{}", "nonsense"] {
            assert!(matches!(Manifest::read(text), Err(Refusal::Malformed { .. })));
        }
    }
}
