"""Who has to agree: sagemaker-mcp behind an MCP client, and boto3, on the same back end."""

import contextlib
import json
import os
import pathlib

from mcp import Client, StdioServerParameters
from referee import Backend

PLAN, DEPLOY, DELETE = "plan_deployment", "deploy_jumpstart_model", "delete_sagemaker_endpoint"
FIXTURES = pathlib.Path(__file__).parents[3] / "crates" / "sagemaker-mcp" / "fixtures"
BUCKET = "jumpstart-cache-prod-us-east-1"
PUBLISHED = {
    "models_manifest.json": "manifest.json",
    "acme/acme-tabular-oak/specs_v1.0.0.json": "open_cpu.spec.json",
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


class Parties:
    """The server, boto3 and their back end."""

    def __init__(self, kind, url, command):
        self.backend, self.command = Backend(kind, url), command
        self.on_moto = kind == "moto"

    def reset(self):
        self.backend.reset()
        if not self.on_moto:
            self.backend.settings(create_seconds=0, delete_seconds=0)
            return
        # moto has no hub: the server has to take the way by the bucket.
        s3 = self.boto3("s3")
        s3.create_bucket(Bucket=BUCKET, ACL="public-read")
        for key, name in PUBLISHED.items():
            s3.put_object(Bucket=BUCKET, Key=key, Body=(FIXTURES / name).read_bytes(), ACL="public-read")

    def boto3(self, service):
        return self.backend.client(service)

    def open_model(self, endpoint="e", **more):
        """The arguments of a deployment on CPU instances."""
        if self.on_moto:
            model = {"model_id": "acme-tabular-oak", "model_version": "1.*"}
        else:
            model = {"model_id": "sim-ic-mobilenet"}
        return {**model, "endpoint_name": endpoint, **more}

    @contextlib.asynccontextmanager
    async def server(self):
        """A server, reached by a client; what it may cost is nobody's."""
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": "t",
            "AWS_SECRET_ACCESS_KEY": "t",
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "MCP_LOG_LEVEL": "error",
        }
        flags = [f"--endpoint-url={self.backend.url}", "--sagemaker-poll-seconds=1", "--allow-destructive"]
        parameters = StdioServerParameters(command=self.command, args=flags, env=environment)
        async with Client(parameters) as client:
            yield Server(client)


class Server:
    """A server that a client has reached."""

    def __init__(self, client):
        self.client = client

    async def report(self, tool, **arguments):
        answer = await self.client.call_tool(tool, arguments)
        return answer.structured_content, answer.is_error

    async def call(self, tool, **arguments):
        """The result of a call that must succeed."""
        report, is_error = await self.report(tool, **arguments)
        assert not is_error, report
        assert report.get("state", "succeeded") == "succeeded", report
        return report["result"]

    async def refused(self, tool, **arguments):
        """The error of a call that must be refused."""
        report, is_error = await self.report(tool, **arguments)
        assert is_error, report
        return report["error"]


def holds(asked, seen, at=""):
    """Whether all that was asked for is seen; AWS may tell more."""
    if isinstance(asked, dict):
        assert isinstance(seen, dict), f"{at}: {seen!r}"
        for field, value in asked.items():
            assert field in seen, f"{at}.{field} is missing: {json.dumps(seen, default=str)}"
            holds(value, seen[field], f"{at}.{field}")
    elif isinstance(asked, list):
        assert isinstance(seen, list) and len(asked) == len(seen), f"{at}: {asked} and {seen}"
        for number, (one, other) in enumerate(zip(asked, seen)):
            holds(one, other, f"{at}[{number}]")
    else:
        assert asked == seen, f"{at}: {asked!r} and {seen!r}"


def tags(sagemaker, arn):
    return {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}


def names(sagemaker):
    """The names of all endpoints, configurations and models."""
    kinds = [("list_endpoints", "Endpoint"), ("list_endpoint_configs", "EndpointConfig"), ("list_models", "Model")]
    listed = {}
    for operation, kind in kinds:
        items = getattr(sagemaker, operation)()[f"{kind}s"]
        listed[kind] = sorted(item[f"{kind}Name"] for item in items)
    return listed
