//! What both servers are asked and what they answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Answers with the text it was given.
/// Not for starting anything: that is `deploy`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EchoArgs {
    /// The text.
    pub text: String,
}

/// What `echo` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Echo {
    /// The text.
    pub text: String,
}

/// Deploys a model and follows its endpoint until it is in service.
/// Not for looking at one that is there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeployArgs {
    /// Name of the endpoint.
    pub endpoint_name: String,
    /// Instance type.
    pub instance_type: Option<String>,
}

/// What a deployment brings.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Ready {
    /// Name of the endpoint.
    pub endpoint_name: String,
    /// Its configuration.
    pub config: String,
}
