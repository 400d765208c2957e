"""Judges sagemaker-mcp with the official Python client of MCP.

    longhaul-sim sagemaker                                       # prints its URL
    python mcp_client.py --server PATH/sagemaker-mcp --simulator-url http://127.0.0.1:PORT

Every scenario runs over stdio and over streamable HTTP, each with the newest
protocol and with the one that begins with `initialize`. One line a scenario,
then the sum; exits 1 when one failed. It needs /proc, to find a server's pid.
"""

import argparse
import contextlib
import itertools
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
import urllib.request

import anyio
from mcp import Client, StdioServerParameters

MODEL, INSTANCE = "sim-ic-mobilenet", "ml.m5.large"
DEPLOY, WAIT, LIST = "deploy_jumpstart_model", "wait_sagemaker_endpoint", "list_sagemaker_endpoints"
CREATE_SECONDS = 6
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
}
SCENARIOS = []


def scenario(function):
    """Registers a scenario for every connection."""
    SCENARIOS.append((function, False))
    return function


def slow_scenario(function):
    """Registers a scenario that is not repeated for the older protocol."""
    SCENARIOS.append((function, True))
    return function


class Simulator:
    """What a test says to the simulator itself, and asks it."""

    def __init__(self, url):
        self.url = url.rstrip("/")

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.url}/_sim/{path}", data, timeout=10) as answer:
            return json.loads(answer.read())

    def script(self, endpoint, *steps, **more):
        timeline = [dict(zip(("status", "seconds"), step)) for step in steps]
        self.ask("script", {"endpoint": endpoint, "timeline": timeline, **more})

    def endpoints(self, name):
        return [endpoint for endpoint in self.ask("state")["endpoints"] if endpoint["name"] == name]

    def created(self, name):
        """How many requests really created an endpoint of this name."""
        log = self.ask("log")
        made = [entry for entry in log if entry["op"] == "CreateEndpoint" and entry["resource"] == name]
        return sum(entry["status"] == 200 for entry in made)


