"""What is changed of an endpoint is what boto3 reads afterwards."""

from .parties import DEPLOY, both, sim_only

UPDATE, SCALE = "update_sagemaker_endpoint", "scale_sagemaker_endpoint"
VARIANT = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/e/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


def targets(parties):
    scaling = parties.boto3("application-autoscaling")
    asked = {"ServiceNamespace": "sagemaker", "ResourceIds": [VARIANT["ResourceId"]]}
    return scaling.describe_scalable_targets(**asked)["ScalableTargets"]


def policies(parties):
    scaling = parties.boto3("application-autoscaling")
    return scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]


def variant(parties):
    (only,) = parties.boto3("sagemaker").describe_endpoint(EndpointName="e")["ProductionVariants"]
    return only


@sim_only
async def an_update_leads_to_the_type_that_was_asked_for(parties):
    async with parties.server() as server:
        await server.call(DEPLOY, **parties.open_model())
        await server.call(UPDATE, **parties.open_model(instance_type="ml.m5.xlarge"))
        told = await server.call("describe_sagemaker_endpoint", endpoint_name="e")
    sagemaker = parties.boto3("sagemaker")
    endpoint = sagemaker.describe_endpoint(EndpointName="e")
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    types = [variant["InstanceType"] for variant in config["ProductionVariants"]]
    assert (endpoint["EndpointStatus"], types) == ("InService", ["ml.m5.xlarge"]), (endpoint, config)
    assert (told["endpoint_config_name"], told["instance_types"]) == (endpoint["EndpointConfigName"], types), told


@both
async def a_fixed_number_of_instances_is_there(parties):
    async with parties.server() as server:
        await server.call(DEPLOY, **parties.open_model())
        await server.call(SCALE, endpoint_name="e", instance_count=3)
    seen = variant(parties)
    assert (seen["DesiredInstanceCount"], seen["CurrentInstanceCount"]) == (3, 3), seen


@both
async def scaling_by_load_is_a_target_and_a_policy(parties):
    wanted = {"min_instances": 1, "max_instances": 4, "invocations_per_instance": 120.5}
    async with parties.server() as server:
        await server.call(DEPLOY, **parties.open_model())
        await server.call(SCALE, endpoint_name="e", **wanted)
        (target,), (policy,) = targets(parties), policies(parties)
        assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4), target
        assert target["ScalableDimension"] == VARIANT["ScalableDimension"], target
        tracking = policy["TargetTrackingScalingPolicyConfiguration"]
        metric = tracking["PredefinedMetricSpecification"]["PredefinedMetricType"]
        assert (policy["PolicyType"], policy["ResourceId"]) == ("TargetTrackingScaling", VARIANT["ResourceId"]), policy
        assert (tracking["TargetValue"], metric) == (120.5, "SageMakerVariantInvocationsPerInstance"), policy
        # Other numbers change it, and make no second one.
        await server.call(SCALE, endpoint_name="e", **{**wanted, "max_instances": 6})
        (target,), (_,) = targets(parties), policies(parties)
        assert target["MaxCapacity"] == 6, target


@both
async def a_fixed_number_ends_the_scaling_by_load(parties):
    wanted = {"min_instances": 1, "max_instances": 4, "invocations_per_instance": 100}
    async with parties.server() as server:
        await server.call(DEPLOY, **parties.open_model())
        await server.call(SCALE, endpoint_name="e", **wanted)
        await server.call(SCALE, endpoint_name="e", instance_count=2)
    assert (targets(parties), variant(parties)["DesiredInstanceCount"]) == ([], 2)


@both
async def what_boto3_has_set_up_is_ended_as_well(parties):
    async with parties.server() as server:
        await server.call(DEPLOY, **parties.open_model())
        parties.boto3("application-autoscaling").register_scalable_target(**VARIANT, MinCapacity=1, MaxCapacity=3)
        await server.call(SCALE, endpoint_name="e", instance_count=2)
    assert targets(parties) == []
