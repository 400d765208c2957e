//! CreateEndpoint, DescribeEndpoint, ListEndpoints, UpdateEndpoint,
//! DeleteEndpoint.

use serde_json::{Map, Value, json};

use super::Scope;
use super::input::Input;
use super::listing::{self, Item};
use super::models;
use super::state::{Bound, Endpoint, Kind, World};
use super::timeline::{On, Position, Step, VANISHED};
use super::wire::AwsError;

/// The reason of a failure that no script has given one.
const HEALTH_CHECK: &str = "The primary container for production variant AllTraffic did not pass \
    the ping health check. Please check CloudWatch logs for this endpoint.";

/// While it is in one of these, SageMaker refuses to update or delete it.
const IN_PROGRESS: [&str; 5] = ["Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"];

pub(crate) fn create(world: &mut World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let name = input.name("EndpointName")?;
    let bound = bind(world, scope, input)?;
    let tags = input.tags()?;
    let arn = world.arn(Kind::Endpoint, scope.region, name);
    if !world.endpoints.contains_key(&arn) {
        check_quota(world, scope.region, &bound, &arn)?;
    }
    let request = scope.request.clone();
    let record = world.record(Kind::Endpoint, scope.region, name, tags, request)?;
    let (usual, reason) = usual_creation(world, scope.region, &bound);
    let course = world.course(On::Create, name, usual, reason);
    let endpoint = Endpoint { record, course, bound, wanted: None };
    world.endpoints.insert(arn.clone(), endpoint);
    Ok(json!({"EndpointArn": arn}))
}

/// The configuration that a request names, with what it needs.
fn bind(world: &World, scope: Scope<'_>, input: Input<'_>) -> Result<Bound, AwsError> {
    let name = input.name("EndpointConfigName")?;
    let config = world.find(&world.arn(Kind::EndpointConfig, scope.region, name))?;
    let variants = config.request.get("ProductionVariants");
    let variants = variants.and_then(Value::as_array).cloned().unwrap_or_default();
    for model in variants.iter().filter_map(|v| v.get("ModelName")?.as_str()) {
        world.find(&world.arn(Kind::Model, scope.region, model))?;
    }
    Ok(Bound { config: config.name.clone(), variants })
}

/// What an endpoint goes through that no script speaks of.
fn usual_creation(world: &World, region: &str, bound: &Bound) -> (Vec<Step>, Option<String>) {
    let tuning = &world.tuning;
    let models = bound.variants.iter().filter_map(|v| v.get("ModelName")?.as_str());
    let mut records = models.filter_map(|m| world.models.get(&world.arn(Kind::Model, region, m)));
    if let Some(uri) = records.find_map(models::unaccepted) {
        let reason = format!(
            "Failed to download model data for container \"container_1\" from URL: \"{uri}\". \
             Please ensure that there is an object located at the URL and that the role passed to \
             CreateModel has permissions to download the object. (Service: S3, Status Code: 403, \
             Error Code: AccessDenied)"
        );
        let steps = vec![Step::lasting("Creating", tuning.create_seconds / 3.0), Step::last("Failed")];
        return (steps, Some(reason));
    }
    let steps = tuning
        .timeline
        .clone()
        .unwrap_or_else(|| vec![Step::lasting("Creating", tuning.create_seconds), Step::last("InService")]);
    (steps, tuning.failure_reason.clone())
}

/// Refuses what would exceed the quota of an instance type. An endpoint that is
/// updated counts with what it runs and, until it has changed over, what it wants.
fn check_quota(world: &World, region: &str, asked: &Bound, arn: &str) -> Result<(), AwsError> {
    let now = world.now();
    let counted = |e: &&Endpoint| e.record.region == region && e.status(now) != "Failed";
    for (kind, delta) in asked.instances() {
        let own = world.tuning.instance_quotas.get(&kind).copied();
        let Some(quota) = own.or(world.tuning.endpoint_quota) else {
            continue;
        };
        let of_kind = |e: &Endpoint| e.runs(now).instances().get(&kind).copied();
        let live = world.endpoints.values().filter(counted);
        let used: u64 = live.filter(|e| e.record.arn != arn).filter_map(of_kind).sum();
        if used + delta > quota {
            return Err(AwsError::new(
                "ResourceLimitExceeded",
                axum::http::StatusCode::BAD_REQUEST,
                format!(
                    "The account-level service limit '{kind} for endpoint usage' is {quota} \
                     Instances, with current utilization of {used} Instances and a request delta \
                     of {delta} Instances. Please use AWS Service Quotas to request an increase \
                     for this quota. If AWS Service Quotas is not available, contact AWS support \
                     to request an increase for this quota."
                ),
            ));
        }
    }
    Ok(())
}

pub(crate) fn describe(world: &World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let name = input.name("EndpointName")?;
    let endpoint = world.endpoint(&world.arn(Kind::Endpoint, scope.region, name))?;
    let now = world.now();
    let Some(position) = endpoint.position(now) else {
        let arn = &endpoint.record.arn;
        return Err(AwsError::validation(format!("Could not find endpoint \"{arn}\".")));
    };
    let runs = endpoint.runs(now);
    let status = position.step.status.as_str();
    let mut out = Map::new();
    let mut put = |field: &str, value: Value| drop(out.insert(field.to_owned(), value));
    put("EndpointName", json!(endpoint.record.name));
    put("EndpointArn", json!(endpoint.record.arn));
    put("EndpointConfigName", json!(runs.config));
    put("EndpointStatus", json!(status));
    put("CreationTime", json!(endpoint.record.created.wall));
    put("LastModifiedTime", json!(modified(world, endpoint, position)));
    let began = world.clock.wall_at(endpoint.course.since);
    // A first deployment has no variants yet, only pending ones.
    if !matches!(status, "Creating" | "Failed") || endpoint.wanted.is_some() {
        put("ProductionVariants", variants(runs, None, began));
    }
    if matches!(status, "Creating" | "Updating") {
        let to = endpoint.wanted.as_ref().unwrap_or(&endpoint.bound);
        let doing = position.step.variant_status.as_deref().unwrap_or(status);
        put(
            "PendingDeploymentSummary",
            json!({
                "EndpointConfigName": to.config,
                "StartTime": began,
                "ProductionVariants": variants(to, Some(doing), began),
            }),
        );
    }
    if let Some(reason) = failure_reason(endpoint, position) {
        put("FailureReason", json!(reason));
    }
    Ok(Value::Object(out))
}

