//! What this crate uses of AWS, and nothing else: the seam that tests replace.

mod aws;
mod surroundings;

use std::{future::Future, time::SystemTime};

pub use crate::names::Tags;
pub use aws::Aws;
pub use surroundings::{Invocation, Invoked, LogLine, LogPage, LogSearch, Scaling, Surroundings};

use crate::{
    error::SageMakerError,
    jumpstart::{CreateEndpoint, CreateEndpointConfig, CreateModel},
};

type Answer<T> = Result<T, SageMakerError>;

/// An endpoint as `DescribeEndpoint` shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointSeen {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// AWS's word for its state; also words that nobody knows yet.
    pub status: String,
    /// Name of the configuration that it serves.
    pub config: String,
    /// Name of the configuration that an update in progress goes to.
    pub pending_config: Option<String>,
    /// When it was created. With the name this is its identity.
    pub created: SystemTime,
    /// When its state last changed.
    pub modified: SystemTime,
    /// Why it failed, in AWS's words. Untrusted.
    pub failure_reason: Option<String>,
    /// Its production variants.
    pub variants: Vec<VariantSeen>,
}

/// A production variant of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariantSeen {
    /// Its name.
    pub name: String,
    /// AWS's word for what it is doing, if it is doing something.
    pub status: Option<String>,
    /// Instances that run.
    pub current_instances: Option<i32>,
    /// Instances that should run.
    pub desired_instances: Option<i32>,
    /// The types of its pools that have instances, with their number; empty where it has no pools.
    pub instance_types: Vec<(String, u32)>,
}

/// An endpoint configuration as `DescribeEndpointConfig` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigSeen {
    /// Its ARN.
    pub arn: String,
    /// Its production variants.
    pub variants: Vec<ConfigVariant>,
}

/// A production variant of an endpoint configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigVariant {
    /// Its name.
    pub name: String,
    /// The models that it names: its own, then those of its pools.
    pub models: Vec<String>,
    /// Its instance type, or those of its pools, preferred ones first.
    pub instance_types: Vec<String>,
    /// Instances to begin with.
    pub instance_count: u32,
}

impl ConfigSeen {
    /// The models that it names, each once.
    #[must_use]
    pub fn models(&self) -> Vec<String> {
        each_once(self.variants.iter().flat_map(|variant| variant.models.iter()))
    }

    /// The instance types that it names, each once.
    #[must_use]
    pub fn instance_types(&self) -> Vec<String> {
        each_once(self.variants.iter().flat_map(|variant| variant.instance_types.iter()))
    }
}

fn each_once<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(name) {
            seen.push(name.clone());
        }
    }
    seen
}

/// One line of a list of endpoints, configurations or models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// AWS's word for its state; empty for configurations and models, which have none.
    pub status: String,
    /// When it was created.
    pub created: SystemTime,
    /// When it last changed, where the list tells.
    pub modified: Option<SystemTime>,
}

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The lines.
    pub items: Vec<Listed>,
    /// Where the next page begins.
    pub cursor: Option<String>,
}

/// What a list is narrowed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Part of the name: letters, digits and hyphens.
    pub name_contains: Option<String>,
    /// One of AWS's words for a state.
    pub status: Option<String>,
    /// Created after this.
    pub created_after: Option<SystemTime>,
    /// 1 to 100.
    pub page_size: u32,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// Who calls AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Account number.
    pub account: String,
    /// ARN of the caller.
    pub arn: String,
}

/// A JumpStart model's document as a hub holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubDocument {
    /// Its version.
    pub version: String,
    /// The document, JSON in a string.
    pub text: String,
    /// Whether the publisher has withdrawn it.
    pub deprecated: bool,
}

/// Two kinds of resource that stand behind an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// An endpoint configuration.
    Config,
    /// A model.
    Model,
}

/// AWS, as far as it is used. Each call is bounded in time, and retried where that is safe.
///
/// Every method answers [`Why::Missing`](crate::error::Why::Missing) for what is not there.
pub trait Api: Surroundings {
    /// Where everything happens, for example `us-east-2`; empty if it is not known.
    fn region(&self) -> &str;

    /// `DescribeEndpoint`.
    fn describe_endpoint(&self, name: &str) -> impl Future<Output = Answer<EndpointSeen>> + Send;
    /// `DescribeEndpointConfig`.
    fn describe_config(&self, name: &str) -> impl Future<Output = Answer<ConfigSeen>> + Send;
    /// `DescribeModel`; its ARN.
    fn describe_model(&self, name: &str) -> impl Future<Output = Answer<String>> + Send;
    /// `ListEndpoints`, newest first.
    fn list_endpoints(&self, filter: &Filter) -> impl Future<Output = Answer<Page>> + Send;
    /// `ListEndpointConfigs` or `ListModels`, newest first.
    fn list_parts(&self, kind: PartKind, filter: &Filter) -> impl Future<Output = Answer<Page>> + Send;
    /// `ListTags`.
    fn list_tags(&self, arn: &str) -> impl Future<Output = Answer<Tags>> + Send;

    /// `CreateModel`.
    fn create_model(&self, request: &CreateModel) -> impl Future<Output = Answer<()>> + Send;
    /// `CreateEndpointConfig`.
    fn create_config(&self, request: &CreateEndpointConfig) -> impl Future<Output = Answer<()>> + Send;
    /// `CreateEndpoint`.
    fn create_endpoint(&self, request: &CreateEndpoint) -> impl Future<Output = Answer<()>> + Send;
    /// `UpdateEndpoint`: from what it serves to another configuration.
    fn update_endpoint(&self, name: &str, config: &str) -> impl Future<Output = Answer<()>> + Send;
    /// `UpdateEndpointWeightsAndCapacities` of one variant.
    fn set_instance_count(&self, name: &str, variant: &str, count: u32) -> impl Future<Output = Answer<()>> + Send;
    /// `AddTags`.
    fn add_tags(&self, arn: &str, tags: &Tags) -> impl Future<Output = Answer<()>> + Send;
    /// `DeleteTags`, of one.
    fn remove_tag(&self, arn: &str, key: &str) -> impl Future<Output = Answer<()>> + Send;
    /// `DeleteEndpoint`.
    fn delete_endpoint(&self, name: &str) -> impl Future<Output = Answer<()>> + Send;
    /// `DeleteEndpointConfig` or `DeleteModel`.
    fn delete_part(&self, kind: PartKind, name: &str) -> impl Future<Output = Answer<()>> + Send;

    /// `sts:GetCallerIdentity`.
    fn identity(&self) -> impl Future<Output = Answer<Identity>> + Send;
    /// ARNs of the roles that SageMaker may assume, by `iam:ListRoles`.
    fn sagemaker_roles(&self) -> impl Future<Output = Answer<Vec<String>>> + Send;
    /// `DescribeHubContent` of a model in the public hub; the newest version if none is named.
    fn hub_document(&self, model_id: &str, version: Option<&str>) -> impl Future<Output = Answer<HubDocument>> + Send;
    /// An object of a public JumpStart bucket, as text.
    fn public_object(&self, bucket: &str, key: &str) -> impl Future<Output = Answer<String>> + Send;
}
