//! The settings of this server.

use std::time::Duration;

use longhaul::{operation::Pace, tool::Terms};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of `sagemaker-mcp`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// AWS region; the AWS profile's own if absent. A server has it from its shared settings.
    #[serde(skip)]
    pub region: Option<String>,
    /// The account that the credentials must belong to. A server has it from its shared settings.
    #[serde(skip)]
    pub account_id: Option<String>,
    /// Send all AWS requests there: a simulator or a private endpoint.
    #[schemars(extend("x-env" = "AWS_ENDPOINT_URL", "x-flag" = "endpoint-url"))]
    pub endpoint_url: Option<String>,
    /// Role that SageMaker runs models with, unless a call names another.
    pub role_arn: Option<String>,
    /// Seconds from one look at an endpoint to the next.
    #[schemars(range(min = 1, max = 3600))]
    pub poll_seconds: u64,
    /// Seconds that a call with progress follows an endpoint. The endpoint itself goes on.
    #[schemars(range(min = 1, max = 86400))]
    pub timeout_seconds: u64,
    /// Seconds that looks may fail in a row before an endpoint's state counts as unknown.
    #[schemars(range(min = 1, max = 86400))]
    pub patience_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            region: None,
            account_id: None,
            endpoint_url: None,
            role_arn: None,
            poll_seconds: 30,
            timeout_seconds: 1800,
            patience_seconds: 300,
        }
    }
}

impl Config {
    /// How operations are followed.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let pace = Pace {
            every: Duration::from_secs(self.poll_seconds),
            patience: Duration::from_secs(self.patience_seconds),
            ..Pace::default()
        };
        Terms { pace, timeout: Duration::from_secs(self.timeout_seconds) }
    }
}
