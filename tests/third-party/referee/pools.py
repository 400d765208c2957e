"""Instance pools, and instance types that AWS has none left of."""

from .backend import config, deployed, endpoint, refused, sim_only, status


def pooled(sm, name, *kinds, **variant):
    pools = [{"InstanceType": kind, "Priority": n + 1} for n, kind in enumerate(kinds)]
    production = {"VariantName": "AllTraffic", "ModelName": "m", "InstancePools": pools, **variant}
    return sm.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[production])


def pools_of(sm, name):
    variants = sm.describe_endpoint(EndpointName=name)["ProductionVariants"]
    pools = variants[0]["InstancePools"]
    return {pool["InstanceType"]: pool["CurrentInstanceCount"] for pool in pools}


@sim_only
def pools_are_shown_and_checked(backend):
    sm = backend.client("sagemaker")
    deployed(sm)
    timeout = {"VariantInstanceProvisionTimeoutInSeconds": 600}
    pooled(sm, "pools", "ml.g5.xlarge", "ml.g6.xlarge", **timeout)
    seen = sm.describe_endpoint_config(EndpointConfigName="pools")["ProductionVariants"][0]
    assert seen["InstancePools"][1] == {"InstanceType": "ml.g6.xlarge", "Priority": 2}, seen
    assert seen["VariantInstanceProvisionTimeoutInSeconds"] == 600 and "InstanceType" not in seen
    call, code = {"sm": sm, "name": "bad"}, "ValidationException"
    pool = {"InstanceType": "ml.g5.xlarge", "Priority": 1}
    both = {"InstanceType": "ml.g5.xlarge", "InstancePools": [pool]}
    refused(code, "InstanceType and InstancePools", pooled, **call, **both)
    pool = {"InstanceType": "ml.g5.xlarge", "Priority": 6}
    limit = "1 validation error detected: Value '6' at 'instancePools.1.member.priority'"
    refused(code, limit, pooled, **call, InstancePools=[pool])
    pool = {"InstanceType": "ml.g5.xlarge", "Priority": 1, "ModelNameOverride": "absent"}
    refused(code, "Could not find model", pooled, **call, InstancePools=[pool])


@sim_only
def an_endpoint_falls_to_the_next_pool(backend):
    backend.settings(no_capacity=["ml.g5.xlarge"])
    sm = backend.client("sagemaker")
    deployed(sm)
    pooled(sm, "pools", "ml.g5.xlarge", "ml.g6.xlarge")
    pooled(sm, "scarce", "ml.g5.xlarge", VariantInstanceProvisionTimeoutInSeconds=600)
    config(sm, "plain", "m", "ml.g5.xlarge")
    for name in ("pools", "scarce", "plain"):
        endpoint(sm, name, name)
    backend.advance(301)
    assert [status(sm, name) for name in ("scarce", "plain")] == ["Creating", "Failed"]
    backend.advance(601)
    assert pools_of(sm, "pools") == {"ml.g5.xlarge": 0, "ml.g6.xlarge": 1}
    for name in ("scarce", "plain"):
        seen = sm.describe_endpoint(EndpointName=name)
        assert seen["EndpointStatus"] == "Failed", seen
        assert "InsufficientInstanceCapacity" in seen["FailureReason"], seen
