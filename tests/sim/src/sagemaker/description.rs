//! DescribeEndpoint.

use serde_json::{Map, Value, json};

use super::Scope;
use super::course;
use super::endpoint::{Bound, Endpoint, Variant};
use super::endpoints::modified;
use super::input::Input;
use super::script::On;
use super::state::{Kind, World};
use super::timeline::Position;
use super::wire::AwsError;

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
    let scales = endpoint.course.on == On::Scale;
    // A first deployment has no variants yet, only pending ones.
    if !matches!(status, "Creating" | "Failed") || endpoint.wanted.is_some() {
        let desired = endpoint.brings(now).filter(|_| scales && status == "Updating");
        put("ProductionVariants", variants(runs, desired));
    }
    // A change of size or weight deploys nothing.
    if matches!(status, "Creating" | "Updating") && !scales {
        let to = endpoint.wanted.as_ref().unwrap_or(&endpoint.bound);
        let doing = position.step.variant_status.as_deref().unwrap_or(status);
        put(
            "PendingDeploymentSummary",
            json!({
                "EndpointConfigName": to.config,
                "StartTime": began,
                "ProductionVariants": pending(to, doing, began),
            }),
        );
    }
    if let Some(reason) = failure_reason(endpoint, position) {
        put("FailureReason", json!(reason));
    }
    if let Some(deployment) = &endpoint.deployment {
        put("LastDeploymentConfig", deployment.clone());
    }
    Ok(Value::Object(out))
}

/// Only where there is something to explain.
fn failure_reason(endpoint: &Endpoint, position: Position<'_>) -> Option<String> {
    let given = endpoint.course.failure_reason.clone();
    match position.step.status.as_str() {
        "Failed" => given.or_else(|| Some(course::unexplained(&endpoint.bound))),
        "OutOfService" => given,
        _ if position.rolled_back => given,
        _ => None,
    }
}

/// What runs, and where `desired` is given, what is on its way to it.
fn variants(runs: &Bound, desired: Option<&Bound>) -> Value {
    let summary = |variant: &Variant| {
        let wanted = desired.and_then(|desired| desired.variant(&variant.name)).unwrap_or(variant);
        let mut out = json!({
            "VariantName": variant.name,
            "CurrentWeight": variant.weight,
            "DesiredWeight": wanted.weight,
            "CurrentInstanceCount": variant.count,
            "DesiredInstanceCount": wanted.count,
        });
        put_pools(&mut out, variant, variant.count);
        out
    };
    runs.variants.iter().map(summary).collect()
}

fn pending(to: &Bound, doing: &str, began: f64) -> Value {
    let summary = |variant: &Variant| {
        let mut out = json!({
            "VariantName": variant.name,
            "CurrentWeight": variant.weight,
            "DesiredWeight": variant.weight,
            "CurrentInstanceCount": 0,
            "DesiredInstanceCount": variant.count,
            "VariantStatus": [{"Status": doing, "StartTime": began}],
            "InstanceType": variant.instance_type,
        });
        put_pools(&mut out, variant, 0);
        out
    };
    to.variants.iter().map(summary).collect()
}

/// The pools say which instance type is in use: theirs is not 0.
fn put_pools(out: &mut Value, variant: &Variant, count: u64) {
    let pool = |kind: &String| {
        let count = if variant.instance_type.as_ref() == Some(kind) { count } else { 0 };
        json!({"InstanceType": kind, "CurrentInstanceCount": count})
    };
    if let Some(out) = out.as_object_mut()
        && !variant.pools.is_empty()
    {
        out.insert("InstancePools".to_owned(), variant.pools.iter().map(pool).collect());
        // Which of them it will be is not known before.
        out.remove("InstanceType");
    }
}
