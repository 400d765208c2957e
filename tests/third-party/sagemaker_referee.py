"""Judges the SageMaker simulator with AWS's own client, boto3.

    longhaul-sim sagemaker                                       # prints its URL
    python sagemaker_referee.py --backend sim --endpoint-url http://127.0.0.1:PORT
    moto_server -H 127.0.0.1 -p 5055
    python sagemaker_referee.py --backend moto --endpoint-url http://127.0.0.1:5055

Scenarios that moto supports run on both back ends unchanged, so that the
simulator is not its own judge. One line a scenario, then the sum; exits 1 when
one failed.
"""

import argparse
import datetime
import http.client
import json
import sys
import time
import traceback
import urllib.request

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, WaiterError

ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/SageMakerExec"
IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:1.10.0-cpu-py38"
OPEN, GATED = "sim-ic-mobilenet", "sim-textgeneration-gated-7b"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}

SCENARIOS = []


def scenario(*backends):
    """Registers a function that is run on these back ends."""

    def register(function):
        SCENARIOS.append((function, backends))
        return function

    return register


both = scenario("sim", "moto")
sim_only = scenario("sim")


class Backend:
    """The back end under judgement, and how to bring it to a known state."""

    def __init__(self, kind, url):
        self.kind, self.url = kind, url.rstrip("/")

    def client(self, service, region="us-east-1", attempts=1, **config):
        if config.get("signature_version") is UNSIGNED:
            keys = {}
        else:
            keys = {"aws_access_key_id": "t", "aws_secret_access_key": "t"}
        retries = {"mode": "standard", "total_max_attempts": attempts}
        config = Config(retries=retries, read_timeout=10, **config)
        return boto3.client(service, region, endpoint_url=self.url, config=config, **keys)

    def request(self, method, path, data=None):
        request = urllib.request.Request(self.url + path, data, method=method)
        return urllib.request.urlopen(request, timeout=10).read()

    def post(self, path, body=None):
        return self.request("POST", path, json.dumps(body or {}).encode())

    def get(self, path):
        return json.loads(self.request("GET", path))

    def settings(self, **settings):
        self.post("/_sim/settings", settings)

    def script(self, *steps, **script):
        timeline = [dict(zip(("status", "seconds"), step)) for step in steps]
        self.post("/_sim/script", {"endpoint": "*", "timeline": timeline, **script})

    def fault(self, op, kind, **fault):
        self.post("/_sim/fault", {"op": op, "kind": kind, **fault})

    def advance(self, seconds):
        self.post("/_sim/advance", {"seconds": seconds})

    def reset(self):
        if self.kind == "moto":
            self.post("/moto-api/reset")
            trust = json.dumps(TRUST)
            iam = self.client("iam")
            iam.create_role(RoleName="SageMakerExec", AssumeRolePolicyDocument=trust)
        else:
            # However it was started: the scenarios count on these.
            self.post("/_sim/reset")
            self.request("DELETE", "/_sim/fault")
            self.settings(time_factor=1, create_seconds=900, delete_seconds=120, sagemaker_roles=1)


def refused(code, message, call, **arguments):
    """Calls, and wants a refusal with this code and a message that starts so."""
    try:
        call(**arguments)
    except ClientError as error:
        seen = error.response["Error"]
        assert seen["Code"] == code, seen
        assert seen["Message"].startswith(message), seen
        assert error.response["ResponseMetadata"]["RequestId"], error.response
        return error.response
    raise AssertionError(f"{code} expected, but it was accepted")


def names(pages, field, key):
    return [item[key] for page in pages for item in page[field]]


def model(sm, name, container=None, **more):
    container = container or {"Image": IMAGE, "Environment": {"A": "1"}}
    arguments = {"ModelName": name, "ExecutionRoleArn": ROLE, "PrimaryContainer": container}
    return sm.create_model(**arguments, **more)


def config(sm, name, model_name, instance_type="ml.m5.large", count=1, **variant):
    production = {
        "VariantName": "AllTraffic",
        "ModelName": model_name,
        "InitialInstanceCount": count,
        "InstanceType": instance_type,
        "InitialVariantWeight": 1,
        **variant,
    }
    return sm.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[production])


def endpoint(sm, name, config_name="c", **more):
    return sm.create_endpoint(EndpointName=name, EndpointConfigName=config_name, **more)


def deployed(sm, *endpoints):
    model(sm, "m")
    config(sm, "c", "m")
    for name in endpoints:
        endpoint(sm, name)


def status(sm, name):
    return sm.describe_endpoint(EndpointName=name)["EndpointStatus"]


