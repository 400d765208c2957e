//! `recommend_instance`: which types a model runs on, what they are good for, cost, and may be used.

use std::{cmp::Ordering, collections::BTreeMap, sync::Arc};

use futures_util::{StreamExt, stream};
use longhaul::{
    context::Context,
    fault::Fault,
    report::Next,
    tool::{Class, QuickTool},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PLAN, RECOMMEND, checked_model, checked_version};
use crate::{
    api::Api,
    jumpstart::{Config, Model},
    library,
    price::{self, HourlyUsd},
};

/// So many types are told at most: prices are asked one by one.
const MOST: usize = 24;

/// Prices that are asked for at the same time.
const AT_ONCE: usize = 8;

/// Ranks the instance types that a JumpStart model supports, by the publisher's measurements, with
/// this account's quota and the hourly price. Changes nothing.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecommendInstance {
    /// JumpStart model id.
    #[schemars(length(min = 1, max = 256))]
    pub model_id: String,
    /// Version or pattern. Default: the newest.
    #[schemars(length(max = 32))]
    pub model_version: Option<String>,
    /// What matters. Default: the publisher's own order.
    #[serde(default)]
    pub use_case: UseCase,
    /// Leave out what costs more US dollars an hour.
    #[schemars(range(min = 0, max = 100_000))]
    pub max_hourly_usd: Option<f64>,
}

/// What matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "documented variants become a `oneOf`, which clients understand less than an `enum`")]
pub enum UseCase {
    #[default]
    General,
    HighThroughput,
    LowLatency,
}

/// The types, best first.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Recommended {
    /// The model.
    pub model_id: String,
    /// Its version.
    pub version: String,
    /// The types, best first; those without quota last.
    pub candidates: Vec<Candidate>,
    /// What could not be found out.
    pub unknown: Vec<String>,
    /// The call that plans a deployment on the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
}

/// A type for an inference config.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Candidate {
    /// The type.
    pub instance_type: String,
    /// The inference config that supports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inference_config: Option<String>,
    /// The publisher's default.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub is_default: bool,
    /// Instances that the account may have for endpoints; absent where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<f64>,
    /// What one costs an hour, in US dollars.
    pub hourly_usd: HourlyUsd,
    /// What the publisher has measured.
    pub measured: Vec<String>,
    #[serde(skip)]
    throughput: Option<f64>,
    #[serde(skip)]
    latency: Option<f64>,
}

/// The tool.
pub struct Recommend<A> {
    api: Arc<A>,
}

impl<A: Api> Recommend<A> {
    /// Looks through `api`.
    #[must_use]
    pub fn new(api: Arc<A>) -> Self {
        Self { api }
    }
}

impl<A: Api> QuickTool for Recommend<A> {
    const NAME: &'static str = RECOMMEND;
    const CLASS: Class = Class::Read;
    type Args = RecommendInstance;
    type Output = Recommended;

    fn resource(&self, args: &RecommendInstance) -> String {
        args.model_id.clone()
    }

    async fn call(&self, _: &Context, args: RecommendInstance) -> Result<Recommended, Fault> {
        let id = checked_model(&args.model_id)?;
        checked_version(args.model_version.as_deref())?;
        if args.max_hourly_usd.is_some_and(|most| !(0.0..=100_000.0).contains(&most)) {
            return Err(Fault::invalid("max_hourly_usd", "must be a number from 0 to 100000"));
        }
        let model = library::model(&*self.api, &id, args.model_version.as_deref()).await?;
        let mut unknown = Vec::new();
        let quotas = self.api.endpoint_quotas().await.unwrap_or_else(|error| {
            unknown.push(format!("quotas: {error}"));
            BTreeMap::new()
        });
        let mut ranked = ranked(&model, &quotas, args.use_case);
        let mut prices = Vec::with_capacity(ranked.len());
        for candidate in &ranked {
            prices.push(price::of_type(&*self.api, &candidate.instance_type));
        }
        let prices: Vec<HourlyUsd> = stream::iter(prices).buffered(AT_ONCE).collect().await;
        for (candidate, price) in ranked.iter_mut().zip(prices) {
            candidate.hourly_usd = price;
        }
        if let Some(most) = args.max_hourly_usd {
            ranked.retain(|candidate| candidate.hourly_usd.0.is_none_or(|usd| usd <= most));
            if ranked.iter().any(|candidate| candidate.hourly_usd.0.is_none()) {
                unknown.push("prices: those that are unknown may cost more than max_hourly_usd".to_owned());
            }
        }
        let next = ranked.first().map(|first| planned(&model, first));
        Ok(Recommended { model_id: model.id, version: model.version, candidates: ranked, unknown, next })
    }