class Connection:
    """Servers that are started and reached in one way. Each is a process of its own."""

    marks = itertools.count()

    def __init__(self, options, simulator, transport, mode):
        self.command, self.simulator = options.server, simulator
        self.transport, self.mode = transport, mode
        self.name = f"{transport}, {mode}"

    def endpoint(self, function):
        """A name that no other scenario and no other connection uses."""
        words = function.__name__.split("_")
        return "-".join([self.transport, self.mode, *words])[:63].rstrip("-")

    @contextlib.asynccontextmanager
    async def server(self, environment=CREDENTIALS):
        """A server and a client of it."""
        mark = f"MCP_CLIENT_MARK={os.getpid()}-{next(self.marks)}"
        name, value = mark.split("=")
        environment = {"PATH": os.environ["PATH"], **environment, name: value}
        flags = [f"--endpoint-url={self.simulator.url}", "--sagemaker-poll-seconds=1", "--allow-write"]
        if self.transport == "stdio":
            parameters = StdioServerParameters(command=self.command, args=flags, env=environment)
            async with Client(parameters, mode=self.mode) as client:
                yield Reached(client, mark)
            return
        flags += ["--server-transport=http", "--server-port=0"]
        process = subprocess.Popen(
            [self.command, *flags], env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        try:
            url = await anyio.to_thread.run_sync(listening, process)
            async with Client(url, mode=self.mode) as client:
                yield Reached(client, mark)
        finally:
            process.kill()
            process.wait()


def listening(process):
    """The URL that a server says it listens on. What it says later is read, so that it never blocks."""
    for line in process.stderr:
        if "listening on " in line:
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return line.split("listening on ")[1].split()[0]
    raise AssertionError(f"the server ended with {process.wait()}")


class Reached:
    """A server that a client has reached."""

    def __init__(self, client, mark):
        self.client, self.mark, self.killed = client, mark.encode(), False

    def pid(self):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/environ", "rb") as environ:
                if self.mark in environ.read().split(b"\0"):
                    return int(pid)
        return None

    def kill(self):
        """As kill -9 does it."""
        os.kill(self.pid(), signal.SIGKILL)
        self.killed = True

    def is_gone(self):
        return self.killed and self.pid() is None

    async def call(self, tool, arguments, heard=None):
        """Calls a tool; `heard` collects (seconds, progress, total, message)."""
        begun = time.monotonic()

        async def hear(progress, total, message):
            heard.append((time.monotonic() - begun, progress, total, message))

        result = await self.client.call_tool(tool, arguments, progress_callback=hear if heard is not None else None)
        report = result.structured_content
        assert report is not None, result
        assert any(json_of(block.text) == report for block in result.content), result.content
        return report, result.is_error, time.monotonic() - begun


def json_of(text):
    try:
        return json.loads(text)
    except ValueError:
        return None


def model(endpoint, **more):
    return {"model_id": MODEL, "instance_type": INSTANCE, "endpoint_name": endpoint, **more}


def succeeded(outcome, endpoint):
    report, is_error, _ = outcome
    assert not is_error and report["state"] == "succeeded", report
    assert report["resource"] == endpoint, report
    assert "error" not in report, report


def is_good_progress(heard):
    assert heard, "no progress was heard"
    seconds, _, _, message = heard[0]
    assert seconds < 1, f"the first progress came after {seconds:.2f} s"
    assert message, "the first progress says nothing"
    values = [progress for _, progress, _, _ in heard]
    assert all(one < other for one, other in zip(values, values[1:])), f"not strictly increasing: {values}"
    assert len({total for _, _, total, _ in heard}) == 1, "the total changed"


@scenario
async def starts_and_lists_its_tools_without_credentials(connection, _endpoint):
    async with connection.server(environment={}) as server:
        tools = {tool.name: tool for tool in (await server.client.list_tools()).tools}
        assert {DEPLOY, WAIT, LIST} <= tools.keys(), tools.keys()
        for tool in tools.values():
            hints = tool.annotations
            told = [hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint]
            assert None not in told and tool.description and tool.output_schema, tool


@scenario
async def deploys_with_strictly_increasing_progress(connection, endpoint):
    heard = []
    async with connection.server() as server:
        outcome = await server.call(DEPLOY, model(endpoint), heard)
    succeeded(outcome, endpoint)
    is_good_progress(heard)
    assert len(heard) > 2, heard
    assert connection.simulator.created(endpoint) == 1


@scenario
async def who_cancels_leaves_and_resumes_by_waiting(connection, endpoint):
    heard = []
    async with connection.server() as server:
        with anyio.move_on_after(2) as left:
            await server.call(DEPLOY, model(endpoint), heard)
        assert left.cancelled_caught, "the call was over before it was cancelled"
        is_good_progress(heard)
        (seen,) = connection.simulator.endpoints(endpoint)
        assert seen["status"] == "Creating", seen
        resumed = []
        outcome = await server.call(WAIT, {"endpoint_name": endpoint}, resumed)
    succeeded(outcome, endpoint)
    is_good_progress(resumed)
    assert connection.simulator.created(endpoint) == 1


@scenario
async def a_new_conversation_finds_what_is_under_way(connection, endpoint):
    async with connection.server() as server:
        await server.call(DEPLOY, model(endpoint, wait_seconds=1))
    async with connection.server() as server:
        report, is_error, _ = await server.call(LIST, {})
        assert not is_error, report
        assert endpoint in json.dumps(report), report
        (item,) = [item for item in report["result"]["endpoints"] if endpoint in item.values()]
        following = item["next"]
        assert following["tool"] == WAIT, following
        succeeded(await server.call(following["tool"], following["arguments"]), endpoint)


@scenario
async def a_failure_is_explained(connection, endpoint):
    reason = "The primary container for production variant AllTraffic did not pass the ping health check."
    connection.simulator.script(endpoint, ("Creating", 2), ("Failed",), failure_reason=reason)
    async with connection.server() as server:
        report, is_error, _ = await server.call(DEPLOY, model(endpoint), [])
    assert is_error and report["state"] == "failed", report
    error = report["error"]
    assert error["code"] == "operation_failed" and error["troubleshooting"], error
    assert reason in error["backend"]["text"], error
    assert report["leftovers"], "what is left over is not named"
    assert report["next"]["tool"], report


@scenario
async def without_progress_the_answer_comes_in_time(connection, endpoint):
    async with connection.server() as server:
        report, is_error, took = await server.call(DEPLOY, model(endpoint, wait_seconds=2))
        assert not is_error and report["state"] == "running", report
        assert took < 6, f"the answer took {took:.1f} s"
        following = report["next"]
        succeeded(await server.call(following["tool"], following["arguments"]), endpoint)
    assert connection.simulator.created(endpoint) == 1


@slow_scenario
async def a_stuck_endpoint_is_reported_within_50_seconds(connection, endpoint):
    connection.simulator.script(endpoint, ("Creating",))
    async with connection.server() as server:
        report, is_error, took = await server.call(DEPLOY, model(endpoint))
    assert not is_error and report["state"] == "running", report
    assert report["next"]["tool"] == WAIT, report
    assert 45 < took < 52, f"the answer took {took:.1f} s"


@scenario
async def the_same_deployment_twice_is_one(connection, endpoint):
    outcomes = []

    async def deploy():
        async with connection.server() as server:
            outcomes.append(await server.call(DEPLOY, model(endpoint), []))

    async with anyio.create_task_group() as both:
        both.start_soon(deploy)
        both.start_soon(deploy)
    await deploy()
    assert len(outcomes) == 3
    for outcome in outcomes:
        succeeded(outcome, endpoint)
    assert connection.simulator.created(endpoint) == 1


@scenario
async def after_kill_9_the_same_call_resumes(connection, endpoint):
    heard, outcomes = [], []

    async def kill_when_it_is_creating(server, during):
        while not connection.simulator.endpoints(endpoint):
            await anyio.sleep(0.05)
        await anyio.sleep(1)
        server.kill()
        # The client need not notice before its own time-outs do.
        during.cancel_scope.cancel()

    # What the client makes of a server that is gone does not matter here.
    with contextlib.suppress(Exception):
        async with connection.server() as server, anyio.create_task_group() as during:
            during.start_soon(kill_when_it_is_creating, server, during)
            outcomes.append(await server.call(DEPLOY, model(endpoint), heard))
    assert not outcomes, "the call was over before its server was killed"
    is_good_progress(heard)
    assert server.is_gone(), "the server was not killed"
    (seen,) = connection.simulator.endpoints(endpoint)
    assert seen["status"] == "Creating", seen
    again = []
    async with connection.server() as server:
        outcome = await server.call(DEPLOY, model(endpoint), again)
    succeeded(outcome, endpoint)
    is_good_progress(again)
    assert len(connection.simulator.endpoints(endpoint)) == 1
    assert connection.simulator.created(endpoint) == 1


async def judge(function, connection, tally):
    title = f"{function.__name__} ({connection.name})"
    try:
        with anyio.fail_after(120):
            await function(connection, connection.endpoint(function))
    except Exception as error:
        traceback.print_exc()
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        print(f"FAILED {title}: {type(error).__name__}: {error}", flush=True)
        tally["failed"] += 1
    else:
        print(f"ok {title}", flush=True)
        tally["passed"] += 1


async def run(options):
    # What the SDK says of servers that were killed; a scenario that minds, fails.
    logging.disable(logging.CRITICAL)
    simulator = Simulator(options.simulator_url)
    simulator.ask("reset", {})
    simulator.ask("settings", {"create_seconds": CREATE_SECONDS, "delete_seconds": 2, "time_factor": 1})
    connections = [
        Connection(options, simulator, transport, mode) for transport in ("stdio", "http") for mode in ("auto", "legacy")
    ]
    wanted = [entry for entry in SCENARIOS if options.only in entry[0].__name__]
    tally = {"passed": 0, "failed": 0}
    async with anyio.create_task_group() as slow:
        for function, _ in filter(lambda entry: entry[1], wanted):
            for connection in connections:
                if connection.mode == "auto":
                    slow.start_soon(judge, function, connection, tally)
        for function, _ in filter(lambda entry: not entry[1], wanted):
            for connection in connections:
                await judge(function, connection, tally)
    print(f"{tally['passed']} passed, {tally['failed']} failed")
    return tally["failed"] == 0 and tally["passed"] > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, help="path of the sagemaker-mcp binary")
    parser.add_argument("--simulator-url", required=True, help="where longhaul-sim answers")
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    sys.exit(0 if anyio.run(run, parser.parse_args()) else 1)


if __name__ == "__main__":
    main()
