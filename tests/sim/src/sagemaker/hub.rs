//! JumpStart's public hub: DescribeHubContent, ListHubContents,
//! ListHubContentVersions.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Scope;
use super::input::Input;
use super::jumpstart::{MODELS, Model};
use super::listing::{self, Item};
use super::wire::{AwsError, partition};

const PUBLIC_HUB: &str = "SageMakerPublicHub";
const TYPES: [&str; 5] = ["Model", "Notebook", "ModelReference", "DataSet", "JsonDoc"];
const SORT_KEYS: [&str; 3] = ["HubContentName", "CreationTime", "HubContentStatus"];
/// When everything in it was published.
const PUBLISHED: f64 = 1_767_225_600.0;

pub(crate) fn describe(scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let models = models(input)?;
    let model = named(models, input)?;
    let wanted = input.text("HubContentVersion")?;
    let mut versions = model.versions.iter().copied();
    let version = versions.find(|version| wanted.is_none_or(|wanted| wanted == *version));
    let missing = || not_found(&format!("HubContent {} with version {}", model.id, wanted.unwrap_or_default()));
    let version = version.ok_or_else(missing)?;
    let owner = format!("arn:{}:sagemaker:{}:aws", partition(scope.region), scope.region);
    let mut out = summary(model, version, scope.region);
    if let Some(out) = out.as_object_mut() {
        out.insert("HubName".to_owned(), json!(PUBLIC_HUB));
        out.insert("HubArn".to_owned(), json!(format!("{owner}:hub/{PUBLIC_HUB}")));
        out.insert("HubContentDocument".to_owned(), json!(model.fill(model.document, version, scope.region)));
        out.insert("LastModifiedTime".to_owned(), json!(PUBLISHED));
    }
    Ok(out)
}

/// Every model in its newest version.
pub(crate) fn list(scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let newest = models(input)?.iter().filter_map(|model| Some((model, *model.versions.first()?)));
    answer(scope, input, newest)
}

pub(crate) fn list_versions(scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let model = named(models(input)?, input)?;
    let least = input.text("MinVersion")?.map(number);
    // Oldest first, so that the newest comes first where the order is descending.
    let versions = model.versions.iter().rev().filter(|version| least.is_none_or(|least| number(version) >= least));
    answer(scope, input, versions.map(|version| (model, *version)))
}

fn answer(
    scope: Scope<'_>,
    input: Input<'_>,
    contents: impl Iterator<Item = (&'static Model, &'static str)>,
) -> Result<Value, AwsError> {
    let item = |(seq, (model, version)): (u64, (&Model, &str))| Item {
        name: model.id.to_owned(),
        status: Some("Available".to_owned()),
        seq,
        created: PUBLISHED,
        modified: PUBLISHED,
        summary: summary(model, version, scope.region),
    };
    let items = (0..).zip(contents).map(item).collect();
    listing::answer_sorted(input, "HubContentSummaries", items, SORT_KEYS, 100)
}

/// The models of the hub that a request names.
fn models(input: Input<'_>) -> Result<&'static [Model], AwsError> {
    let hub = input.required_text("HubName")?;
    let kind = input.required_text("HubContentType")?;
    input.word("HubContentType", &TYPES)?;
    let hub = hub.rsplit('/').next().unwrap_or(hub);
    if hub != PUBLIC_HUB {
        return Err(not_found(&format!("Hub {hub}")));
    }
    Ok(if kind == "Model" { &MODELS } else { &[] })
}

fn named(models: &'static [Model], input: Input<'_>) -> Result<&'static Model, AwsError> {
    let id = input.name("HubContentName")?;
    let model = models.iter().find(|model| model.id == id);
    model.ok_or_else(|| not_found(&format!("HubContent {id}")))
}

fn not_found(what: &str) -> AwsError {
    AwsError::new("ResourceNotFound", StatusCode::BAD_REQUEST, format!("{what} does not exist"))
}

fn summary(model: &Model, version: &str, region: &str) -> Value {
    let owner = format!("arn:{}:sagemaker:{region}:aws", partition(region));
    json!({
        "HubContentName": model.id,
        "HubContentArn": format!("{owner}:hub-content/{PUBLIC_HUB}/Model/{}/{version}", model.id),
        "HubContentVersion": version,
        "HubContentType": "Model",
        "DocumentSchemaVersion": "2.3.0",
        "HubContentDisplayName": model.title,
        "HubContentDescription": "A description that nobody deploys.",
        "SupportStatus": if model.deprecated(version) { "Deprecated" } else { "Supported" },
        "HubContentSearchKeywords": model.keywords,
        "HubContentStatus": "Available",
        "CreationTime": PUBLISHED,
    })
}

/// A version as its parts, which compare as numbers.
fn number(version: &str) -> [u64; 3] {
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or_default());
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(number("1.10.0") > number("1.9.3"));
        assert_eq!(number("2.1.0"), [2, 1, 0]);
    }
}