# What moto supports too


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


# What only AWS and the simulator do


@sim_only
def messages_of_refusals_are_those_of_aws(backend):
    sm = backend.client("sagemaker")
    deployed(sm, "E")
    code, arn = "ValidationException", f"arn:aws:sagemaker:us-east-1:{ACCOUNT}"
    exists = "Cannot create already existing "
    refused(code, f'{exists}endpoint "{arn}:endpoint/e".', endpoint, sm=sm, name="E")
    refused(code, f'{exists}endpoint "{arn}:endpoint/e".', endpoint, sm=sm, name="e")
    refused(code, f'{exists}model "{arn}:model/m".', model, sm=sm, name="m")
    taken = f'{exists}endpoint configuration "{arn}:endpoint-config/c".'
    refused(code, taken, config, sm=sm, name="c", model_name="m")
    busy = f'Cannot update in-progress endpoint "{arn}:endpoint/e".'
    refused(code, busy, sm.delete_endpoint, EndpointName="E")
    refused(code, busy, sm.update_endpoint, EndpointName="E", EndpointConfigName="c")
    missing = f'Could not find endpoint configuration "{arn}:endpoint-config/absent".'
    refused(code, missing, endpoint, sm=sm, name="new", config_name="absent")
    missing = f'Could not find model "{arn}:model/absent".'
    refused(code, missing, config, sm=sm, name="new", model_name="absent")


@sim_only
def parameters_are_validated(backend):
    sm = backend.client("sagemaker")
    deployed(sm)
    code, prefix = "ValidationException", "1 validation error detected: Value "
    refused(code, f"{prefix}'a_b' at 'endpointName' failed", endpoint, sm=sm, name="a_b")
    long = "a" * 64
    refused(code, f"{prefix}'{long}' at 'endpointName' failed", endpoint, sm=sm, name=long)
    refused(code, f"{prefix}'101' at 'maxResults'", sm.list_endpoints, MaxResults=101)
    at = "'productionVariants.1.member."
    call = {"sm": sm, "name": "new", "model_name": "m"}
    refused(code, f"{prefix}'ml.g5.large' at {at}", config, **call, instance_type="ml.g5.large")
    timeout = {"ModelDataDownloadTimeoutInSeconds": 3601}
    refused(code, f"{prefix}'3601' at {at}", config, **call, **timeout)
    volume = "VolumeSize parameter is not allowed for the selected Instance type ml.g5.xlarge"
    refused(code, volume, config, **call, instance_type="ml.g5.xlarge", VolumeSizeInGB=256)
    config(sm, "volume", "m", VolumeSizeInGB=256)
    for instance_type in ("ml.g5.xlarge", "ml.g7e.2xlarge", "ml.p5.48xlarge"):
        config(sm, "gpu-" + instance_type.split(".")[1], "m", instance_type)
    arguments = {"ModelName": "n", "PrimaryContainer": {"Image": IMAGE}}
    lambda_role = f"arn:aws:iam::{ACCOUNT}:role/LambdaBasicExecution"
    call = {"ExecutionRoleArn": lambda_role, **arguments}
    refused(code, "Could not assume role", sm.create_model, **call)


@sim_only
def an_unknown_operation_is_told(backend):
    sm = backend.client("sagemaker")
    refused("UnknownOperationException", "", sm.list_training_jobs)


@sim_only
def a_deployment_shows_its_progress(backend):
    backend.script(("Creating", 600), ("InService",))
    sm = backend.client("sagemaker")
    deployed(sm, "e")
    seen = sm.describe_endpoint(EndpointName="e")
    assert seen["EndpointStatus"] == "Creating" and "ProductionVariants" not in seen, seen
    pending = seen["PendingDeploymentSummary"]
    assert pending["EndpointConfigName"] == "c", pending
    assert pending["ProductionVariants"][0]["VariantStatus"][0]["Status"] == "Creating", pending
    backend.advance(599)
    assert status(sm, "e") == "Creating"
    backend.advance(2)
    seen = sm.describe_endpoint(EndpointName="e")
    assert seen["EndpointStatus"] == "InService", seen
    assert "PendingDeploymentSummary" not in seen and "FailureReason" not in seen, seen
    assert seen["LastModifiedTime"] >= seen["CreationTime"], seen


