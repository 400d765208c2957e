//! `describe_jumpstart_model`: what JumpStart publishes of one model.

use std::{collections::BTreeMap, sync::Arc};

use longhaul::{
    context::Context,
    fault::Fault,
    report::Next,
    tool::{Class, QuickTool},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DESCRIBE_MODEL, PLAN, checked_model, checked_version};
use crate::{
    api::Api,
    jumpstart::{Config, Model},
    library,
};

/// So many versions are told, newest first.
const VERSIONS: usize = 12;

/// Describes one SageMaker JumpStart model: versions, instance types, licence, inference configs
/// with the publisher's measurements, and example requests. To choose an instance type use
/// recommend_instance.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DescribeJumpStartModel {
    /// JumpStart model id.
    #[schemars(length(min = 1, max = 256))]
    pub model_id: String,
    /// Version or pattern. Default: the newest.
    #[schemars(length(max = 32))]
    pub model_version: Option<String>,
}

/// A model.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DescribedModel {
    /// Its id.
    pub model_id: String,
    /// The version described here.
    pub version: String,
    /// Its versions, newest first; empty where the list could not be read.
    pub versions: Vec<String>,
    /// The publisher has withdrawn this version.
    pub deprecated: bool,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Its licence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// What the publisher wants to be read before use.
    pub notices: Vec<String>,
    /// The ways to serve it, best ranked first.
    pub configs: Vec<DescribedConfig>,
    /// The call that plans its deployment.
    pub next: Next,
}

/// One way to serve a model.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct DescribedConfig {
    /// Its name; a model with one way to serve it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inference_config: Option<String>,
    /// The instance type that it is deployed on by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_instance_type: Option<String>,
    /// The instance types that the publisher supports.
    pub instance_types: Vec<String>,
    /// Licences to accept: the argument that accepts it, and where to read it.
    pub eulas: BTreeMap<String, String>,
    /// The publisher knows vulnerabilities in it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub vulnerable: bool,
    /// Names of example requests, for create_inference_payload.
    pub presets: Vec<String>,
    /// MIME type of a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// What the publisher has measured, by instance type.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(default)]
    pub measured: BTreeMap<String, Vec<String>>,
}

/// The tool.
pub struct DescribeModel<A> {
    api: Arc<A>,
}

impl<A: Api> DescribeModel<A> {
    /// Looks through `api`.
    #[must_use]
    pub fn new(api: Arc<A>) -> Self {
        Self { api }
    }
}

impl<A: Api> QuickTool for DescribeModel<A> {
    const NAME: &'static str = DESCRIBE_MODEL;
    const CLASS: Class = Class::Read;
    type Args = DescribeJumpStartModel;
    type Output = DescribedModel;

    fn resource(&self, args: &DescribeJumpStartModel) -> String {
        args.model_id.clone()
    }

    async fn call(&self, _: &Context, args: DescribeJumpStartModel) -> Result<DescribedModel, Fault> {
        let id = checked_model(&args.model_id)?;
        checked_version(args.model_version.as_deref())?;
        let model = library::model(&*self.api, &id, args.model_version.as_deref()).await?;
        // A courtesy: the hub describes a model without the list.
        let versions = library::manifest(&*self.api).await.map(|manifest| manifest.versions(&id)).unwrap_or_default();
        Ok(described(model, versions))
    }

    fn sentence(&self, output: &DescribedModel) -> String {
        format!("{} {}: ways to serve it: {}.", output.model_id, output.version, output.configs.len())
    }
}

fn described(model: Model, versions: Vec<String>) -> DescribedModel {
    let next = Next::new(PLAN, "Checks a deployment and shows its price.")
        .with("model_id", model.id.as_str())
        .with("model_version", model.version.as_str());
    DescribedModel {
        versions: versions.into_iter().take(VERSIONS).collect(),
        deprecated: model.deprecated,
        task: model.task,
        license: model.license,
        notices: model.notices,
        configs: model.configs.into_iter().map(described_config).collect(),
        model_id: model.id,
        version: model.version,
        next,
    }
}

fn described_config(config: Config) -> DescribedConfig {
    let address = |address: Option<String>| address.unwrap_or_else(|| "no address is published".to_owned());
    let own = config.eula.map(|eula| ("accept_eula".to_owned(), address(eula.address)));
    let others = config.additional_sources.into_iter().filter_map(|source| {
        Some((format!("accept_additional_eulas: {}", source.channel), address(source.eula?.address)))
    });
    DescribedConfig {
        inference_config: config.name,
        default_instance_type: config.default_instance_type,
        instance_types: config.supported_instance_types,
        eulas: own.into_iter().chain(others).collect(),
        vulnerable: config.vulnerable,
        presets: config.payloads.into_iter().map(|payload| payload.name).collect(),
        content_type: config.content_type,
        measured: config
            .benchmarks
            .into_iter()
            .map(|(instance_type, measured)| {
                (instance_type, measured.into_iter().map(|benchmark| benchmark.to_string()).collect())
            })
            .collect(),
    }
}
