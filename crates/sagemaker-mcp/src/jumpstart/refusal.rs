//! Why a model, a version or a deployment was refused, before anything was sent.

use thiserror::Error;

/// Why there are no requests. Each variant carries what the caller needs to ask again.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// A published document lacks a field that is needed, or has it in the wrong type.
    #[error("the published document is unusable: {field} {why}")]
    Malformed {
        /// Path of the field, spelled as the document spells it.
        field: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The manifest has no such model.
    #[error("no JumpStart model has the id {asked}")]
    UnknownModel {
        /// The id asked for.
        asked: String,
        /// Ids that look like it, best first.
        suggestions: Vec<String>,
    },
    /// The model has no version that fits the request.
    #[error("{model_id} has no version {asked}; it has {}", known.join(", "))]
    UnknownVersion {
        /// The model.
        model_id: String,
        /// The version or pattern asked for.
        asked: String,
        /// Versions that exist, newest first.
        known: Vec<String>,
    },
    /// The publisher has withdrawn this version.
    #[error("{model_id} {version} is deprecated{}", after_colon(message.as_deref()))]
    Deprecated {
        /// The model.
        model_id: String,
        /// Its version.
        version: String,
        /// What the publisher says about it.
        message: Option<String>,
    },
    /// The publisher has flagged this version's inference code as vulnerable.
    #[error("{model_id} {version} has known vulnerabilities{}", after_colon(Some(&packages.join(", "))))]
    Vulnerable {
        /// The model.
        model_id: String,
        /// Its version.
        version: String,
        /// The packages named by the publisher; may be empty.
        packages: Vec<String>,
    },
    /// The model has no inference config of that name.
    #[error("no inference config {asked}; the model has {}", or_none(known))]
    UnknownInferenceConfig {
        /// The name asked for.
        asked: String,
        /// The names it has, best ranked first; empty when it has no configs at all.
        known: Vec<String>,
    },
    /// The publisher does not list the instance type for the chosen inference config.
    #[error("{asked} is not among the supported instance types: {}", supported.join(", "))]
    UnsupportedInstance {
        /// The type asked for.
        asked: String,
        /// The types supported by the chosen config.
        supported: Vec<String>,
        /// Other inference configs of the model that do support it.
        other_configs: Vec<String>,
    },
    /// No container image is published for the instance type in this region.
    #[error("no container image for {instance_type} in {region}; supported are {}", or_none(supported))]
    NoImage {
        /// The type asked for, or the default one.
        instance_type: String,
        /// The region of the document.
        region: String,
        /// The types supported by the chosen config.
        supported: Vec<String>,
    },
    /// At least one end-user licence agreement has not been accepted.
    #[error("{model_id} needs acceptance of {}", eulas.iter().map(MissingEula::to_string).collect::<Vec<_>>().join(" and "))]
    EulaNotAccepted {
        /// The model.
        model_id: String,
        /// Every agreement still to accept, so that one more attempt is enough.
        eulas: Vec<MissingEula>,
    },
    /// The model is sold on AWS Marketplace as a model package.
    #[error("{model_id} is a Marketplace model package{}", after_colon(subscription.as_deref()))]
    Proprietary {
        /// The model.
        model_id: String,
        /// Where to subscribe, when the document says so.
        subscription: Option<String>,
    },
    /// The document describes something that the three requests alone cannot deploy.
    #[error("{model_id} is not deployable: {why}")]
    NotDeployable {
        /// The model.
        model_id: String,
        /// What stands in the way.
        why: String,
    },
    /// An argument is wrong whatever the model.
    #[error("{argument}: {why}")]
    BadArgument {
        /// The argument.
        argument: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// One end-user licence agreement that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the EULA of {of}{}", in_brackets(address.as_deref()))]
pub struct MissingEula {
    /// What it covers: the model's id, or the channel name of an additional source.
    pub of: String,
    /// The [`Wanted`](super::Wanted) field that accepts it: `accept_eula`, or
    /// `accept_additional_eulas` with `of` among its names.
    pub argument: &'static str,
    /// Where to read it, when the document says so.
    pub address: Option<String>,
}

fn after_colon(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).map(|text| format!(": {text}")).unwrap_or_default()
}

fn in_brackets(text: Option<&str>) -> String {
    text.map(|text| format!(" ({text})")).unwrap_or_default()
}

fn or_none(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_eula_is_named_with_its_address() {
        let eula = |of: &str, address: Option<&str>| MissingEula {
            of: of.into(),
            argument: "accept_eula",
            address: address.map(Into::into),
        };
        let refusal = Refusal::EulaNotAccepted {
            model_id: "m".into(),
            eulas: vec![eula("m", Some("https://e/1")), eula("draft", None)],
        };
        assert_eq!(refusal.to_string(), "m needs acceptance of the EULA of m (https://e/1) and the EULA of draft");
    }
}
