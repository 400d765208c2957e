//! Application Auto Scaling, for the instances of production variants.
//!
//! Targets and policies are kept, and change nothing by themselves: there are no
//! metrics here that a policy could follow.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Scope;
use super::input::Input;
use super::listing::{self, Page};
use super::state::{Kind, World};
use super::wire::{AwsError, partition};
use crate::clock::Moment;

const NAMESPACE: &str = "sagemaker";
const DIMENSION: &str = "sagemaker:variant:DesiredInstanceCount";

#[derive(Debug)]
struct Target {
    created: Moment,
    min: u64,
    max: u64,
    suspended: Value,
    arn: String,
}

#[derive(Debug)]
struct Policy {
    created: Moment,
    arn: String,
    /// The fields that its request and its description share.
    fields: Map<String, Value>,
    alarms: Vec<Value>,
}

/// Scalable targets by region and resource, policies by these and their name.
#[derive(Debug, Default)]
pub(crate) struct Scaling {
    targets: BTreeMap<(String, String), Target>,
    policies: BTreeMap<(String, String, String), Policy>,
}

impl Scaling {
    /// Whether a variant has a scalable target.
    pub(crate) fn scales(&self, region: &str, endpoint: &str, variant: &str) -> bool {
        self.targets.contains_key(&(region.to_owned(), resource_of(endpoint, variant)))
    }

    /// Deregisters what belongs to an endpoint.
    pub(crate) fn forget(&mut self, region: &str, endpoint: &str) {
        let prefix = resource_of(endpoint, "");
        self.targets.retain(|(place, resource), _| place != region || !resource.starts_with(&prefix));
        self.policies.retain(|(place, resource, _), _| place != region || !resource.starts_with(&prefix));
    }

    /// Resources and policies, for whoever looks on.
    pub(crate) fn overview(&self) -> Value {
        let policy = |(region, resource, name): &(String, String, String)| json!([region, resource, name]);
        json!({
            "targets": self.targets.keys().collect::<Vec<_>>(),
            "policies": self.policies.keys().map(policy).collect::<Vec<_>>(),
        })
    }
}

fn resource_of(endpoint: &str, variant: &str) -> String {
    format!("endpoint/{endpoint}/variant/{variant}")
}

pub(crate) fn register(world: &mut World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let resource = addressed(input)?;
    check_variant(world, scope, resource)?;
    let key = (scope.region.to_owned(), resource.to_owned());
    let before = world.scaling.targets.get(&key);
    let most = i32::MAX.unsigned_abs().into();
    let min = input.whole("MinCapacity", 0, most)?.or(before.map(|target| target.min));
    let max = input.whole("MaxCapacity", 0, most)?.or(before.map(|target| target.max));
    let (Some(min), Some(max)) = (min, max) else {
        let message = "MinCapacity and MaxCapacity are required to register a new scalable target";
        return Err(AwsError::validation(message));
    };
    if max < min {
        return Err(AwsError::validation("Maximum capacity cannot be less than minimum capacity"));
    }
    let suspended = input.map("SuspendedState")?.map(|state| json!(state));
    let all_on = || {
        json!({
            "DynamicScalingInSuspended": false,
            "DynamicScalingOutSuspended": false,
            "ScheduledScalingSuspended": false,
        })
    };
    let suspended = suspended.or_else(|| Some(before?.suspended.clone())).unwrap_or_else(all_on);
    let (created, arn) = match before {
        Some(target) => (target.created, target.arn.clone()),
        None => {
            let id = world.next_seq();
            (world.clock.now(), arn(world, scope, "application-autoscaling", &format!("scalable-target/{id:022}")))
        }
    };
    let target = Target { created, min, max, suspended, arn: arn.clone() };
    world.scaling.targets.insert(key, target);
    Ok(json!({"ScalableTargetARN": arn}))
}

