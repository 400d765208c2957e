//! [`EndpointHandle`]: which endpoint, and what it is to become.

use std::time::{Duration, SystemTime};

use longhaul::clock;
use serde::{Deserialize, Serialize};

use crate::api::EndpointSeen;

/// Which endpoint, and what it is to become. Names only; travels in task ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointHandle {
    /// Its name.
    pub name: String,
    /// Its ARN; empty where it was not visible yet.
    pub arn: String,
    /// When it was created, Unix milliseconds: with the name its identity. `None` where it was
    /// not visible yet.
    pub created_ms: Option<u64>,
    /// When this handle was made, Unix milliseconds.
    pub begun_ms: u64,
    /// What it is to become.
    pub goal: Goal,
}

/// What an endpoint is to become.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// In service.
    InService(Serving),
    /// No more, nor the parts behind it.
    Gone {
        /// What goes with it.
        parts: Parts,
    },
    /// As it is: only what a removal would remove is told.
    Shown {
        /// What would go with it.
        parts: Parts,
    },
}

/// How an endpoint is to serve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serving {
    /// Name of the configuration.
    pub config: String,
    /// When the endpoint had last changed before it was asked to change, Unix milliseconds: as
    /// long as it shows that time, the change is not visible yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_ms: Option<u64>,
    /// What a success tells, where that is not the endpoint's state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<String>,
    /// Whether this very start created it. Of what was only joined its task can end the creation,
    /// and nothing that has served.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub created_here: bool,
    /// The variant that is to have so many instances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<(String, u32)>,
}

impl Serving {
    /// With this configuration.
    #[must_use]
    pub fn new(config: &str) -> Self {
        Self { config: config.to_owned(), before_ms: None, told: None, created_here: false, instances: None }
    }
}

impl Goal {
    /// In service, with this configuration.
    #[must_use]
    pub fn in_service(config: &str) -> Self {
        Self::InService(Serving::new(config))
    }
}

/// What stands behind an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Names of its configurations: the one that it serves, and those that earlier starts have left.
    pub configs: Vec<String>,
    /// Names of its models.
    pub models: Vec<String>,
    /// What this server did not make and leaves alone, with what it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
}

impl Parts {
    /// Whether there is nothing to remove.
    #[must_use]
    pub fn nothing(&self) -> bool {
        self.configs.is_empty() && self.models.is_empty()
    }
}

impl EndpointHandle {
    /// The handle of an endpoint that was seen.
    #[must_use]
    pub fn of(seen: &EndpointSeen, goal: Goal) -> Self {
        Self {
            name: seen.name.clone(),
            arn: seen.arn.clone(),
            created_ms: Some(millis(seen.created)),
            begun_ms: millis(clock::now()),
            goal,
        }
    }

    /// Since when what it is about is under way: an endpoint's coming into service since its
    /// creation, a change or a removal since it was asked for.
    #[must_use]
    pub fn since(&self) -> SystemTime {
        let since_ms = match &self.goal {
            Goal::InService(Serving { before_ms: None, .. }) => self.created_ms.unwrap_or(self.begun_ms),
            Goal::InService(_) | Goal::Gone { .. } | Goal::Shown { .. } => self.begun_ms,
        };
        SystemTime::UNIX_EPOCH + Duration::from_millis(since_ms)
    }

    /// The handle of an endpoint that is not visible, yet or any more.
    #[must_use]
    pub fn unseen(name: &str, goal: Goal) -> Self {
        Self { name: name.to_owned(), arn: String::new(), created_ms: None, begun_ms: millis(clock::now()), goal }
    }
}

/// Names with what they are, for people.
#[must_use]
pub fn named(endpoint: Option<&str>, parts: &Parts) -> Vec<String> {
    let endpoint = endpoint.map(|name| format!("endpoint {name}"));
    let configs = parts.configs.iter().map(|name| format!("endpoint-config {name}"));
    let models = parts.models.iter().map(|name| format!("model {name}"));
    endpoint.into_iter().chain(configs).chain(models).collect()
}

/// Milliseconds since 1970: SageMaker's times have no finer digits.
#[must_use]
pub fn millis(at: SystemTime) -> u64 {
    at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
