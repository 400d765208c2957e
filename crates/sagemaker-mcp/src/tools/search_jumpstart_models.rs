//! `search_jumpstart_models`: which models JumpStart has in this region.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use longhaul::{
    context::Context,
    fault::Fault,
    tool::{Class, QuickTool},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::SEARCH;
use crate::{
    api::Api,
    jumpstart::{Entry, Manifest},
    library,
};

/// The list changes some times a day, and has some megabytes.
const FRESH: Duration = Duration::from_secs(600);

/// Finds SageMaker JumpStart models of this region by words in id, provider or keywords. For one
/// model in detail use describe_jumpstart_model.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchJumpStartModels {
    /// Words that must all fit. Default: all models.
    #[serde(default)]
    #[schemars(length(max = 256))]
    pub query: String,
    /// Only those of this provider, for example meta.
    #[schemars(length(max = 64))]
    pub provider: Option<String>,
    /// Also withdrawn and vulnerable ones.
    #[serde(default)]
    pub include_deprecated: bool,
    /// Size of a page.
    #[serde(default = "twenty")]
    #[schemars(range(min = 1, max = 100))]
    pub max_results: u32,
    /// `cursor` of the page before.
    #[schemars(length(max = 16))]
    pub cursor: Option<String>,
}

fn twenty() -> u32 {
    20
}

/// A page of models.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Found {
    /// The models.
    pub models: Vec<FoundModel>,
    /// How many fit in all.
    pub total: usize,
    /// Where the next page begins, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A model in a list, in its newest version.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FoundModel {
    /// Its id.
    pub model_id: String,
    /// Its version.
    pub version: String,
    /// Who publishes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// What it is found by.
    pub keywords: Vec<String>,
    /// The publisher has withdrawn it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub deprecated: bool,
    /// The publisher knows vulnerabilities in it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub vulnerable: bool,
}

/// The tool.
pub struct Search<A> {
    api: Arc<A>,
    known: Mutex<Option<(Instant, Arc<Manifest>)>>,
}

impl<A: Api> Search<A> {
    /// Looks through `api`.
    #[must_use]
    pub fn new(api: Arc<A>) -> Self {
        Self { api, known: Mutex::default() }
    }

    async fn manifest(&self) -> Result<Arc<Manifest>, Fault> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, manifest)) = &*known()
            && at.elapsed() < FRESH
        {
            return Ok(manifest.clone());
        }
        let manifest = Arc::new(library::manifest(&*self.api).await?);
        *known() = Some((Instant::now(), manifest.clone()));
        Ok(manifest)
    }
}

impl<A: Api> QuickTool for Search<A> {
    const NAME: &'static str = SEARCH;
    const CLASS: Class = Class::Read;
    type Args = SearchJumpStartModels;
    type Output = Found;

    fn resource(&self, args: &SearchJumpStartModels) -> String {
        args.query.clone()
    }

    async fn call(&self, _: &Context, args: SearchJumpStartModels) -> Result<Found, Fault> {
        if !(1..=100).contains(&args.max_results) {
            return Err(Fault::invalid("max_results", "must be from 1 to 100"));
        }
        if args.query.len() > 256 {
            return Err(Fault::invalid("query", "must be at most 256 bytes"));
        }
        let odd = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '&'));
        if args.provider.as_ref().is_some_and(|provider| provider.len() > 64 || provider.contains(odd)) {
            return Err(Fault::invalid("provider", "must be a name such as meta, at most 64 bytes"));
        }
        let start = match args.cursor.as_deref().map(str::trim).filter(|cursor| !cursor.is_empty()) {
            None => 0,
            Some(cursor) => {
                cursor.parse().map_err(|_| Fault::invalid("cursor", "must be the `cursor` of the page before"))?
            }
        };
        let manifest = self.manifest().await?;
        let found = search(&manifest, &args);
        let (total, size) = (found.len(), args.max_results as usize);
        let end = usize::saturating_add(start, size);
        let models = found.into_iter().skip(start).take(size).collect();
        Ok(Found { models, total, cursor: (end < total).then(|| end.to_string()) })
    }

    fn sentence(&self, output: &Found) -> String {
        format!("Models that fit: {}, shown: {}.", output.total, output.models.len())
    }
}

/// The newest version of each model that fits, ids that begin with the first word before others.
fn search(manifest: &Manifest, args: &SearchJumpStartModels) -> Vec<FoundModel> {
    let mut newest: BTreeMap<&str, &Entry> = BTreeMap::new();
    for entry in &manifest.entries {
        if !args.include_deprecated && (entry.deprecated || entry.vulnerable) {
            continue;
        }
        let known = newest.entry(&entry.model_id).or_insert(entry);
        if entry.is_newer_than(known) {
            *known = entry;
        }
    }
    let query = args.query.to_lowercase();
    let words: Vec<&str> = query.split_whitespace().collect();
    let provider = args.provider.as_deref().map(str::trim).filter(|provider| !provider.is_empty());
    let fits = |entry: &Entry| {
        let own = entry.provider.as_deref().unwrap_or_default();
        let text = format!("{} {own} {}", entry.model_id, entry.search_keywords.join(" ")).to_lowercase();
        provider.is_none_or(|asked| own.eq_ignore_ascii_case(asked)) && words.iter().all(|word| text.contains(word))
    };
    let mut found: Vec<&Entry> = newest.into_values().filter(|entry| fits(entry)).collect();
    // Whoever writes an id means that model; then what has the words in its id.
    found.sort_by_key(|entry| {
        let id = entry.model_id.to_lowercase();
        (id != query, !words.iter().all(|word| id.contains(word)))
    });
    found.into_iter().map(shown).collect()
}

fn shown(entry: &Entry) -> FoundModel {
    FoundModel {
        model_id: entry.model_id.clone(),
        version: entry.version.clone(),
        provider: entry.provider.clone(),
        keywords: entry.search_keywords.iter().take(12).cloned().collect(),
        deprecated: entry.deprecated,
        vulnerable: entry.vulnerable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = include_str!("../../fixtures/manifest.json");

    #[track_caller]
    fn check(query: &str, deprecated: bool, found: &[(&str, &str)]) {
        let manifest = Manifest::read(MANIFEST).unwrap();
        let args = SearchJumpStartModels {
            query: query.into(),
            include_deprecated: deprecated,
            max_results: 20,
            ..Default::default()
        };
        let models = search(&manifest, &args);
        let models: Vec<_> = models.iter().map(|model| (model.model_id.as_str(), model.version.as_str())).collect();
        assert_eq!(models, found, "{query}");
    }

    #[test]
    fn all_words_must_fit_and_the_newest_version_is_shown() {
        check("ROCKET chat", false, &[("acme-chat-rocket", "1.10.0")]);
        check("rocket", true, &[("acme-chat-rocket", "2.0.0")]);
        check("no such thing", true, &[]);
    }
}
