"""Application Auto Scaling of production variants."""

from .backend import both, config, in_service, names, refused, sim_only

VARIANT = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/e/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
TRACKING = {
    "PolicyName": "keep-up",
    "PolicyType": "TargetTrackingScaling",
    "TargetTrackingScalingPolicyConfiguration": {
        "TargetValue": 70.0,
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
        },
        "ScaleInCooldown": 300,
    },
}


@both
def targets_are_registered_changed_and_deregistered(backend):
    in_service(backend, "e")
    scaling = backend.client("application-autoscaling")
    scaling.register_scalable_target(**VARIANT, MinCapacity=1, MaxCapacity=3)
    describe = lambda **more: scaling.describe_scalable_targets(
        ServiceNamespace="sagemaker", **more
    )["ScalableTargets"]
    (target,) = describe(ResourceIds=[VARIANT["ResourceId"]])
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 3), target
    assert target["ResourceId"] == VARIANT["ResourceId"], target
    assert target["ScalableTargetARN"].startswith("arn:aws:application-autoscaling:"), target
    scaling.register_scalable_target(**VARIANT, MinCapacity=2, MaxCapacity=3)
    assert [target["MinCapacity"] for target in describe()] == [2]
    assert describe(ResourceIds=["endpoint/other/variant/AllTraffic"]) == []
    scaling.deregister_scalable_target(**VARIANT)
    assert describe() == []


@both
def policies_are_put_described_and_deleted(backend):
    in_service(backend, "e")
    scaling = backend.client("application-autoscaling")
    scaling.register_scalable_target(**VARIANT, MinCapacity=1, MaxCapacity=3)
    put = scaling.put_scaling_policy(**VARIANT, **TRACKING)
    assert ":scalingPolicy:" in put["PolicyARN"], put
    pages = scaling.get_paginator("describe_scaling_policies").paginate(
        ServiceNamespace="sagemaker", ResourceId=VARIANT["ResourceId"]
    )
    (policy,) = [policy for page in pages for policy in page["ScalingPolicies"]]
    assert policy["PolicyType"] == "TargetTrackingScaling", policy
    field = "TargetTrackingScalingPolicyConfiguration"
    assert policy[field]["TargetValue"] == 70, policy
    assert policy["PolicyARN"] == put["PolicyARN"], policy
    scaling.delete_scaling_policy(**VARIANT, PolicyName="keep-up")
    rest = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")
    assert names([rest], "ScalingPolicies", "PolicyName") == [], rest


@both
def what_does_not_fit_together_is_refused(backend):
    scaling = backend.client("application-autoscaling")
    call = {**VARIANT, "ResourceId": "service/e/AllTraffic", "MinCapacity": 1, "MaxCapacity": 1}
    unsupported = "Unsupported service namespace"
    refused("ValidationException", unsupported, scaling.register_scalable_target, **call)


@sim_only
def a_policy_has_alarms_and_keeps_its_arn(backend):
    # moto has alarms for other services only, and a new ARN each time.
    in_service(backend, "e")
    scaling = backend.client("application-autoscaling")
    scaling.register_scalable_target(**VARIANT, MinCapacity=1, MaxCapacity=3)
    first = scaling.put_scaling_policy(**VARIANT, **TRACKING)
    assert len(first["Alarms"]) == 2, first
    again = scaling.put_scaling_policy(**VARIANT, **TRACKING)
    assert first["PolicyARN"] == again["PolicyARN"], again
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert policy["Alarms"] == again["Alarms"], policy


@sim_only
def absent_endpoints_targets_and_policies_are_told(backend):
    in_service(backend, "e")
    scaling = backend.client("application-autoscaling")
    bounds = {"MinCapacity": 1, "MaxCapacity": 3}
    absent = {**VARIANT, "ResourceId": "endpoint/absent/variant/AllTraffic"}
    missing = "SageMaker endpoint variant doesn't exist: endpoint/absent"
    refused("ValidationException", missing, scaling.register_scalable_target, **absent, **bounds)
    # moto calls these ValidationException; AWS's model has a shape of its own for them.
    code = "ObjectNotFoundException"
    missing = "No scalable target registered for service namespace: sagemaker, resource ID: "
    refused(code, missing, scaling.put_scaling_policy, **VARIANT, **TRACKING)
    refused(code, "No scalable target found", scaling.deregister_scalable_target, **VARIANT)
    call = {**VARIANT, "PolicyName": "absent"}
    refused(code, "No scaling policy found", scaling.delete_scaling_policy, **call)
    crossed = {"MinCapacity": 4, "MaxCapacity": 3}
    less = "Maximum capacity cannot be less"
    refused("ValidationException", less, scaling.register_scalable_target, **VARIANT, **crossed)


@sim_only
def a_scaled_variant_keeps_its_instance_type(backend):
    sm = in_service(backend, "e")
    scaling = backend.client("application-autoscaling")
    scaling.register_scalable_target(**VARIANT, MinCapacity=1, MaxCapacity=3)
    config(sm, "c2", "m", "ml.m5.xlarge")
    call = {"EndpointName": "e", "EndpointConfigName": "c2"}
    bound = 'The variant(s) "AllTraffic" must be deregistered as scalable targets'
    refused("ValidationException", bound, sm.update_endpoint, **call)
    sm.delete_endpoint(EndpointName="e")
    left = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert left == [], left
