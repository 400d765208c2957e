//! CreateEndpoint, ListEndpoints, DeleteEndpoint.

use serde_json::{Value, json};

use super::Scope;
use super::course::{self, Of};
use super::endpoint::{Bound, Endpoint};
use super::input::Input;
use super::listing::{self, Item};
use super::quotas;
use super::script::On;
use super::state::{Kind, World};
use super::timeline::Position;
use super::wire::AwsError;

/// While it is in one of these, SageMaker refuses to update or delete it.
const IN_PROGRESS: [&str; 5] = ["Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"];

pub(crate) fn create(world: &mut World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let name = input.name("EndpointName")?;
    let bound = bind(world, scope, input)?;
    let tags = input.tags()?;
    let arn = world.arn(Kind::Endpoint, scope.region, name);
    if !world.endpoints.contains_key(&arn) {
        quotas::check(world, scope.region, &bound.instances())?;
    }
    let request = scope.request.clone();
    let record = world.record(Kind::Endpoint, scope.region, name, tags, request)?;
    let of = Of { region: scope.region, name, to: &bound, from: None };
    let course = course::begin(world, On::Create, of);
    let endpoint = Endpoint { record, course, bound, wanted: None, deployment: None };
    world.endpoints.insert(arn.clone(), endpoint);
    Ok(json!({"EndpointArn": arn}))
}

/// The configuration that a request names, with what it needs.
pub(crate) fn bind(world: &World, scope: Scope<'_>, input: Input<'_>) -> Result<Bound, AwsError> {
    let name = input.name("EndpointConfigName")?;
    let config = world.find(&world.arn(Kind::EndpointConfig, scope.region, name))?;
    let bound = Bound::read(config, &world.tuning.no_capacity);
    for model in bound.variants.iter().filter_map(|variant| variant.model.as_ref()) {
        world.find(&world.arn(Kind::Model, scope.region, model))?;
    }
    Ok(bound)
}

/// When the status last changed, by the wall's clock.
pub(crate) fn modified(world: &World, endpoint: &Endpoint, position: Position<'_>) -> f64 {
    let changed = world.clock.wall_at(endpoint.course.since + position.entered);
    changed.max(endpoint.record.created.wall)
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

/// SageMaker deregisters the scalable targets of what it deletes.
pub(crate) fn delete(world: &mut World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let name = input.name("EndpointName")?;
    let arn = world.arn(Kind::Endpoint, scope.region, name);
    let now = world.now();
    let endpoint = world.endpoint(&arn)?;
    refuse_in_progress(endpoint, now)?;
    let runs = endpoint.runs(now).clone();
    let of = Of { region: scope.region, name, to: &runs, from: Some(&runs) };
    let course = course::begin(world, On::Delete, of);
    world.scaling.forget(scope.region, name);
    if let Some(endpoint) = world.endpoints.get_mut(&arn) {
        endpoint.bound = runs;
        endpoint.wanted = None;
        endpoint.course = course;
    }
    Ok(Value::Null)
}

pub(crate) fn refuse_in_progress(endpoint: &Endpoint, now: f64) -> Result<(), AwsError> {
    if IN_PROGRESS.contains(&endpoint.status(now)) {
        let arn = &endpoint.record.arn;
        let message = format!("Cannot update in-progress endpoint \"{arn}\".");
        return Err(AwsError::validation(message));
    }
    Ok(())
}
