//! UpdateEndpoint, UpdateEndpointWeightsAndCapacities.

use serde_json::{Map, Value, json};

use super::Scope;
use super::course::{self, Of};
use super::endpoint::{Bound, Course, Endpoint, Instances, Variant};
use super::endpoints::{bind, refuse_in_progress};
use super::input::Input;
use super::quotas;
use super::script::On;
use super::state::{Kind, World};
use super::wire::AwsError;

pub(crate) fn update(world: &mut World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let name = input.name("EndpointName")?;
    let arn = world.arn(Kind::Endpoint, scope.region, name);
    let runs = changeable(world, &arn)?.runs(world.now()).clone();
    // An update compares with the configuration that runs, which must still exist.
    world.find(&world.arn(Kind::EndpointConfig, scope.region, &runs.config))?;
    let mut wanted = bind(world, scope, input)?;
    let (deployment, retains) = (input.map("DeploymentConfig")?, input.flag("RetainDeploymentConfig")?);
    refuse_scaled(world, scope.region, name, &runs, &wanted)?;
    if input.flag("RetainAllVariantProperties")? {
        retain(&mut wanted, &runs, input)?;
    }
    quotas::check(world, scope.region, &extra(&wanted, deployment))?;
    let of = Of { region: scope.region, name, to: &wanted, from: Some(&runs) };
    let course = course::begin(world, On::Update, of);
    if let Some(endpoint) = world.endpoints.get_mut(&arn) {
        let kept = endpoint.deployment.take().filter(|_| retains);
        endpoint.deployment = deployment.map(|given| json!(given)).or(kept);
        change(endpoint, runs, wanted, course);
    }
    Ok(json!({"EndpointArn": arn}))
}

pub(crate) fn update_weights(world: &mut World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let name = input.name("EndpointName")?;
    let arn = world.arn(Kind::Endpoint, scope.region, name);
    let changes = input.list("DesiredWeightsAndCapacities")?.map(Vec::as_slice).unwrap_or_default();
    if changes.is_empty() {
        return Err(AwsError::validation(
            "1 validation error detected: Value '[]' at 'desiredWeightsAndCapacities' failed to satisfy \
             constraint: Member must have length greater than or equal to 1",
        ));
    }
    let runs = changeable(world, &arn)?.runs(world.now()).clone();
    let mut wanted = runs.clone();
    let mut named: Vec<String> = Vec::new();
    for (index, fields) in changes.iter().filter_map(Value::as_object).enumerate() {
        let at = format!("desiredWeightsAndCapacities.{}.member.", index + 1);
        let variant = Input::inside(fields, &at).name("VariantName")?;
        if named.iter().any(|seen| seen == variant) {
            let message = format!("The variant name \"{variant}\" was non-unique within the request.");
            return Err(AwsError::validation(message));
        }
        named.push(variant.to_owned());
        resize(&mut wanted, variant, Input::inside(fields, &at))?;
    }
    let more = wanted.instances().into_iter().map(|(kind, count)| {
        let had = runs.instances().get(&kind).copied().unwrap_or_default();
        (kind, count.saturating_sub(had))
    });
    quotas::check(world, scope.region, &more.filter(|(_, count)| *count > 0).collect())?;
    // The type was chosen when it was deployed; whether there are more of it is another question.
    for variant in &mut wanted.variants {
        let scarce = variant.instance_type.as_ref().is_some_and(|kind| world.tuning.no_capacity.contains(kind));
        let grows = runs.variant(&variant.name).is_some_and(|before| variant.count > before.count);
        variant.provisioned = !(scarce && grows);
    }
    let of = Of { region: scope.region, name, to: &wanted, from: Some(&runs) };
    let course = course::begin(world, On::Scale, of);
    if let Some(endpoint) = world.endpoints.get_mut(&arn) {
        change(endpoint, runs, wanted, course);
    }
    Ok(json!({"EndpointArn": arn}))
}

/// An endpoint that may be updated now.
fn changeable<'a>(world: &'a World, arn: &str) -> Result<&'a Endpoint, AwsError> {
    let now = world.now();
    let endpoint = world.endpoint(arn)?;
    refuse_in_progress(endpoint, now)?;
    if endpoint.status(now) == "Failed" {
        return Err(AwsError::validation(format!("Cannot update failed endpoint \"{arn}\".")));
    }
    Ok(endpoint)
}

fn change(endpoint: &mut Endpoint, runs: Bound, wanted: Bound, course: Course) {
    endpoint.bound = runs;
    endpoint.wanted = Some(wanted);
    endpoint.course = course;
}

fn resize(wanted: &mut Bound, name: &str, change: Input<'_>) -> Result<(), AwsError> {
    let missing = format!(
        "The variant name(s) \"{name}\" is/are not present within endpoint configuration \"{}\".",
        wanted.config
    );
    let variant = wanted.variants.iter_mut().find(|variant| variant.name == name);
    let variant = variant.ok_or_else(|| AwsError::validation(missing))?;
    let count = change.whole("DesiredInstanceCount", 0, i32::MAX.unsigned_abs().into())?;
    variant.count = count.unwrap_or(variant.count);
    variant.weight = change.number("DesiredWeight")?.unwrap_or(variant.weight);
    Ok(())
}

/// Keeps the sizes and weights that run, but for what the request excludes.
fn retain(wanted: &mut Bound, runs: &Bound, input: Input<'_>) -> Result<(), AwsError> {
    let excluded = input.list("ExcludeRetainedVariantProperties")?.map(Vec::as_slice).unwrap_or_default();
    let keeps = |kind: &str| !excluded.iter().any(|property| property.get("VariantPropertyType") == Some(&json!(kind)));
    for variant in &mut wanted.variants {
        if let Some(before) = runs.variant(&variant.name) {
            variant.count = if keeps("DesiredInstanceCount") { before.count } else { variant.count };
            variant.weight = if keeps("DesiredWeight") { before.weight } else { variant.weight };
        }
    }
    Ok(())
}

/// The instances that an update needs beside those that run: a whole new fleet,
/// or one batch when it rolls.
fn extra(wanted: &Bound, deployment: Option<&Map<String, Value>>) -> Instances {
    let batch = deployment.and_then(|config| config.get("RollingUpdatePolicy")?.get("MaximumBatchSize"));
    let mut instances = wanted.instances();
    if let Some(batch) = batch {
        let size = batch.get("Value").and_then(Value::as_u64).unwrap_or(1);
        let relative = batch.get("Type") == Some(&json!("CAPACITY_PERCENT"));
        for count in instances.values_mut() {
            *count = if relative { (*count * size).div_ceil(100) } else { size.min(*count) };
        }
    }
    instances
}

/// A variant with a scalable target keeps its name and its instance type.
fn refuse_scaled(world: &World, region: &str, name: &str, runs: &Bound, wanted: &Bound) -> Result<(), AwsError> {
    let kept = |variant: &Variant| {
        let after = wanted.variant(&variant.name);
        // Which of its pools it fell to is no change.
        let same = |after: &Variant| after.instance_type == variant.instance_type || !after.pools.is_empty();
        after.is_some_and(|after| after.pools == variant.pools && same(after))
    };
    let scaled = runs.variants.iter().filter(|v| world.scaling.scales(region, name, &v.name) && !kept(v));
    let names: Vec<String> = scaled.map(|variant| format!("\"{}\"", variant.name)).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(AwsError::validation(format!(
        "The variant(s) {} must be deregistered as scalable targets with AWS Auto Scaling before they can be removed \
         or have their instance type updated.",
        names.join(", ")
    )))
}
