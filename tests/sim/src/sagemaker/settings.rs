//! How a simulator starts, and what can be changed while it runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::script::Script;
use super::timeline::{self, Step};
use crate::faults::Fault;

/// How a simulator starts, and what a reset goes back to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The port on loopback; 0 lets the system choose.
    pub port: u16,
    /// What can be changed while it runs.
    pub settings: Tuning,
    /// What the first matching endpoints do.
    pub scripts: Vec<Script>,
    /// What goes wrong first.
    pub faults: Vec<Fault>,
}

/// What can be changed while a simulator runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tuning {
    /// Simulated seconds in a real one.
    pub time_factor: f64,
    /// How long an endpoint is Creating, or Updating, in simulated seconds.
    pub create_seconds: f64,
    /// How long it is Deleting, in simulated seconds.
    pub delete_seconds: f64,
    /// What a new endpoint goes through, in place of `create_seconds`.
    pub timeline: Option<Vec<Step>>,
    /// The reason of a failure on that timeline.
    pub failure_reason: Option<String>,
    /// For how many simulated seconds reads do not see what was created.
    pub eventual_consistency_seconds: f64,
    /// How many instances of a type endpoints may use; unlimited when none, or as
    /// good as.
    pub endpoint_quota: Option<u64>,
    /// The same for single types, before `endpoint_quota`.
    pub instance_quotas: BTreeMap<String, u64>,
    /// The instance types of which AWS has none left: deployments fall to the next
    /// of their instance pools, or fail.
    pub no_capacity: Vec<String>,
    /// How many roles SageMaker may assume.
    pub sagemaker_roles: u32,
    /// More roles, by name, with the service that may assume each.
    pub roles: BTreeMap<String, String>,
    /// What SimulatePrincipalPolicy denies: `s3:GetObject`, `s3:*`, or for one user
    /// or role only, `SageMakerExec s3:*`. Nothing else is refused for it.
    pub denied_actions: Vec<String>,
    /// The account's number.
    pub account_id: String,
    /// Who calls, for STS; a user of the account when none.
    pub caller_arn: Option<String>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            time_factor: 1.0,
            create_seconds: 900.0,
            delete_seconds: 120.0,
            timeline: None,
            failure_reason: None,
            eventual_consistency_seconds: 0.0,
            endpoint_quota: None,
            instance_quotas: BTreeMap::new(),
            no_capacity: Vec::new(),
            sagemaker_roles: 1,
            roles: BTreeMap::new(),
            denied_actions: Vec::new(),
            account_id: "123456789012".to_owned(),
            caller_arn: None,
        }
    }
}

impl Tuning {
    /// Who calls, for STS.
    pub(super) fn caller(&self) -> String {
        let user = || format!("arn:aws:iam::{}:user/longhaul-sim", self.account_id);
        self.caller_arn.clone().unwrap_or_else(user)
    }

    /// Says what is wrong with it.
    pub(super) fn check(&self) -> Result<(), String> {
        if !(self.time_factor > 0.0 && self.time_factor.is_finite()) {
            return Err("time_factor must be greater than 0".to_owned());
        }
        self.timeline.as_deref().map_or(Ok(()), timeline::check)
    }
}