pub(crate) fn describe_targets(world: &World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    check_namespace(input)?;
    let wanted = input.list("ResourceIds")?;
    let dimension = input.text("ScalableDimension")?.unwrap_or(DIMENSION);
    let seen = world.scaling.targets.iter().filter(|((region, resource), target)| {
        region == scope.region
            && dimension == DIMENSION
            && wanted.is_none_or(|wanted| wanted.contains(&json!(resource)))
            && world.sees(target.created.simulated)
    });
    let account = &world.tuning.account_id;
    let role = format!(
        "arn:{}:iam::{account}:role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/\
         AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
        partition(scope.region)
    );
    let line = |((_, resource), target): (&(String, String), &Target)| {
        let line = json!({
            "ServiceNamespace": NAMESPACE,
            "ResourceId": resource,
            "ScalableDimension": DIMENSION,
            "MinCapacity": target.min,
            "MaxCapacity": target.max,
            "RoleARN": role,
            "CreationTime": target.created.wall,
            "SuspendedState": target.suspended,
            "ScalableTargetARN": target.arn,
        });
        (resource.clone(), line)
    };
    answer(input, "ScalableTargets", seen.map(line).collect())
}

pub(crate) fn deregister(world: &mut World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let resource = addressed(input)?;
    let key = (scope.region.to_owned(), resource.to_owned());
    if world.scaling.targets.remove(&key).is_none() {
        return Err(not_found("No scalable target found", resource, ""));
    }
    world.scaling.policies.retain(|(region, of, _), _| (region.as_str(), of.as_str()) != (scope.region, resource));
    Ok(json!({}))
}

pub(crate) fn put_policy(world: &mut World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let resource = addressed(input)?;
    let name = input.required_text("PolicyName")?;
    let kind = input.word("PolicyType", &["StepScaling", "TargetTrackingScaling", "PredictiveScaling"])?;
    let tracking = input.map("TargetTrackingScalingPolicyConfiguration")?;
    if kind == Some("TargetTrackingScaling") && tracking.is_none() {
        return Err(AwsError::validation("TargetTrackingScalingPolicyConfiguration is required for this PolicyType"));
    }
    if tracking.is_some_and(|tracking| tracking.get("TargetValue").and_then(Value::as_f64).is_none()) {
        return Err(AwsError::validation("TargetValue is required in TargetTrackingScalingPolicyConfiguration"));
    }
    if !world.scaling.targets.contains_key(&(scope.region.to_owned(), resource.to_owned())) {
        return Err(not_found("No scalable target registered", resource, ""));
    }
    let mut fields = scope.request.clone();
    fields.entry("PolicyType").or_insert(json!("StepScaling"));
    let key = (scope.region.to_owned(), resource.to_owned(), name.to_owned());
    let id = world.next_seq();
    let arn = match world.scaling.policies.get(&key) {
        Some(policy) => policy.arn.clone(),
        None => {
            let rest = format!("scalingPolicy:{id:022}:resource/{NAMESPACE}/{resource}:policyName/{name}");
            arn(world, scope, "autoscaling", &rest)
        }
    };
    let alarms: Vec<Value> = match tracking {
        None => Vec::new(),
        Some(_) => ["AlarmHigh", "AlarmLow"].map(|end| alarm(world, scope, resource, end, id)).into(),
    };
    let policy = Policy { created: world.clock.now(), arn: arn.clone(), fields, alarms: alarms.clone() };
    world.scaling.policies.insert(key, policy);
    Ok(json!({"PolicyARN": arn, "Alarms": alarms}))
}

pub(crate) fn describe_policies(world: &World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    check_namespace(input)?;
    let (wanted, names) = (input.text("ResourceId")?, input.list("PolicyNames")?);
    let seen = world.scaling.policies.iter().filter(|((region, resource, name), policy)| {
        region == scope.region
            && wanted.is_none_or(|wanted| wanted == resource)
            && names.is_none_or(|names| names.contains(&json!(name)))
            && world.sees(policy.created.simulated)
    });
    let line = |((_, resource, name), policy): (&(String, String, String), &Policy)| {
        let mut line = policy.fields.clone();
        line.insert("PolicyARN".to_owned(), json!(policy.arn));
        line.insert("CreationTime".to_owned(), json!(policy.created.wall));
        line.insert("Alarms".to_owned(), json!(policy.alarms));
        (format!("{resource}/{name}"), Value::Object(line))
    };
    answer(input, "ScalingPolicies", seen.map(line).collect())
}