@sim_only
def a_failed_endpoint_can_only_be_deleted(backend):
    reason = "The model data archive is too large."
    backend.script(("Creating", 60), ("Failed",), failure_reason=reason)
    sm = backend.client("sagemaker")
    deployed(sm, "e")
    backend.advance(61)
    try:
        waiter = sm.get_waiter("endpoint_in_service")
        waiter.wait(EndpointName="e", WaiterConfig={"Delay": 0.1, "MaxAttempts": 3})
        raise AssertionError("the waiter did not see the failure")
    except WaiterError as error:
        assert error.last_response["FailureReason"] == reason, error.last_response
    call = {"EndpointName": "e", "EndpointConfigName": "c"}
    refused("ValidationException", "Cannot update", sm.update_endpoint, **call)
    sm.delete_endpoint(EndpointName="e")
    assert status(sm, "e") == "Deleting"
    backend.advance(121)
    missing = "Could not find endpoint"
    refused("ValidationException", missing, sm.describe_endpoint, EndpointName="e")


@sim_only
def every_status_reaches_the_client(backend):
    sm = backend.client("sagemaker")
    deployed(sm)
    words = ["Creating", "InService", "Failed", "OutOfService", "Updating", "SystemUpdating"]
    words += ["RollingBack", "UpdateRollbackFailed", "Deleting", "Hibernating"]
    for word in words:
        backend.script((word,), endpoint=f"e-{word}")
        endpoint(sm, f"e-{word}")
        assert status(sm, f"e-{word}") == word
        if word != "Hibernating":
            listed = sm.list_endpoints(StatusEquals=word)
            assert names([listed], "Endpoints", "EndpointName") == [f"e-{word}"], listed
    backend.script(("InService", 5), ("Vanished",), endpoint="ghost")
    endpoint(sm, "ghost")
    backend.advance(6)
    missing = "Could not find endpoint"
    refused("ValidationException", missing, sm.describe_endpoint, EndpointName="ghost")
    endpoint(sm, "ghost")


@sim_only
def updates_come_through_or_are_rolled_back(backend):
    backend.settings(create_seconds=100)
    sm = backend.client("sagemaker")
    deployed(sm, "e")
    config(sm, "c2", "m", "ml.m5.xlarge")
    backend.advance(101)
    update = {"EndpointName": "e", "EndpointConfigName": "c2"}
    reason = "Alarm breached"
    steps = [("Updating", 50), ("RollingBack", 50), ("InService",)]
    backend.script(*steps, on="update", failure_reason=reason)
    sm.update_endpoint(**update)
    seen = sm.describe_endpoint(EndpointName="e")
    assert (seen["EndpointStatus"], seen["EndpointConfigName"]) == ("Updating", "c"), seen
    assert seen["PendingDeploymentSummary"]["EndpointConfigName"] == "c2", seen
    backend.advance(101)
    seen = sm.describe_endpoint(EndpointName="e")
    assert (seen["EndpointStatus"], seen["EndpointConfigName"]) == ("InService", "c"), seen
    assert seen["FailureReason"] == reason, seen
    sm.update_endpoint(**update)
    backend.advance(101)
    seen = sm.describe_endpoint(EndpointName="e")
    assert (seen["EndpointStatus"], seen["EndpointConfigName"]) == ("InService", "c2"), seen


@sim_only
def quotas_are_kept(backend):
    backend.settings(endpoint_quota=2, instance_quotas={"ml.g5.xlarge": 0})
    sm = backend.client("sagemaker")
    deployed(sm, "e1")
    config(sm, "two", "m", count=2)
    config(sm, "gpu", "m", "ml.g5.xlarge")
    limit = "The account-level service limit 'ml.m5.large for endpoint usage' is 2 Instances, with"
    call = {"sm": sm, "name": "e2"}
    refused("ResourceLimitExceeded", limit, endpoint, **call, config_name="two")
    limit = "The account-level service limit 'ml.g5.xlarge for endpoint usage' is 0 Instances"
    refused("ResourceLimitExceeded", limit, endpoint, **call, config_name="gpu")
    endpoint(sm, "e2")


@sim_only
def a_gated_model_needs_its_licence_accepted(backend):
    sm = backend.client("sagemaker")
    for name, access in (("no", {}), ("yes", {"ModelAccessConfig": {"AcceptEula": True}})):
        source = {
            "S3Uri": "s3://jumpstart-private-cache-prod-us-east-1/sim/",
            "S3DataType": "S3Prefix",
            "CompressionType": "None",
            **access,
        }
        model(sm, name, {"Image": IMAGE, "ModelDataSource": {"S3DataSource": source}})
        config(sm, name, name)
        endpoint(sm, name, name)
    backend.advance(901)
    assert status(sm, "yes") == "InService"
    seen = sm.describe_endpoint(EndpointName="no")
    assert seen["EndpointStatus"] == "Failed" and "403" in seen["FailureReason"], seen


