//! What exists: models, endpoint configurations, endpoints and their tags, logs,
//! scalable targets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Tuning;
use super::endpoint::Endpoint;
use super::log_store::LogStore;
use super::scaling::Scaling;
use super::script::{On, Script};
use super::wire::{AwsError, partition};
use crate::clock::{Clock, Moment};

/// The kinds of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) enum Kind {
    Model,
    EndpointConfig,
    Endpoint,
}

impl Kind {
    /// The word in an ARN.
    fn arn_word(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::EndpointConfig => "endpoint-config",
            Self::Endpoint => "endpoint",
        }
    }

    /// The word in an error message.
    fn word(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::EndpointConfig => "endpoint configuration",
            Self::Endpoint => "endpoint",
        }
    }

    fn of_arn(arn: &str) -> Option<Self> {
        let word = arn.split(':').nth(5)?.split('/').next()?;
        let kinds = [Self::Model, Self::EndpointConfig, Self::Endpoint];
        kinds.into_iter().find(|kind| kind.arn_word() == word)
    }
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// What every resource has.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) region: String,
    /// The order of creation.
    pub(crate) seq: u64,
    pub(crate) created: Moment,
    pub(crate) tags: Vec<Tag>,
    /// The request that created it.
    pub(crate) request: Map<String, Value>,
}

/// How many of each kind were created since the start or the last reset.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Created {
    pub(crate) models: u64,
    pub(crate) endpoint_configs: u64,
    pub(crate) endpoints: u64,
}

/// Everything that a SageMaker account holds, in all regions.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) tuning: Tuning,
    pub(crate) scripts: Vec<Script>,
    pub(crate) models: BTreeMap<String, Record>,
    pub(crate) configs: BTreeMap<String, Record>,
    pub(crate) endpoints: BTreeMap<String, Endpoint>,
    pub(crate) logs: LogStore,
    pub(crate) scaling: Scaling,
    pub(crate) created: Created,
    seq: u64,
}

impl World {
    pub(crate) fn new(tuning: Tuning, scripts: Vec<Script>) -> Self {
        Self {
            clock: Clock::new(tuning.time_factor),
            tuning,
            scripts,
            models: BTreeMap::new(),
            configs: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            logs: LogStore::default(),
            scaling: Scaling::default(),
            created: Created::default(),
            seq: 0,
        }
    }

    /// Simulated seconds since the start.
    pub(crate) fn now(&self) -> f64 {
        self.clock.now().simulated
    }

    /// Removes the endpoints whose timeline has ended.
    pub(crate) fn sweep(&mut self) {
        let now = self.now();
        self.endpoints.retain(|_, endpoint| endpoint.position(now).is_some());
    }

    /// A resource's ARN; names differ in it by more than case.
    pub(crate) fn arn(&self, kind: Kind, region: &str, name: &str) -> String {
        format!(
            "arn:{}:sagemaker:{region}:{}:{}/{}",
            partition(region),
            self.tuning.account_id,
            kind.arn_word(),
            name.to_lowercase()
        )
    }

    /// Notes a creation and makes the record of it.
    ///
    /// # Errors
    ///
    /// When the name is taken.
    pub(crate) fn record(
        &mut self,
        kind: Kind,
        region: &str,
        name: &str,
        tags: Vec<Tag>,
        request: Map<String, Value>,
    ) -> Result<Record, AwsError> {
        let arn = self.arn(kind, region, name);
        if self.holds(&arn).is_some() {
            return Err(AwsError::validation(format!("Cannot create already existing {} \"{arn}\".", kind.word())));
        }
        let count = match kind {
            Kind::Model => &mut self.created.models,
            Kind::EndpointConfig => &mut self.created.endpoint_configs,
            Kind::Endpoint => &mut self.created.endpoints,
        };
        *count += 1;
        let seq = self.next_seq();
        Ok(Record {
            name: name.to_owned(),
            arn,
            region: region.to_owned(),
            seq,
            created: self.clock.now(),
            tags,
            request,
        })
    }

    /// A number that was not given before.
    pub(crate) fn next_seq(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    fn holds(&self, arn: &str) -> Option<&Record> {
        let endpoint = || self.endpoints.get(arn).map(|endpoint| &endpoint.record);
        self.models.get(arn).or_else(|| self.configs.get(arn)).or_else(endpoint)
    }

    /// Whether reads see it yet: they lag behind creations by the time set for
    /// eventual consistency.
    pub(crate) fn visible(&self, record: &Record) -> bool {
        self.sees(record.created.simulated)
    }

    /// Whether reads see what was done at a simulated moment.
    pub(crate) fn sees(&self, at: f64) -> bool {
        self.now() - at >= self.tuning.eventual_consistency_seconds
    }

    /// The record that an ARN names, where reads see it.
    pub(crate) fn find(&self, arn: &str) -> Result<&Record, AwsError> {
        let seen = self.holds(arn).filter(|record| self.visible(record));
        seen.ok_or_else(|| {
            let word = Kind::of_arn(arn).map_or("resource", Kind::word);
            AwsError::validation(format!("Could not find {word} \"{arn}\"."))
        })
    }

    /// The tags that an ARN's resource has.
    pub(crate) fn tags_mut(&mut self, arn: &str) -> Result<&mut Vec<Tag>, AwsError> {
        self.find(arn)?;
        let record = match Kind::of_arn(arn) {
            Some(Kind::Model) => self.models.get_mut(arn),
            Some(Kind::EndpointConfig) => self.configs.get_mut(arn),
            Some(Kind::Endpoint) => self.endpoints.get_mut(arn).map(|e| &mut e.record),
            None => None,
        };
        let missing = || AwsError::validation(format!("Could not find resource \"{arn}\"."));
        record.map(|record| &mut record.tags).ok_or_else(missing)
    }

    /// An endpoint by its ARN, where reads see it.
    pub(crate) fn endpoint(&self, arn: &str) -> Result<&Endpoint, AwsError> {
        self.find(arn)?;
        let missing = || AwsError::validation(format!("Could not find endpoint \"{arn}\"."));
        self.endpoints.get(arn).ok_or_else(missing)
    }

    /// The script for what an endpoint does next, counted as used.
    pub(crate) fn take_script(&mut self, on: On, name: &str) -> Option<Script> {
        let matches = |s: &&mut Script| s.on == on && (s.endpoint == "*" || s.endpoint == name);
        let script = self.scripts.iter_mut().find(matches)?;
        let taken = script.clone();
        script.times -= i64::from(script.times > 0);
        self.scripts.retain(|script| script.times != 0);
        Some(taken)
    }
}
