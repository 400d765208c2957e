//! What a deployment needs to know of a model, whichever document it comes from.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Benchmark, Payload, Region};

/// A JumpStart model in one region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Model {
    /// Its id, e.g. `pytorch-ic-mobilenet-v2`.
    pub id: String,
    /// Its version, `n.n.n`.
    pub version: String,
    /// The region whose images and artifacts are named below.
    pub region: Region,
    /// Whether the publisher has withdrawn this version. The hub says so outside the
    /// document (`SupportStatus`), so whoever reads the hub sets it.
    pub deprecated: bool,
    /// What the publisher says about the withdrawal.
    pub deprecated_message: Option<String>,
    /// Where to subscribe to a Marketplace model.
    pub subscription_link: Option<String>,
    /// What it is for, e.g. `Text Generation`; only the hub tells.
    pub task: Option<String>,
    /// Its licence, by name.
    pub license: Option<String>,
    /// What the publisher wants to be read before use.
    pub notices: Vec<String>,
    /// The ways to serve it, best ranked first; never empty. A model without inference
    /// configs has one without a name.
    pub configs: Vec<Config>,
}

/// One way to serve a model: an inference config with its components laid over the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Config {
    /// Its name, e.g. `lmi-optimized`.
    pub name: Option<String>,
    /// The instance type used when none is asked for.
    pub default_instance_type: Option<String>,
    /// The types that the publisher has tried; empty when the document does not say.
    pub supported_instance_types: Vec<String>,
    /// What is special to an instance type (`ml.g5.xlarge`) or a family (`g5`).
    pub variants: BTreeMap<String, Variant>,
    /// Image for types that no variant covers; only the hub has one.
    pub fallback_image: Option<String>,
    /// Environment of the container, without what the variants add.
    pub environment: BTreeMap<String, String>,
    /// The model's artifact.
    pub artifact: Artifact,
    /// The agreement to accept before the artifact can be read.
    pub eula: Option<Eula>,
    /// Further data, such as a draft model.
    pub additional_sources: Vec<AdditionalSource>,
    /// Whether the container is cut off from the network.
    pub network_isolation: bool,
    /// Size of the EBS volume.
    pub volume_gb: Option<u32>,
    /// How long the artifact may take to arrive, in seconds.
    pub download_timeout_s: Option<u32>,
    /// How long the container may take to become healthy, in seconds.
    pub startup_timeout_s: Option<u32>,
    /// Whether the publisher knows vulnerabilities in the inference code.
    pub vulnerable: bool,
    /// The packages that hold them.
    pub vulnerabilities: Vec<String>,
    /// Example requests.
    pub payloads: Vec<Payload>,
    /// What the publisher has measured, by instance type.
    pub benchmarks: BTreeMap<String, Vec<Benchmark>>,
    /// MIME type of a request, unless the caller says otherwise.
    pub content_type: Option<String>,
    /// MIME type of an answer, unless the caller says otherwise.
    pub accept_type: Option<String>,
    /// Whether it is a Marketplace model package instead of image and artifact.
    pub model_package: bool,
    /// Whether its inference script lies apart from its artifact.
    pub separate_script: bool,
}

/// What is special to one instance type or family.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Variant {
    /// Its container image.
    pub image: Option<String>,
    /// Its additions to the environment.
    pub environment: BTreeMap<String, String>,
    /// Its own artifact, e.g. one compiled for the accelerator.
    pub artifact: Artifact,
    /// Whether it is a Marketplace model package.
    pub model_package: bool,
}

/// Where an artifact lies, as `s3://…`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Artifact {
    /// With the inference script inside; preferred.
    pub prepacked: Option<String>,
    /// Without it.
    pub plain: Option<String>,
}

/// An end-user licence agreement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Eula {
    /// Where to read it over HTTPS, when the document says so.
    pub address: Option<String>,
}

/// Data besides the model's artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdditionalSource {
    /// Name of its channel, e.g. `draft_model`.
    pub channel: String,
    /// Where it lies; absent where its provider has no bucket in the region.
    pub uri: Option<String>,
    /// `S3Prefix` or `S3Object`.
    pub data_type: String,
    /// `None` or `Gzip`.
    pub compression: String,
    /// Its own agreement: a draft model's licence is not the main model's.
    pub eula: Option<Eula>,
}