pub(crate) fn delete_policy(world: &mut World, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let resource = addressed(input)?;
    let name = input.required_text("PolicyName")?;
    let key = (scope.region.to_owned(), resource.to_owned(), name.to_owned());
    match world.scaling.policies.remove(&key) {
        Some(_) => Ok(json!({})),
        None => Err(not_found("No scaling policy found", resource, &format!(", policy name: {name}"))),
    }
}

fn answer(input: Input<'_>, field: &str, keyed: Vec<(String, Value)>) -> Result<Value, AwsError> {
    let limit = input.whole("MaxResults", 1, 50)?.unwrap_or(50);
    let invalid = |_| AwsError::refused("InvalidNextTokenException", "The next token supplied was invalid");
    let after = input.text("NextToken")?.map(listing::read_token).transpose().map_err(invalid)?;
    let Page { items, next } = listing::page(keyed, true, after, limit);
    let mut out = Map::new();
    out.insert(field.to_owned(), Value::Array(items));
    if let Some(next) = next {
        out.insert("NextToken".to_owned(), json!(next));
    }
    Ok(Value::Object(out))
}

/// The resource that a request names.
fn addressed<'a>(input: Input<'a>) -> Result<&'a str, AwsError> {
    check_namespace(input)?;
    let resource = input.required_text("ResourceId")?;
    let fits = variant_of(resource).is_some() && input.required_text("ScalableDimension")? == DIMENSION;
    if fits { Ok(resource) } else { Err(unsupported()) }
}

fn check_namespace(input: Input<'_>) -> Result<(), AwsError> {
    if input.required_text("ServiceNamespace")? == NAMESPACE { Ok(()) } else { Err(unsupported()) }
}

fn unsupported() -> AwsError {
    AwsError::validation("Unsupported service namespace, resource type or scalable dimension")
}

/// Endpoint and variant of `endpoint/<name>/variant/<variant>`.
fn variant_of(resource: &str) -> Option<(&str, &str)> {
    let (endpoint, variant) = resource.strip_prefix("endpoint/")?.split_once("/variant/")?;
    (!endpoint.is_empty() && !variant.is_empty()).then_some((endpoint, variant))
}

fn check_variant(world: &World, scope: Scope<'_>, resource: &str) -> Result<(), AwsError> {
    let (endpoint, variant) = variant_of(resource).ok_or_else(unsupported)?;
    let found = world.endpoint(&world.arn(Kind::Endpoint, scope.region, endpoint)).ok();
    if found.is_none_or(|found| found.runs(world.now()).variant(variant).is_none()) {
        return Err(AwsError::validation(format!("SageMaker endpoint variant doesn't exist: {resource}")));
    }
    Ok(())
}

fn not_found(what: &str, resource: &str, more: &str) -> AwsError {
    AwsError::refused(
        "ObjectNotFoundException",
        format!(
            "{what} for service namespace: {NAMESPACE}, resource ID: {resource}, scalable dimension: \
             {DIMENSION}{more}"
        ),
    )
}

fn arn(world: &World, scope: Scope<'_>, service: &str, rest: &str) -> String {
    let (region, account) = (scope.region, &world.tuning.account_id);
    format!("arn:{}:{service}:{region}:{account}:{rest}", partition(region))
}

fn alarm(world: &World, scope: Scope<'_>, resource: &str, end: &str, id: u64) -> Value {
    let name = format!("TargetTracking-{resource}-{end}-00000000-0000-4000-8000-{id:012x}");
    let arn = arn(world, scope, "cloudwatch", &format!("alarm:{name}"));
    json!({"AlarmName": name, "AlarmARN": arn})
}
