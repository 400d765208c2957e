//! The three requests of a deployment, named as the SageMaker API names them.
//!
//! Serialised, each struct is the JSON body of its operation. A field is left out
//! exactly where the API's default is meant. There is no `Debug` outside tests: an
//! environment may hold the caller's tokens.

use std::collections::BTreeMap;

use serde::Serialize;

/// What deploys one model, in the order of sending.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(Debug))]
pub struct Requests {
    /// `CreateModel`.
    pub model: CreateModel,
    /// `CreateModel` for the instance pools whose container is another.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pool_models: Vec<CreateModel>,
    /// `CreateEndpointConfig`.
    pub config: CreateEndpointConfig,
    /// `CreateEndpoint`.
    pub endpoint: CreateEndpoint,
    /// What the caller should know although it does not stand in the way.
    pub warnings: Vec<String>,
}

/// Parameters of `CreateModel`.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(Debug))]
#[serde(rename_all = "PascalCase")]
pub struct CreateModel {
    /// Name of the new model.
    pub model_name: String,
    /// Role that the containers run as.
    pub execution_role_arn: String,
    /// The only container.
    pub primary_container: Container,
    /// Whether the container is cut off from the network.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub enable_network_isolation: bool,
    /// The caller's tags, then JumpStart's.
    pub tags: Vec<Tag>,
}

/// A container, its environment and its data.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(Debug))]
#[serde(rename_all = "PascalCase")]
pub struct Container {
    /// Image in ECR.
    pub image: String,
    /// Environment variables; at most 100.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Address of an open tarball; the other form of `model_data_source`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_data_url: Option<String>,
    /// Artifact as a prefix, or as a tarball under a EULA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_data_source: Option<ModelDataSource>,
    /// Further data, such as a draft model; at most 5.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additional_model_data_sources: Vec<Channel>,
}

/// Where an artifact lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelDataSource {
    /// The place in S3.
    #[serde(rename = "S3DataSource")]
    pub s3_data_source: S3DataSource,
}

/// Further data, seen by the container below `/opt/ml/additional-model-data-sources`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Channel {
    /// Name of its folder.
    pub channel_name: String,
    /// The place in S3.
    pub s3_data_source: S3DataSource,
}

/// A place in S3 and how to read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct S3DataSource {
    /// `s3://…`.
    pub s3_uri: String,
    /// `S3Prefix` or `S3Object`.
    pub s3_data_type: String,
    /// `None` or `Gzip`.
    pub compression_type: String,
    /// Present exactly where a EULA exists and was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_access_config: Option<ModelAccessConfig>,
}

/// The acceptance of a EULA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ModelAccessConfig {
    /// Never false here: a EULA that is not accepted is a refusal.
    pub accept_eula: bool,
}

/// Parameters of `CreateEndpointConfig`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateEndpointConfig {
    /// Name of the new endpoint config.
    pub endpoint_config_name: String,
    /// The only variant.
    pub production_variants: [ProductionVariant; 1],
    /// The caller's tags, then JumpStart's.
    pub tags: Vec<Tag>,
}

/// The instances that serve the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProductionVariant {
    /// `AllTraffic`.
    pub variant_name: String,
    /// Name of the model.
    pub model_name: String,
    /// 1.
    pub initial_variant_weight: u8,
    /// Number of instances.
    pub initial_instance_count: u32,
    /// Their type; absent where there are pools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_type: Option<String>,
    /// Types to be tried in this order where AWS has no capacity; at most 5.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instance_pools: Vec<InstancePool>,
    /// Size of the EBS volume, where the instance family takes one. The rule for that knows
    /// the families of 2026-08; if SageMaker objects to the field, send the request without.
    #[serde(rename = "VolumeSizeInGB", skip_serializing_if = "Option::is_none")]
    pub volume_size_in_gb: Option<u32>,
    /// How long the artifact may take to arrive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_data_download_timeout_in_seconds: Option<u32>,
    /// How long the container may take to become healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_startup_health_check_timeout_in_seconds: Option<u32>,
}

impl ProductionVariant {
    /// The type that is tried first.
    #[must_use]
    pub fn first_type(&self) -> &str {
        let pooled = || self.instance_pools.first().map(|pool| pool.instance_type.as_str());
        self.instance_type.as_deref().or_else(pooled).unwrap_or_default()
    }
}

/// One instance type among several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct InstancePool {
    /// The type.
    pub instance_type: String,
    /// 1 is tried first.
    pub priority: u8,
    /// Its own model, where it needs another image, environment or artifact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_name_override: Option<String>,
}

/// Parameters of `CreateEndpoint`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateEndpoint {
    /// Name of the new endpoint.
    pub endpoint_name: String,
    /// Name of its config.
    pub endpoint_config_name: String,
    /// The caller's tags, then JumpStart's.
    pub tags: Vec<Tag>,
}

/// A tag of a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    /// Its name, once per resource.
    pub key: String,
    /// Its value.
    pub value: String,
}