    fn sentence(&self, output: &Recommended) -> String {
        match output.candidates.first() {
            Some(first) => {
                format!("{} for {}; candidates: {}.", first.instance_type, output.model_id, output.candidates.len())
            }
            None => format!("No instance type is left for {}.", output.model_id),
        }
    }
}

fn planned(model: &Model, first: &Candidate) -> Next {
    let next = Next::new(PLAN, "Checks a deployment on the first one.")
        .with("model_id", model.id.as_str())
        .with("model_version", model.version.as_str())
        .with("instance_type", first.instance_type.as_str());
    match &first.inference_config {
        Some(config) => next.with("inference_config", config.as_str()),
        None => next,
    }
}

/// All types of all configs, each with the best ranked config that supports it for this use.
fn ranked(model: &Model, quotas: &BTreeMap<String, f64>, use_case: UseCase) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    for candidate in model.configs.iter().flat_map(|config| candidates(config, quotas)) {
        match found.iter_mut().find(|known| known.instance_type == candidate.instance_type) {
            Some(known) if better(&candidate, known, use_case) == Ordering::Less => *known = candidate,
            Some(_) => {}
            None => found.push(candidate),
        }
    }
    // Stable: what is equal stays in the publisher's order.
    found.sort_by(|one, other| {
        let without = |candidate: &Candidate| candidate.quota == Some(0.0);
        without(one).cmp(&without(other)).then_with(|| better(one, other, use_case))
    });
    found.truncate(MOST);
    found
}

fn better(one: &Candidate, other: &Candidate, use_case: UseCase) -> Ordering {
    let known = |one: Option<f64>, other: Option<f64>, less_is_better: bool| match (one, other) {
        (Some(one), Some(other)) if less_is_better => one.total_cmp(&other),
        (Some(one), Some(other)) => other.total_cmp(&one),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    };
    match use_case {
        UseCase::General => other.is_default.cmp(&one.is_default),
        UseCase::HighThroughput => known(one.throughput, other.throughput, false),
        UseCase::LowLatency => known(one.latency, other.latency, true),
    }
}

fn candidates(config: &Config, quotas: &BTreeMap<String, f64>) -> Vec<Candidate> {
    let candidate = |instance_type: &String| {
        let measured = config.benchmarks.get(instance_type).map(Vec::as_slice).unwrap_or_default();
        let values = |name: &str| {
            let named = measured.iter().filter(|benchmark| benchmark.name.eq_ignore_ascii_case(name));
            named
                .filter_map(|benchmark| benchmark.value.parse::<f64>().ok())
                .filter(|value| value.is_finite())
                .collect::<Vec<_>>()
        };
        Candidate {
            instance_type: instance_type.clone(),
            inference_config: config.name.clone(),
            is_default: config.default_instance_type.as_ref() == Some(instance_type),
            quota: quotas.get(instance_type).copied(),
            hourly_usd: HourlyUsd(None),
            measured: measured.iter().map(ToString::to_string).collect(),
            throughput: values("throughput").into_iter().reduce(f64::max),
            latency: values("latency").into_iter().reduce(f64::min),
        }
    };
    config.supported_instance_types.iter().map(candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jumpstart::Region;

    fn model() -> Model {
        let text = include_str!("../../fixtures/gated_chat.spec.json");
        Model::from_spec(text, &Region::new("us-east-1")).unwrap()
    }

    #[test]
    fn the_default_is_first_and_what_has_no_quota_is_last() {
        let model = model();
        let default = model.configs[0].default_instance_type.clone().unwrap();
        let all = ranked(&model, &BTreeMap::new(), UseCase::General);
        assert_eq!(all[0].instance_type, default);
        let without = ranked(&model, &[(default.clone(), 0.0)].into(), UseCase::General);
        assert_eq!(without.last().unwrap().instance_type, default);
        assert_eq!(without.len(), all.len());
    }

    #[test]
    fn the_publishers_measurements_rank_for_the_use() {
        let candidate = |name: &str, throughput, latency| Candidate {
            instance_type: name.into(),
            inference_config: None,
            is_default: false,
            quota: None,
            hourly_usd: HourlyUsd(None),
            measured: vec![],
            throughput,
            latency,
        };
        let (fast, wide, none) = (
            candidate("fast", Some(10.0), Some(0.1)),
            candidate("wide", Some(90.0), Some(2.0)),
            candidate("none", None, None),
        );
        assert_eq!(better(&wide, &fast, UseCase::HighThroughput), Ordering::Less);
        assert_eq!(better(&fast, &wide, UseCase::LowLatency), Ordering::Less);
        assert_eq!(better(&none, &wide, UseCase::LowLatency), Ordering::Greater);
    }
}
