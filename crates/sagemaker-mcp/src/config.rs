//! The settings of this server.

use std::time::Duration;

use longhaul::{operation::Pace, tool::Terms};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::SageMakerError;

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
    /// Proxy and certificate settings of the process, for `check_environment`.
    #[serde(skip)]
    pub network: Vec<String>,
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
            network: Vec::new(),
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

    /// Refuses what AWS would refuse later, and less clearly.
    ///
    /// # Errors
    /// The setting that is wrong, and what would be right.
    pub fn checked(&self) -> Result<(), SageMakerError> {
        let wrong = |why: String| Err(SageMakerError::Setting(why));
        let digits = |account: &String| account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        if let Some(account) = self.account_id.as_ref().filter(|account| !digits(account)) {
            return wrong(format!("aws.account_id (AWS_ACCOUNT_ID) is {account:?}; an account has twelve digits"));
        }
        let is_role = |role: &String| role.starts_with("arn:aws") && role.contains(":role/");
        if let Some(role) = self.role_arn.as_ref().filter(|role| !is_role(role)) {
            let right = "arn:aws:iam::123456789012:role/SageMaker";
            return wrong(format!("sagemaker.role_arn (SAGEMAKER_ROLE_ARN) is {role:?}; a role is like {right}"));
        }
        let is_url = |url: &String| {
            reqwest::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        };
        if let Some(url) = self.endpoint_url.as_ref().filter(|url| !is_url(url)) {
            let url = longhaul::text::redact(url);
            return wrong(format!(
                "sagemaker.endpoint_url (AWS_ENDPOINT_URL) is {url:?}; it is like http://127.0.0.1:8080"
            ));
        }
        Ok(())
    }
}
