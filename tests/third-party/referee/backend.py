"""The back end under judgement, and what every scenario needs."""

import json
import urllib.request

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

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
        config = Config(retries=retries, **{"read_timeout": 10, **config})
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
        course = {"timeline": timeline} if steps else {}
        self.post("/_sim/script", {"endpoint": "*", **course, **script})

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
            self.settings(endpoint_quota=None, instance_quotas={}, no_capacity=[])


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


def in_service(backend, *endpoints):
    """A client, and endpoints that are in service, whatever the back end."""
    sm = backend.client("sagemaker")
    deployed(sm, *endpoints)
    if backend.kind == "sim":
        backend.advance(901)
    return sm


def status(sm, name):
    return sm.describe_endpoint(EndpointName=name)["EndpointStatus"]
