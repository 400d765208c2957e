//! The two models that JumpStart offers here, and its bucket of the region (S3
//! GetObject). The [hub](super::hub) serves the same, so that a reader of one can
//! be compared with a reader of the other.

use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::wire::{self, AwsError};
use super::{GATED_MODEL, OPEN_MODEL};

const EULA: &str = include_str!("../../fixtures/jumpstart/eula.txt");
const EULA_KEYS: [&str; 2] = ["fmhMetadata/eula/simEula.txt", "fmhMetadata/eula/simDraftEula.txt"];

pub(crate) struct Model {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// Newest first.
    pub(crate) versions: &'static [&'static str],
    pub(crate) keywords: &'static [&'static str],
    min_sdk_version: &'static str,
    spec: &'static str,
    pub(crate) document: &'static str,
}

pub(crate) static MODELS: [Model; 2] = [
    Model {
        id: OPEN_MODEL,
        title: "Simulated MobileNet",
        versions: &["2.1.0", "1.0.0"],
        keywords: &["Vision", "Image Classification"],
        min_sdk_version: "2.189.0",
        spec: include_str!("../../fixtures/jumpstart/open.s3.json"),
        document: include_str!("../../fixtures/jumpstart/open.hub.json"),
    },
    Model {
        id: GATED_MODEL,
        title: "Simulated gated text generation 7B",
        versions: &["1.3.0"],
        keywords: &["Text Generation"],
        min_sdk_version: "2.225.0",
        spec: include_str!("../../fixtures/jumpstart/gated.s3.json"),
        document: include_str!("../../fixtures/jumpstart/gated.hub.json"),
    },
];

impl Model {
    /// Only the newest version is supported.
    pub(crate) fn deprecated(&self, version: &str) -> bool {
        self.versions.first() != Some(&version)
    }

    fn spec_key(&self, version: &str) -> String {
        format!("community_models/{}/specs_v{version}.json", self.id)
    }

    pub(crate) fn fill(&self, template: &str, version: &str, region: &str) -> String {
        let deprecated = self.deprecated(version).to_string();
        template.replace("{{version}}", version).replace("{{region}}", region).replace("{{deprecated}}", &deprecated)
    }
}

/// GET of an object, path style: `/{bucket}/{key}`.
pub(crate) fn get_object(path: &str) -> Response {
    let (bucket, key) = path.trim_start_matches('/').split_once('/').unwrap_or((path, ""));
    let fail = |code: &str, status, message: &str| wire::s3_error(AwsError::new(code, status, message), key);
    if bucket.starts_with("jumpstart-private-cache-prod-") {
        return fail("AccessDenied", StatusCode::FORBIDDEN, "Access Denied");
    }
    if !bucket.starts_with("jumpstart-cache-prod-") {
        let message = "The specified bucket does not exist";
        return fail("NoSuchBucket", StatusCode::NOT_FOUND, message);
    }
    match object(key) {
        None => fail("NoSuchKey", StatusCode::NOT_FOUND, "The specified key does not exist."),
        Some(body) => {
            let mut response = wire::respond(StatusCode::OK, "binary/octet-stream", body, None);
            let headers = response.headers_mut();
            headers.insert("etag", HeaderValue::from_static("\"00000000000000000000000000000001\""));
            let modified = HeaderValue::from_static("Thu, 01 Jan 2026 00:00:00 GMT");
            headers.insert("last-modified", modified);
            response
        }
    }
}

fn object(key: &str) -> Option<String> {
    match key {
        "models_manifest.json" => Some(manifest().to_string()),
        "proprietary-sdk-manifest.json" => Some("[]".to_owned()),
        _ if EULA_KEYS.contains(&key) => Some(EULA.to_owned()),
        _ => {
            let versions = |model: &'static Model| model.versions.iter().map(move |v| (model, *v));
            let mut all = MODELS.iter().flat_map(versions);
            let (model, version) = all.find(|(model, version)| model.spec_key(version) == key)?;
            Some(model.fill(model.spec, version, wire::DEFAULT_REGION))
        }
    }
}

fn manifest() -> Value {
    let entry = |model: &'static Model, version: &'static str| {
        json!({
            "model_id": model.id,
            "version": version,
            "min_version": model.min_sdk_version,
            "spec_key": model.spec_key(version),
            "deprecated": model.deprecated(version),
            "provider": "simulated",
            "search_keywords": model.keywords,
        })
    };
    let entries = |model: &'static Model| model.versions.iter().map(move |v| entry(model, v));
    MODELS.iter().flat_map(entries).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_is_json_with_nothing_left_to_fill_in() {
        for model in &MODELS {
            for version in model.versions {
                for template in [model.spec, model.document] {
                    let filled = model.fill(template, version, "eu-west-1");
                    assert!(serde_json::from_str::<Value>(&filled).is_ok(), "{filled}");
                    assert!(!filled.contains("{{"), "{filled}");
                }
            }
        }
    }

    #[test]
    fn the_manifest_names_objects_that_exist() {
        for entry in manifest().as_array().unwrap() {
            let spec = object(entry["spec_key"].as_str().unwrap()).unwrap();
            let spec: Value = serde_json::from_str(&spec).unwrap();
            for field in ["model_id", "version", "deprecated"] {
                assert_eq!(spec[field], entry[field]);
            }
        }
    }
}
