//! `check_environment`: who calls AWS from where, and what they may do.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use longhaul::{
    context::Context,
    fault::Fault,
    tool::{Class, QuickTool},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::CHECK;
use crate::{
    api::{Api, Filter, Identity},
    config::Config,
    error::{SageMakerError, Why},
    preflight::{Check, Verdict},
};

/// Accounts have many roles and quotas, and clients give up after 60 s.
const LOOK_LIMIT: Duration = Duration::from_secs(20);

/// What the tools of this server do at AWS.
const ACTIONS: [&str; 16] = [
    "sagemaker:ListEndpoints",
    "sagemaker:DescribeEndpoint",
    "sagemaker:CreateModel",
    "sagemaker:CreateEndpointConfig",
    "sagemaker:CreateEndpoint",
    "sagemaker:UpdateEndpoint",
    "sagemaker:UpdateEndpointWeightsAndCapacities",
    "sagemaker:DeleteEndpoint",
    "sagemaker:AddTags",
    "sagemaker:InvokeEndpoint",
    "sagemaker:DescribeHubContent",
    "iam:PassRole",
    "iam:ListRoles",
    "logs:GetLogEvents",
    "servicequotas:ListServiceQuotas",
    "application-autoscaling:RegisterScalableTarget",
];

/// Checks what this server sees of AWS: identity, region, role candidates, permissions, quotas,
/// proxy and certificates. Changes nothing; call it first when something is refused.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckEnvironment {}

/// What was seen.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Seen {
    /// Whether endpoints can be looked at.
    pub ready: bool,
    /// What was looked at.
    pub checks: Vec<Check>,
    /// The region; empty if none is known.
    pub region: String,
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Roles that SageMaker may assume, for `role_arn`.
    pub role_candidates: Vec<String>,
    /// Permissions of the caller, as far as IAM tells.
    pub permissions: BTreeMap<String, bool>,
    /// Instances that endpoints may have, by type; types without quota are left out.
    pub quotas: BTreeMap<String, f64>,
    /// Proxy and certificate settings of the process.
    pub network: Vec<String>,
}

/// The tool.
pub struct CheckAll<A> {
    api: Arc<A>,
    config: Config,
}

impl<A: Api> CheckAll<A> {
    /// Looks through `api`.
    #[must_use]
    pub fn new(api: Arc<A>, config: Config) -> Self {
        Self { api, config }
    }
}

impl<A: Api> QuickTool for CheckAll<A> {
    const NAME: &'static str = CHECK;
    const CLASS: Class = Class::Read;
    type Args = CheckEnvironment;
    type Output = Seen;

    fn resource(&self, _: &CheckEnvironment) -> String {
        String::new()
    }

    async fn call(&self, _: &Context, _: CheckEnvironment) -> Result<Seen, Fault> {
        let identity = within(self.api.identity()).await;
        let (endpoints, roles, permissions, quotas) = futures_util::join!(
            within(self.endpoints()),
            within(self.api.sagemaker_roles()),
            within(self.permissions(identity.as_ref().ok())),
            within(self.api.endpoint_quotas())
        );
        let region = self.api.region().to_owned();
        let mut checks = Vec::new();
        let told = match &identity {
            Ok(identity) => Ok(format!("{} in account {}", identity.arn, identity.account)),
            Err(error) => Err(error),
        };
        checks.push(needed("identity", told));
        let no_region = SageMakerError::Setting("none is set: AWS_REGION, or `region` in the AWS profile".to_owned());
        checks.push(needed(
            "region",
            match region.as_str() {
                "" => Err(&no_region),
                region => Ok(match &self.config.endpoint_url {
                    Some(url) => format!("{region}, by way of {}", longhaul::text::redact(url)),
                    None => region.to_owned(),
                }),
            },
        ));
        checks.push(needed("endpoints", endpoints.as_ref().map(|()| "can be listed".to_owned())));
        let count = |roles: &Vec<String>| format!("{} that SageMaker may assume", roles.len());
        checks.push(wished("roles", roles.as_ref().map(count)));
        checks.push(wished("permissions", permissions.as_ref().map(denied)));
        let quotas =
            quotas.map(|quotas| quotas.into_iter().filter(|(_, limit)| *limit > 0.0).collect::<BTreeMap<_, _>>());
        checks.push(wished("quotas", quotas.as_ref().map(|quotas| format!("{} instance types", quotas.len()))));
        Ok(Seen {
            ready: checks.iter().all(|check| check.fault.is_none()),
            checks,
            region,
            account: identity.ok().map(|identity| identity.account),
            role_candidates: roles.unwrap_or_default(),
            permissions: permissions.unwrap_or_default(),
            quotas: quotas.unwrap_or_default(),
            network: self.config.network.clone(),
        })
    }

    fn sentence(&self, output: &Seen) -> String {
        let wrong = output.checks.iter().filter(|check| check.verdict != Verdict::Ok);
        let wrong: Vec<String> = wrong.map(|check| format!("{}: {}", check.check, check.message)).collect();
        match (output.ready, wrong.is_empty()) {
            (true, true) => "All is well.".to_owned(),
            (true, false) => format!("Endpoints can be looked at; {}.", wrong.join("; ")),
            (false, _) => format!("Not ready; {}.", wrong.join("; ")),
        }
    }
}

impl<A: Api> CheckAll<A> {
    async fn endpoints(&self) -> Result<(), SageMakerError> {
        self.api.list_endpoints(&Filter { page_size: 1, ..Filter::default() }).await.map(drop)
    }

    async fn permissions(&self, identity: Option<&Identity>) -> Result<BTreeMap<String, bool>, SageMakerError> {
        match identity {
            Some(identity) => self.api.permissions(&identity.arn, &ACTIONS).await,
            None => Err(SageMakerError::Setting("not looked at: it is not known who asks".to_owned())),
        }
    }
}

fn denied(permissions: &BTreeMap<String, bool>) -> String {
    let denied = permissions.iter().filter(|(_, allowed)| !**allowed);
    let denied: Vec<&str> = denied.map(|(action, _)| action.as_str()).collect();
    if denied.is_empty() {
        "none of those looked at is denied".to_owned()
    } else {
        format!("denied: {}", denied.join(", "))
    }
}

/// A look that is over in time for whoever asks, or has told nothing.
async fn within<T>(look: impl Future<Output = Result<T, SageMakerError>>) -> Result<T, SageMakerError> {
    let late = || SageMakerError::Setting(format!("AWS did not answer within {} s", LOOK_LIMIT.as_secs()));
    timeout(LOOK_LIMIT, look).await.unwrap_or_else(|_| Err(late()))
}

/// Without it nothing can be done.
fn needed(check: &str, seen: Result<String, &SageMakerError>) -> Check {
    match seen {
        Ok(message) => Check::ok(check, message),
        Err(error) => {
            let verdict = if error.why() == Some(Why::Unreachable) { Verdict::Unknown } else { Verdict::Blocked };
            let fault = Fault::new(longhaul::fault::FaultCode::Unreachable, told(error));
            Check { verdict, ..Check::blocked(check, fault) }
        }
    }
}

/// Without it less is known.
fn wished(check: &str, seen: Result<String, &SageMakerError>) -> Check {
    seen.map_or_else(|error| Check::unknown(check, told(error)), |message| Check::ok(check, message))
}

/// The error with AWS's own words.
pub(crate) fn told(error: &SageMakerError) -> String {
    match error.said() {
        "" => error.to_string(),
        said => format!("{error}: {}", longhaul::text::clean(said)),
    }
}