@sim_only
def tags_of_every_kind(backend):
    sm = backend.client("sagemaker")
    deployed(sm)
    arn = endpoint(sm, "e", Tags=[{"Key": "a", "Value": "1"}])["EndpointArn"]
    added = sm.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}])
    assert added["Tags"] == [{"Key": "a", "Value": "2"}], added
    assert sm.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "2"}]
    sm.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert sm.list_tags(ResourceArn=arn)["Tags"] == []
    config_arn = sm.describe_endpoint_config(EndpointConfigName="c")["EndpointConfigArn"]
    sm.add_tags(ResourceArn=config_arn, Tags=[{"Key": "k", "Value": "v"}])
    assert sm.list_tags(ResourceArn=config_arn)["Tags"] == [{"Key": "k", "Value": "v"}]
    missing = arn.replace("/e", "/absent")
    refused("ValidationException", "Could not find endpoint", sm.list_tags, ResourceArn=missing)
    many = [{"Key": f"k{n}", "Value": ""} for n in range(50)]
    sm.add_tags(ResourceArn=arn, Tags=many)
    more = {"ResourceArn": arn, "Tags": [{"Key": "one-more", "Value": ""}]}
    refused("ResourceLimitExceeded", "", sm.add_tags, **more)


@sim_only
def lists_are_ordered_and_bounded_in_time(backend):
    sm = backend.client("sagemaker")
    deployed(sm, "b", "a")
    time.sleep(0.02)
    between = datetime.datetime.now(datetime.timezone.utc)
    time.sleep(0.02)
    endpoint(sm, "c")

    def listed(**filters):
        return "".join(names([sm.list_endpoints(**filters)], "Endpoints", "EndpointName"))

    assert listed() == "cab", listed()
    assert listed(SortOrder="Ascending") == "bac"
    assert listed(SortBy="Name", SortOrder="Ascending") == "abc"
    assert listed(CreationTimeAfter=between) == "c"
    assert listed(CreationTimeBefore=between) == "ab"
    model(sm, "other")
    # moto ignores this filter.
    assert names([sm.list_models(NameContains="oth")], "Models", "ModelName") == ["other"]
    page = sm.list_endpoints(MaxResults=2)
    endpoint(sm, "d")
    rest = sm.list_endpoints(MaxResults=2, NextToken=page["NextToken"])
    assert names([rest], "Endpoints", "EndpointName") == ["b"], rest
    bad = {"NextToken": "nonsense"}
    refused("ValidationException", "Invalid", sm.list_endpoints, **bad)


@sim_only
def regions_are_apart(backend):
    east, west = backend.client("sagemaker"), backend.client("sagemaker", "us-west-2")
    deployed(east, "e")
    assert west.list_endpoints()["Endpoints"] == []
    deployed(west)
    assert ":us-west-2:" in endpoint(west, "e")["EndpointArn"]


@sim_only
def creations_are_seen_late(backend):
    backend.settings(eventual_consistency_seconds=5)
    sm = backend.client("sagemaker")
    model(sm, "m")
    backend.advance(6)
    config(sm, "c", "m")
    missing = "Could not find endpoint configuration"
    refused("ValidationException", missing, endpoint, sm=sm, name="e")
    backend.advance(6)
    endpoint(sm, "e")


@sim_only
def hub_documents(backend):
    for region in ("us-east-1", "eu-west-1"):
        sm = backend.client("sagemaker", region)
        call = {"HubName": "SageMakerPublicHub", "HubContentType": "Model"}
        for name, gated in ((OPEN, False), (GATED, True)):
            seen = sm.describe_hub_content(**call, HubContentName=name)
            document = json.loads(seen["HubContentDocument"])
            assert seen["HubContentStatus"] == "Available", seen
            assert seen["SupportStatus"] == "Supported", seen
            assert document.get("GatedBucket", False) == gated, name
            assert region in document["HostingArtifactUri"], document["HostingArtifactUri"]
        old = sm.describe_hub_content(**call, HubContentName=OPEN, HubContentVersion="1.0.0")
        assert old["SupportStatus"] == "Deprecated", old
        absent = {**call, "HubContentName": "absent"}
        refused("ResourceNotFound", "", sm.describe_hub_content, **absent)


