"""Models, configurations, endpoints and their tags, as moto has them, too."""

import datetime
import json
import time

from .backend import (
    ACCOUNT,
    IMAGE,
    OPEN,
    ROLE,
    both,
    config,
    deployed,
    endpoint,
    model,
    names,
    refused,
)


@both
def identity(backend):
    seen = backend.client("sts").get_caller_identity()
    assert seen["Account"] == ACCOUNT, seen
    assert seen["Arn"].startswith("arn:aws:"), seen


@both
def roles_that_sagemaker_may_assume(backend):
    iam = backend.client("iam")
    roles = [r for page in iam.get_paginator("list_roles").paginate() for r in page["Roles"]]
    trusted = [r["Arn"] for r in roles if "sagemaker" in json.dumps(r["AssumeRolePolicyDocument"])]
    assert ROLE in trusted, trusted
    role = iam.get_role(RoleName="SageMakerExec")["Role"]
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Action"] == "sts:AssumeRole", role
    refused("NoSuchEntity", "", iam.get_role, RoleName="absent")


@both
def model_crud(backend):
    sm = backend.client("sagemaker")
    source = {
        "S3DataSource": {
            "S3Uri": "s3://jumpstart-cache-prod-us-east-1/sim/",
            "S3DataType": "S3Prefix",
            "CompressionType": "None",
        }
    }
    tags = [{"Key": "sagemaker-sdk:jumpstart-model-id", "Value": OPEN}]
    container = {"Image": IMAGE, "Environment": {"A": "1"}, "ModelDataSource": source}
    arn = model(sm, "Model-1", container, Tags=tags)["ModelArn"]
    # AWS puts names into ARNs in lower case; moto keeps them as they are.
    assert arn.lower() == f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model/model-1", arn
    seen = sm.describe_model(ModelName="Model-1")
    assert seen["PrimaryContainer"]["Environment"] == {"A": "1"}, seen
    assert seen["PrimaryContainer"]["ModelDataSource"] == source, seen
    age = datetime.datetime.now(datetime.timezone.utc) - seen["CreationTime"]
    assert abs(age.total_seconds()) < 60, seen["CreationTime"]
    assert sm.list_tags(ResourceArn=arn)["Tags"] == tags
    assert [m["ModelName"] for m in sm.list_models()["Models"]] == ["Model-1"]
    sm.delete_model(ModelName="Model-1")
    assert sm.list_models()["Models"] == []


@both
def endpoint_config_crud(backend):
    sm = backend.client("sagemaker")
    model(sm, "m")
    arn = config(sm, "c", "m")["EndpointConfigArn"]
    assert arn == f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint-config/c", arn
    seen = sm.describe_endpoint_config(EndpointConfigName="c")
    assert seen["EndpointConfigArn"] == arn, seen
    assert seen["ProductionVariants"][0]["InstanceType"] == "ml.m5.large", seen
    listed = sm.list_endpoint_configs()["EndpointConfigs"]
    assert [c["EndpointConfigName"] for c in listed] == ["c"], listed
    sm.delete_endpoint_config(EndpointConfigName="c")
    assert sm.list_endpoint_configs()["EndpointConfigs"] == []


@both
def endpoint_from_creation_to_service_to_deletion(backend):
    if backend.kind == "sim":
        backend.settings(time_factor=1000, create_seconds=900, delete_seconds=120)
    sm = backend.client("sagemaker")
    deployed(sm)
    arn = endpoint(sm, "e")["EndpointArn"]
    assert arn == f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/e", arn
    waiter = sm.get_waiter("endpoint_in_service")
    waiter.wait(EndpointName="e", WaiterConfig={"Delay": 0.1, "MaxAttempts": 50})
    seen = sm.describe_endpoint(EndpointName="e")
    assert seen["EndpointStatus"] == "InService", seen
    assert seen["EndpointConfigName"] == "c", seen
    variant = seen["ProductionVariants"][0]
    assert variant["CurrentInstanceCount"] == variant["DesiredInstanceCount"] == 1, variant
    sm.delete_endpoint(EndpointName="e")
    deadline = time.time() + 5
    while names([sm.list_endpoints()], "Endpoints", "EndpointName"):
        assert time.time() < deadline, "the endpoint is still there"
        time.sleep(0.05)
    call = {"EndpointName": "e"}
    refused("ValidationException", "Could not find endpoint", sm.describe_endpoint, **call)


@both
def missing_resources(backend):
    sm = backend.client("sagemaker")
    code, missing = "ValidationException", "Could not find "
    call = {"EndpointName": "absent"}
    response = refused(code, missing + "endpoint", sm.describe_endpoint, **call)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400, response
    refused(code, missing + "endpoint", sm.delete_endpoint, **call)
    refused(code, missing + "model", sm.describe_model, ModelName="absent")
    refused(code, missing + "model", sm.delete_model, ModelName="absent")
    call = {"EndpointConfigName": "absent"}
    refused(code, missing + "endpoint", sm.describe_endpoint_config, **call)
    refused(code, missing + "endpoint", sm.delete_endpoint_config, **call)
    refused(code, missing + "endpoint", sm.create_endpoint, EndpointName="e", **call)


@both
def filters_and_pages(backend):
    if backend.kind == "sim":
        backend.settings(time_factor=1e6, create_seconds=1)
    sm = backend.client("sagemaker")
    wanted = [f"page-{n:02}" for n in range(13)]
    deployed(sm, *wanted, "other")
    pages = sm.get_paginator("list_endpoints").paginate(
        NameContains="page", PaginationConfig={"PageSize": 5}
    )
    seen = names(pages, "Endpoints", "EndpointName")
    assert sorted(seen) == wanted, seen
    first = sm.list_endpoints(MaxResults=5)
    assert len(first["Endpoints"]) == 5 and first["NextToken"], first
    assert names([sm.list_endpoints(NameContains="oth")], "Endpoints", "EndpointName") == ["other"]
    assert sm.list_endpoints(StatusEquals="Failed")["Endpoints"] == []
    in_service = sm.get_paginator("list_endpoints").paginate(StatusEquals="InService")
    assert len(names(in_service, "Endpoints", "EndpointName")) == 14
    for n in range(12):
        model(sm, f"listed-{n}")
        config(sm, f"listed-{n}", "m")
    pages = sm.get_paginator("list_models").paginate()
    assert len(names(pages, "Models", "ModelName")) == 13
    pages = sm.get_paginator("list_endpoint_configs").paginate(NameContains="listed")
    assert len(names(pages, "EndpointConfigs", "EndpointConfigName")) == 12


@both
def tags_of_a_model(backend):
    sm = backend.client("sagemaker")
    arn = model(sm, "m", Tags=[{"Key": "a", "Value": "1"}])["ModelArn"]
    sm.add_tags(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    pages = sm.get_paginator("list_tags").paginate(ResourceArn=arn)
    assert sorted(names(pages, "Tags", "Key")) == ["a", "b"]
    sm.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert sm.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
