//! CreateModel, DescribeModel, ListModels, DeleteModel.

use serde_json::{Map, Value, json};

use super::Scope;
use super::iam;
use super::input::Input;
use super::listing::{self, Item};
use super::state::{Kind, Record, World};
use super::wire::AwsError;

/// Where the buckets of gated models begin.
const GATED_BUCKETS: &str = "s3://jumpstart-private-cache-prod-";

pub(crate) fn create(world: &mut World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let name = input.name("ModelName")?;
    let tags = input.tags()?;
    let role = input.required_text("ExecutionRoleArn")?;
    iam::check_execution_role(&world.tuning, role)?;
    let primary = input.map("PrimaryContainer")?;
    let several = input.list("Containers")?;
    match (primary, several) {
        (Some(container), None) => check_container(container, "primaryContainer.")?,
        (None, Some(list)) => {
            for container in list.iter().filter_map(Value::as_object) {
                check_container(container, "containers.1.member.")?;
            }
        }
        _ => {
            return Err(AwsError::validation("You must provide either PrimaryContainer or Containers, and not both."));
        }
    }
    let record = world.record(Kind::Model, scope.region, name, tags, scope.request.clone())?;
    let arn = record.arn.clone();
    world.models.insert(arn.clone(), record);
    Ok(json!({"ModelArn": arn}))
}

fn check_container(container: &Map<String, Value>, at: &str) -> Result<(), AwsError> {
    let input = Input::inside(container, at);
    if input.text("Image")?.is_none() && input.text("ModelPackageName")?.is_none() {
        return Err(AwsError::validation("You must provide either Image or ModelPackageName in a container."));
    }
    if let Some(environment) = input.map("Environment")? {
        input.at_most("Environment", environment.len(), 100)?;
        if let Some((key, _)) = environment.iter().find(|(_, value)| !value.is_string()) {
            return Err(AwsError::new(
                "SerializationException",
                axum::http::StatusCode::BAD_REQUEST,
                format!("the value of {key} can not be converted to a string"),
            ));
        }
    }
    if input.map("ModelDataSource")?.is_some() && input.text("ModelDataUrl")?.is_some() {
        return Err(AwsError::validation("ModelDataSource and ModelDataUrl cannot be used together."));
    }
    if let Some(sources) = input.list("AdditionalModelDataSources")? {
        input.at_most("AdditionalModelDataSources", sources.len(), 5)?;
    }
    for source in s3_sources(container) {
        let source = Input::inside(source, "s3DataSource.");
        source.required_text("S3Uri")?;
        source.required_text("S3DataType")?;
        source.word("S3DataType", &["S3Prefix", "S3Object"])?;
        source.required_text("CompressionType")?;
        source.word("CompressionType", &["None", "Gzip"])?;
    }
    Ok(())
}

/// The S3 sources of a container, the additional ones included.
fn s3_sources(container: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let additional = container.get("AdditionalModelDataSources");
    let additional = additional.and_then(Value::as_array).into_iter().flatten();
    let main = container.get("ModelDataSource").into_iter();
    main.chain(additional).filter_map(|source| source.get("S3DataSource")?.as_object())
}

/// Where a container's data are.
pub(crate) fn s3_uris(container: &Map<String, Value>) -> impl Iterator<Item = &str> {
    s3_sources(container).filter_map(|source| source.get("S3Uri")?.as_str())
}

/// A model's containers.
pub(crate) fn containers(model: &Record) -> impl Iterator<Item = &Map<String, Value>> {
    let several = model.request.get("Containers").and_then(Value::as_array);
    let primary = model.request.get("PrimaryContainer").into_iter();
    primary.chain(several.into_iter().flatten()).filter_map(Value::as_object)
}

/// The first gated artifact whose licence the model's creator did not accept.
pub(crate) fn unaccepted(model: &Record) -> Option<String> {
    let mut unaccepted = containers(model).flat_map(s3_sources).filter_map(|source| {
        let uri = source.get("S3Uri")?.as_str()?;
        let accepted = source.get("ModelAccessConfig").and_then(|access| access.get("AcceptEula"));
        let refused = uri.starts_with(GATED_BUCKETS) && accepted != Some(&Value::Bool(true));
        refused.then(|| uri.to_owned())
    });
    unaccepted.next()
}

pub(crate) fn describe(world: &World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let arn = world.arn(Kind::Model, scope.region, input.name("ModelName")?);
    let model = world.find(&arn)?;
    let mut out = model.request.clone();
    out.remove("Tags");
    out.entry("EnableNetworkIsolation").or_insert(json!(false));
    out.insert("ModelName".to_owned(), json!(model.name));
    out.insert("ModelArn".to_owned(), json!(model.arn));
    out.insert("CreationTime".to_owned(), json!(model.created.wall));
    Ok(Value::Object(out))
}

pub(crate) fn list(world: &World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let here = world.models.values().filter(|m| m.region == scope.region);
    let items = here.filter(|model| world.visible(model)).map(|model| Item {
        name: model.name.clone(),
        status: None,
        seq: model.seq,
        created: model.created.wall,
        modified: model.created.wall,
        summary: json!({
            "ModelName": model.name,
            "ModelArn": model.arn,
            "CreationTime": model.created.wall,
        }),
    });
    listing::answer(input, "Models", items.collect())
}

pub(crate) fn delete(world: &mut World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let arn = world.arn(Kind::Model, scope.region, input.name("ModelName")?);
    world.find(&arn)?;
    world.models.remove(&arn);
    Ok(Value::Null)
}