@sim_only
def specs_in_the_bucket(backend):
    addressing = {"s3": {"addressing_style": "path"}}
    s3 = backend.client("s3", "eu-west-1", signature_version=UNSIGNED, **addressing)
    bucket = "jumpstart-cache-prod-eu-west-1"
    read = lambda key: s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    manifest = json.loads(read("models_manifest.json"))
    assert {entry["model_id"] for entry in manifest} == {OPEN, GATED}, manifest
    for entry in manifest:
        spec = json.loads(read(entry["spec_key"]))
        assert spec["model_id"] == entry["model_id"], entry
        if spec.get("gated_bucket"):
            assert b"LICENSE" in read(spec["hosting_eula_key"])
    assert s3.head_object(Bucket=bucket, Key="models_manifest.json")["ContentLength"] > 100
    refused("NoSuchKey", "", s3.get_object, Bucket=bucket, Key="absent")
    private = "jumpstart-private-cache-prod-eu-west-1"
    refused("AccessDenied", "", s3.get_object, Bucket=private, Key="x")


@sim_only
def many_roles_come_in_pages(backend):
    backend.settings(sagemaker_roles=250)
    iam = backend.client("iam")
    pages = list(iam.get_paginator("list_roles").paginate())
    assert [len(page["Roles"]) for page in pages] == [100, 100, 51], pages
    assert len(set(names(pages, "Roles", "Arn"))) == 251


@sim_only
def refusals_on_request(backend):
    sm, sts = backend.client("sagemaker"), backend.client("sts")
    for kind, code in (
        ("throttle", "ThrottlingException"),
        ("expired_token", "ExpiredTokenException"),
        ("denied", "AccessDeniedException"),
        ("http_503", "ServiceUnavailable"),
    ):
        backend.fault("ListEndpoints", kind)
        refused(code, "", sm.list_endpoints)
    backend.fault("GetCallerIdentity", "expired_token")
    refused("ExpiredToken", "", sts.get_caller_identity)
    backend.fault("ListEndpoints", "http_500_html")
    try:
        sm.list_endpoints()
        raise AssertionError("an HTML page was taken for an answer")
    except ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 500, error.response
    backend.fault("ListEndpoints", "throttle", retry_after=7)
    response = refused("ThrottlingException", "", sm.list_endpoints)
    assert response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "7", response


@sim_only
def clients_retry_through_faults(backend):
    sm = backend.client("sagemaker", attempts=4)
    for kind in ("throttle", "http_503", "reset"):
        backend.fault("ListEndpoints", kind)
        assert sm.list_endpoints()["Endpoints"] == []
    log = backend.get("/_sim/log")
    outcomes = [(e["fault"], e["outcome"], e["status"]) for e in log]
    assert outcomes == [
        ("throttle", "answered", 400), (None, "answered", 200),
        ("http_503", "answered", 503), (None, "answered", 200),
        ("reset", "reset", None), (None, "answered", 200),
    ], outcomes  # fmt: skip


@sim_only
def half_an_answer_is_noticed(backend):
    # Not with boto3: it takes half a JSON document for an empty answer.
    backend.fault("ListEndpoints", "truncate")
    headers = {"X-Amz-Target": "SageMaker.ListEndpoints"}
    request = urllib.request.Request(backend.url, b"{}", headers)
    try:
        whole = urllib.request.urlopen(request, timeout=10).read()
        raise AssertionError(f"the answer is whole: {whole}")
    except http.client.IncompleteRead as error:
        assert error.partial == b'{"Endpoi', error.partial


@sim_only
def an_answer_that_is_lost_was_carried_out(backend):
    sm = backend.client("sagemaker", attempts=3)
    deployed(sm)
    backend.fault("CreateEndpoint", "commit_then_reset")
    # boto3 repeats the call by itself, and meets what its first one created.
    exists = "Cannot create already existing endpoint"
    refused("ValidationException", exists, endpoint, sm=sm, name="e")
    assert backend.get("/_sim/state")["created"]["endpoints"] == 1
    assert status(sm, "e") == "Creating"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--endpoint-url", required=True)
    parser.add_argument("--backend", choices=["sim", "moto"], default="sim")
    parser.add_argument("--only", help="run the scenarios whose name contains this")
    arguments = parser.parse_args()
    backend = Backend(arguments.backend, arguments.endpoint_url)
    passed = failed = 0
    for function, backends in SCENARIOS:
        name = function.__name__
        if backend.kind not in backends or (arguments.only or "") not in name:
            continue
        try:
            backend.reset()
            function(backend)
            passed += 1
            print(f"ok {name}", flush=True)
        except Exception:  # whatever it is, the other scenarios still count
            failed += 1
            print(f"FAILED {name}", flush=True)
            traceback.print_exc()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