/// When the status last changed, by the wall's clock.
fn modified(world: &World, endpoint: &Endpoint, position: Position<'_>) -> f64 {
    let changed = world.clock.wall_at(endpoint.course.since + position.entered);
    changed.max(endpoint.record.created.wall)
}

/// Only where there is something to explain.
fn failure_reason<'a>(endpoint: &'a Endpoint, position: Position<'_>) -> Option<&'a str> {
    let given = endpoint.course.failure_reason.as_deref();
    match position.step.status.as_str() {
        "Failed" => Some(given.unwrap_or(HEALTH_CHECK)),
        "OutOfService" => given,
        _ if position.rolled_back => given,
        _ => None,
    }
}

fn variants(bound: &Bound, doing: Option<&str>, began: f64) -> Value {
    let summary = |variant: &Value| {
        let count = variant.get("InitialInstanceCount").and_then(Value::as_u64);
        let count = count.unwrap_or(1);
        let weight = variant.get("InitialVariantWeight").and_then(Value::as_f64);
        let weight = weight.unwrap_or(1.0);
        let current = if doing.is_some() { 0 } else { count };
        let mut out = json!({
            "VariantName": variant.get("VariantName"),
            "CurrentWeight": weight,
            "DesiredWeight": weight,
            "CurrentInstanceCount": current,
            "DesiredInstanceCount": count,
        });
        if let Some(doing) = doing
            && let Some(out) = out.as_object_mut()
        {
            let status = json!([{"Status": doing, "StartTime": began}]);
            out.insert("VariantStatus".to_owned(), status);
            out.insert("InstanceType".to_owned(), json!(variant.get("InstanceType")));
        }
        out
    };
    bound.variants.iter().map(summary).collect()
}

pub(crate) fn list(world: &World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let now = world.now();
    let here = world.endpoints.values().filter(|e| e.record.region == scope.region);
    let items = here.filter_map(|endpoint| {
        let (record, position) = (&endpoint.record, endpoint.position(now)?);
        let (created, modified) = (record.created.wall, modified(world, endpoint, position));
        world.visible(record).then(|| Item {
            name: record.name.clone(),
            status: Some(position.step.status.clone()),
            seq: record.seq,
            created,
            modified,
            summary: json!({
                "EndpointName": record.name,
                "EndpointArn": record.arn,
                "CreationTime": created,
                "LastModifiedTime": modified,
                "EndpointStatus": position.step.status,
            }),
        })
    });
    listing::answer(input, "Endpoints", items.collect())
}

pub(crate) fn update(world: &mut World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let name = input.name("EndpointName")?;
    let arn = world.arn(Kind::Endpoint, scope.region, name);
    let now = world.now();
    let endpoint = world.endpoint(&arn)?;
    refuse_in_progress(endpoint, now)?;
    if endpoint.status(now) == "Failed" {
        return Err(AwsError::validation(format!("Cannot update failed endpoint \"{arn}\".")));
    }
    let runs = endpoint.runs(now).clone();
    // An update compares with the configuration that runs, which must still exist.
    world.find(&world.arn(Kind::EndpointConfig, scope.region, &runs.config))?;
    let wanted = bind(world, scope, input)?;
    check_quota(world, scope.region, &wanted, &arn)?;
    let usual = vec![Step::lasting("Updating", world.tuning.create_seconds), Step::last("InService")];
    let course = world.course(On::Update, name, usual, None);
    if let Some(endpoint) = world.endpoints.get_mut(&arn) {
        endpoint.bound = runs;
        endpoint.wanted = Some(wanted);
        endpoint.course = course;
    }
    Ok(json!({"EndpointArn": arn}))
}

pub(crate) fn delete(world: &mut World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let name = input.name("EndpointName")?;
    let arn = world.arn(Kind::Endpoint, scope.region, name);
    let now = world.now();
    let endpoint = world.endpoint(&arn)?;
    refuse_in_progress(endpoint, now)?;
    let runs = endpoint.runs(now).clone();
    let usual = vec![Step::lasting("Deleting", world.tuning.delete_seconds), Step::last(VANISHED)];
    let course = world.course(On::Delete, name, usual, None);
    if let Some(endpoint) = world.endpoints.get_mut(&arn) {
        endpoint.bound = runs;
        endpoint.wanted = None;
        endpoint.course = course;
    }
    Ok(Value::Null)
}

fn refuse_in_progress(endpoint: &Endpoint, now: f64) -> Result<(), AwsError> {
    if IN_PROGRESS.contains(&endpoint.status(now)) {
        let arn = &endpoint.record.arn;
        let message = format!("Cannot update in-progress endpoint \"{arn}\".");
        return Err(AwsError::validation(message));
    }
    Ok(())
}
