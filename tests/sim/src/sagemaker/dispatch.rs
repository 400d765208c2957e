//! Which operation answers a call.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::call::Call;
use super::input::Input;
use super::service::Service;
use super::state::World;
use super::wire::{self, AwsError};
use super::{Scope, configs, description, endpoints, hub, iam, jumpstart, logs, models, pricing, quotas, runtime};
use super::{scaling, tags, updates};

pub(crate) fn answer(world: &mut World, call: &Call) -> Response {
    match call.service {
        Service::SageMaker => json(world, call, sagemaker),
        Service::Logs => json(world, call, logs_operation),
        Service::Quotas => json(world, call, quotas_operation),
        Service::Scaling => json(world, call, scaling_operation),
        Service::Pricing => json(world, call, pricing_operation),
        Service::Runtime => runtime::invoke(world, call),
        Service::Sts | Service::Iam => iam::answer(&world.tuning, call.service, &call.op, &call.form),
        Service::S3 if matches!(call.op.as_str(), "GetObject" | "HeadObject") => jumpstart::get_object(&call.path),
        Service::S3 => {
            let message = "The specified method is not allowed against this resource.";
            let status = StatusCode::METHOD_NOT_ALLOWED;
            wire::s3_error(AwsError::new("MethodNotAllowed", status, message), &call.path)
        }
    }
}

type Operations = fn(&mut World, &str, Scope<'_>, Input<'_>) -> Result<Value, AwsError>;

/// Answers a call of a service that speaks JSON 1.1.
fn json(world: &mut World, call: &Call, operations: Operations) -> Response {
    if call.malformed {
        return wire::json(Err(AwsError::refused("SerializationException", "the body is no JSON object")));
    }
    let scope = Scope { region: &call.region, request: &call.request };
    wire::json(operations(world, &call.op, scope, Input::new(&call.request)))
}

fn sagemaker(world: &mut World, op: &str, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    match op {
        "CreateModel" => models::create(world, scope, input),
        "DescribeModel" => models::describe(world, scope, input),
        "ListModels" => models::list(world, scope, input),
        "DeleteModel" => models::delete(world, scope, input),
        "CreateEndpointConfig" => configs::create(world, scope, input),
        "DescribeEndpointConfig" => configs::describe(world, scope, input),
        "ListEndpointConfigs" => configs::list(world, scope, input),
        "DeleteEndpointConfig" => configs::delete(world, scope, input),
        "CreateEndpoint" => endpoints::create(world, scope, input),
        "DescribeEndpoint" => description::describe(world, scope, input),
        "ListEndpoints" => endpoints::list(world, scope, input),
        "UpdateEndpoint" => updates::update(world, scope, input),
        "UpdateEndpointWeightsAndCapacities" => updates::update_weights(world, scope, input),
        "DeleteEndpoint" => endpoints::delete(world, scope, input),
        "AddTags" => tags::add(world, input),
        "ListTags" => tags::list(world, input),
        "DeleteTags" => tags::delete(world, input),
        "DescribeHubContent" => hub::describe(scope, input),
        "ListHubContents" => hub::list(scope, input),
        "ListHubContentVersions" => hub::list_versions(scope, input),
        _ => Err(unknown(op)),
    }
}

/// What the others call a validation error has another name here.
fn logs_operation(world: &mut World, op: &str, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    let answer = match op {
        "DescribeLogGroups" => logs::describe_groups(world, scope, input),
        "DescribeLogStreams" => logs::describe_streams(world, scope, input),
        "FilterLogEvents" => logs::filter(world, scope, input),
        "GetLogEvents" => logs::get(world, scope, input),
        "CreateLogGroup" => logs::create_group(world, scope, input),
        "CreateLogStream" => logs::create_stream(world, scope, input),
        "PutLogEvents" => logs::put(world, scope, input),
        _ => Err(unknown(op)),
    };
    answer.map_err(|error| match error.code.as_str() {
        "ValidationException" => AwsError { code: "InvalidParameterException".to_owned(), ..error },
        _ => error,
    })
}

fn quotas_operation(world: &mut World, op: &str, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    match op {
        "ListServiceQuotas" => quotas::list(world, scope, input),
        "GetServiceQuota" => quotas::get(world, scope, input),
        _ => Err(unknown(op)),
    }
}

fn scaling_operation(world: &mut World, op: &str, scope: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    match op {
        "RegisterScalableTarget" => scaling::register(world, scope, input),
        "DescribeScalableTargets" => scaling::describe_targets(world, scope, input),
        "DeregisterScalableTarget" => scaling::deregister(world, scope, input),
        "PutScalingPolicy" => scaling::put_policy(world, scope, input),
        "DescribeScalingPolicies" => scaling::describe_policies(world, scope, input),
        "DeleteScalingPolicy" => scaling::delete_policy(world, scope, input),
        _ => Err(unknown(op)),
    }
}

fn pricing_operation(_: &mut World, op: &str, _: Scope<'_>, input: Input<'_>) -> Result<Value, AwsError> {
    match op {
        "GetProducts" => pricing::products(input),
        _ => Err(unknown(op)),
    }
}

fn unknown(op: &str) -> AwsError {
    AwsError::refused("UnknownOperationException", format!("The operation {op} is not known."))
}
