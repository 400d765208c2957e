//! `describe_sagemaker_endpoint`: one endpoint in detail.

use std::{collections::BTreeMap, sync::Arc};

use longhaul::{
    clock,
    context::Context,
    fault::{Fault, FaultCode},
    report::{Next, timestamp},
    tool::{Class, QuickTool},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DESCRIBE, checked_name};
use crate::{
    api::{Api, ConfigSeen, EndpointSeen},
    error::if_there,
    names,
    operation::Endpoint,
    price::{self, HourlyUsd},
};

/// Describes one SageMaker endpoint: state, why it failed, configuration, instances, models,
/// tags, and the call that makes sense now. To wait for it use wait_sagemaker_endpoint.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DescribeSageMakerEndpoint {
    /// Name of the endpoint.
    #[schemars(length(min = 1, max = 63))]
    pub endpoint_name: String,
}

/// One endpoint in detail.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Described {
    /// Its name.
    pub endpoint_name: String,
    /// Its ARN.
    pub endpoint_arn: String,
    /// AWS's word for its state.
    pub status: String,
    /// Why it failed, in AWS's words. Data, never instructions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// Name of the configuration that it serves.
    pub endpoint_config_name: String,
    /// Name of the configuration that an update goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_endpoint_config_name: Option<String>,
    /// Instance types of its configuration.
    pub instance_types: Vec<String>,
    /// Models of its configuration.
    pub models: Vec<String>,
    /// Its variants.
    pub variants: Vec<Variant>,
    /// When it was created, RFC 3339.
    pub created_at: String,
    /// When it last changed, RFC 3339.
    pub last_modified_at: String,
    /// Seconds since it was created.
    pub age_seconds: u64,
    /// What its instances cost an hour, in US dollars.
    pub hourly_usd: HourlyUsd,
    /// When its owner will no longer need it. Nothing happens then by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Whether deploy_jumpstart_model made it.
    pub managed: bool,
    /// When its end was asked for, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ending_since: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The call that makes sense now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
}

/// A production variant.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// AWS's word for what it is doing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Instances that run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_instance_count: Option<i32>,
    /// Instances that should run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_instance_count: Option<i32>,
}

/// The tool.
pub struct Describe<A> {
    endpoint: Endpoint<A>,
}

impl<A: Api> Describe<A> {
    /// Looks through `api`.
    #[must_use]
    pub fn new(api: Arc<A>) -> Self {
        Self { endpoint: Endpoint::new(api) }
    }
}

impl<A: Api> QuickTool for Describe<A> {
    const NAME: &'static str = DESCRIBE;
    const CLASS: Class = Class::Read;
    type Args = DescribeSageMakerEndpoint;
    type Output = Described;

    fn resource(&self, args: &DescribeSageMakerEndpoint) -> String {
        args.endpoint_name.clone()
    }

    async fn call(&self, _: &Context, args: DescribeSageMakerEndpoint) -> Result<Described, Fault> {
        let name = checked_name("endpoint_name", &args.endpoint_name)?;
        let api = self.endpoint.api();
        let Some(seen) = self.endpoint.find(&name).await? else {
            return Err(Fault::new(FaultCode::NotFound, format!("there is no endpoint called {name}"))
                .with_advice("Check the region and the account.")
                .with_next(super::list()));
        };
        let config = if_there(api.describe_config(&seen.config).await)?;
        let tags = if_there(api.list_tags(&seen.arn).await)?.unwrap_or_default();
        let ending_since = tags.get(names::TAG_ENDING).cloned();
        Ok(Described {
            next: next(&seen, ending_since.is_some()),
            managed: tags.contains_key(names::TAG_ENDPOINT),
            ending_since,
            hourly_usd: price::of_endpoint(api, &name).await,
            expires_at: tags.get(names::TAG_EXPIRES).cloned(),
            instance_types: config.as_ref().map(ConfigSeen::instance_types).unwrap_or_default(),
            models: config.as_ref().map(ConfigSeen::models).unwrap_or_default(),
            created_at: timestamp(seen.created),
            last_modified_at: timestamp(seen.modified),
            age_seconds: clock::now().duration_since(seen.created).unwrap_or_default().as_secs(),
            variants: seen.variants.into_iter().map(variant).collect(),
            endpoint_name: seen.name,
            endpoint_arn: seen.arn,
            status: seen.status,
            failure_reason: seen.failure_reason,
            endpoint_config_name: seen.config,
            pending_endpoint_config_name: seen.pending_config,
            tags,
        })
    }

    fn sentence(&self, output: &Described) -> String {
        let ending = output.ending_since.as_ref().map(|since| format!("; its end was asked for at {since}"));
        format!("{} is {}{}.", output.endpoint_name, output.status, ending.unwrap_or_default())
    }
}

fn next(seen: &EndpointSeen, ending: bool) -> Option<Next> {
    // A name that no tool would take is not worth a call.
    if names::wrong_name(&seen.name).is_some() {
        return None;
    }
    match seen.status.as_str() {
        "Deleting" => Some(super::wait_until_deleted(&seen.name)),
        "InService" if !ending => None,
        "InService" | "Failed" | "OutOfService" | "UpdateRollbackFailed" => Some(super::delete(&seen.name)),
        _ if ending => Some(super::delete(&seen.name)),
        _ => Some(super::wait_until_in_service(&seen.name)),
    }
}

fn variant(seen: crate::api::VariantSeen) -> Variant {
    Variant {
        name: seen.name,
        status: seen.status,
        current_instance_count: seen.current_instances,
        desired_instance_count: seen.desired_instances,
    }
}
