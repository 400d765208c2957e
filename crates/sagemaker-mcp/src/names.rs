//! Names and tags: what makes a start idempotent and its remains findable.
//!
//! Nothing is remembered anywhere but in these names. Whoever asks for the same thing derives the
//! same names; what is there under them was asked for in the same words.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// Tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// Longest name that SageMaker takes.
pub const NAME_LIMIT: usize = 63;

/// Stands in the name of every configuration and model that this server makes, so that lists can
/// be narrowed to them (`NameContains` knows no patterns).
pub const MARK: &str = "-lh-";

/// Tag: the endpoint that a configuration or model was made for.
pub const TAG_ENDPOINT: &str = "longhaul:endpoint";
/// Tag: somebody asked for the end of this endpoint, and when.
pub const TAG_ENDING: &str = "longhaul:ending";
/// Tag: MIME type of a request, from the model's own document.
pub const TAG_CONTENT_TYPE: &str = "longhaul:content-type";
/// Tag: MIME type of an answer, from the model's own document.
pub const TAG_ACCEPT_TYPE: &str = "longhaul:accept-type";
/// Tag: when its owner will no longer need it. Shown, never acted upon.
pub const TAG_EXPIRES: &str = "longhaul:expires-at";
/// Tag: the JumpStart model, as the official SDK writes it.
pub const TAG_MODEL_ID: &str = "sagemaker-sdk:jumpstart-model-id";
/// Tag: the version of the JumpStart model, as the official SDK writes it.
pub const TAG_MODEL_VERSION: &str = "sagemaker-sdk:jumpstart-model-version";
/// Tag: the inference config, as the official SDK writes it.
pub const TAG_INFERENCE_CONFIG: &str = "sagemaker-sdk:jumpstart-inference-config-name";
/// Tag: the tool that made it.
pub const TAG_TOOL: &str = "longhaul:tool";

/// Tags that speak of the endpoint itself, whatever it serves.
pub const OF_THE_ENDPOINT: [&str; 4] = [TAG_ENDPOINT, TAG_ENDING, TAG_EXPIRES, TAG_TOOL];

/// The name of an endpoint that the caller did not name: derived from the caller's own words, so
/// that a repeated call never starts a second one.
#[must_use]
pub fn endpoint_name(model_id: &str, tool: &str, principal: &str, arguments: &impl Serialize) -> String {
    let slug = cut(&slug(model_id), NAME_LIMIT - 11);
    format!("{slug}-{}", digest(&(tool, principal, arguments), 10))
}

/// The name shared by the configuration and the model behind an endpoint: other arguments or
/// another endpoint, another name.
#[must_use]
pub fn parts_name(endpoint: &str, arguments: &impl Serialize) -> String {
    format!("{}{}", parts_prefix(endpoint), digest(&(endpoint, arguments), 12))
}

/// What the names of all configurations and models behind an endpoint begin with. Two long names
/// may share it; the tag tells them apart.
#[must_use]
pub fn parts_prefix(endpoint: &str) -> String {
    format!("{}{MARK}", cut(endpoint, NAME_LIMIT - MARK.len() - 12))
}

/// The tags of what is made for an endpoint.
#[must_use]
pub fn tags(tool: &str, endpoint: &str) -> Tags {
    Tags::from([(TAG_TOOL.to_owned(), tool.to_owned()), (TAG_ENDPOINT.to_owned(), endpoint.to_owned())])
}

/// Why `name` is no name for an endpoint, in SageMaker's own rule
/// (`[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}`).
#[must_use]
pub fn wrong_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("must not be empty");
    }
    if name.len() > NAME_LIMIT {
        return Some("must not be longer than 63 characters");
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Some("may hold letters, digits and hyphens only");
    }
    if name.starts_with('-') || name.ends_with('-') {
        return Some("must begin and end with a letter or a digit");
    }
    None
}

fn slug(text: &str) -> String {
    let mut slug: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    while slug.contains("--") {
        slug = slug.replace("--", "-");
    }
    let slug = slug.trim_matches('-');
    if slug.is_empty() { "endpoint".to_owned() } else { slug.to_owned() }
}

fn cut(name: &str, limit: usize) -> String {
    name.chars().take(limit).collect::<String>().trim_end_matches('-').to_owned()
}

/// So many hex digits of the SHA-256 of a value's JSON, whose object keys are sorted.
fn digest(value: &impl Serialize, digits: usize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default().to_string();
    let hash = Sha256::digest(json.as_bytes());
    hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>().chars().take(digits).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::start::Start;

    #[test]
    fn the_same_words_give_the_same_name_and_other_words_another() {
        let name =
            |principal: &str, model: &str| endpoint_name(model, "deploy", principal, &json!({"model_id": model}));
        assert_eq!(name("local", "pytorch-ic"), name("local", "pytorch-ic"));
        assert_ne!(name("local", "pytorch-ic"), name("alice", "pytorch-ic"));
        assert!(name("local", "pytorch-ic").starts_with("pytorch-ic-"));
    }

    /// These names find what older versions have started. If this fails, a repeated call would
    /// deploy a second time after an upgrade: keep new arguments out of the digest where absent.
    #[test]
    fn derived_names_never_change_from_version_to_version() {
        let start = Start { model_id: "pytorch-ic".into(), instance_count: 1, ..Start::default() };
        assert_eq!(endpoint_name("pytorch-ic", "deploy_jumpstart_model", "local", &start), "pytorch-ic-a2c2455bff");
        assert_eq!(parts_name("llama", &start), "llama-lh-1b7657038653");
    }

    #[test]
    fn the_order_of_arguments_does_not_matter() {
        let first: serde_json::Value = serde_json::from_str(r#"{"a":1,"b":2}"#).unwrap();
        let second: serde_json::Value = serde_json::from_str(r#"{"b":2,"a":1}"#).unwrap();
        assert_eq!(parts_name("e", &first), parts_name("e", &second));
    }

    #[test]
    fn every_derived_name_is_one_that_sagemaker_takes() {
        let long = "x".repeat(300);
        for model in ["a", "--", "A_b.C/d", long.as_str(), "模型", "huggingface-llm-", &format!("{}-", "y".repeat(51))]
        {
            let endpoint = endpoint_name(model, "deploy", "local", &model);
            let parts = parts_name(&endpoint, &model);
            assert_eq!((wrong_name(&endpoint), wrong_name(&parts)), (None, None), "{endpoint} {parts}");
            assert!(parts.starts_with(&parts_prefix(&endpoint)));
        }
    }

    #[test]
    fn long_endpoints_that_begin_alike_do_not_share_their_parts() {
        let (a, b) = (format!("{}a", "x".repeat(62)), format!("{}b", "x".repeat(62)));
        assert_eq!(parts_prefix(&a), parts_prefix(&b));
        assert_ne!(parts_name(&a, &1), parts_name(&b, &1));
    }

    #[test]
    fn what_sagemaker_would_refuse_is_refused_with_the_reason() {
        for wrong in ["", "-a", "a-", "a_b", "a b", "ä", "a\n", &"x".repeat(64), "a;rm -rf", "../x"] {
            assert!(wrong_name(wrong).is_some(), "{wrong:?}");
        }
        for right in ["a", "A1", "a--b", &"x".repeat(63)] {
            assert_eq!(wrong_name(right), None, "{right:?}");
        }
    }
}
