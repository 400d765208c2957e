"""What the server tells of an account is what boto3 has put there."""

import time

from referee.backend import ROLE, endpoint, in_service

from .parties import DEPLOY, both, sim_only

LIST, DESCRIBE, LOGS = "list_sagemaker_endpoints", "describe_sagemaker_endpoint", "get_sagemaker_endpoint_logs"
GROUP = "/aws/sagemaker/Endpoints/e"


def listed(page):
    return sorted(line["endpoint_name"] for line in page["endpoints"])


@both
async def endpoints_are_listed_by_name_state_and_time(parties):
    in_service(parties.backend, "llama-one", "llama-two", "mistral")
    async with parties.server() as server:
        assert listed(await server.call(LIST)) == ["llama-one", "llama-two", "mistral"]
        assert listed(await server.call(LIST, name_contains="llama")) == ["llama-one", "llama-two"]
        assert listed(await server.call(LIST, status_filter="inservice")) == ["llama-one", "llama-two", "mistral"]
        assert listed(await server.call(LIST, status_filter="Failed")) == []
        if not parties.on_moto:
            # moto does not know these filters.
            assert listed(await server.call(LIST, created_after="2099-01-01T00:00:00Z")) == []
            assert listed(await server.call(LIST, managed_only=True)) == []


@both
async def endpoints_are_listed_page_by_page(parties):
    in_service(parties.backend, "one", "two", "three")
    seen, cursor = [], {}
    async with parties.server() as server:
        while cursor is not None:
            page = await server.call(LIST, max_results=1, **cursor)
            assert page["count"] == 1, page
            seen += listed(page)
            cursor = {"cursor": page["cursor"]} if "cursor" in page else None
    assert sorted(seen) == ["one", "three", "two"], seen


@both
async def an_endpoint_is_described_as_boto3_sees_it(parties):
    in_service(parties.backend, "e")
    async with parties.server() as server:
        told = await server.call(DESCRIBE, endpoint_name="e")
    sagemaker = parties.boto3("sagemaker")
    seen = sagemaker.describe_endpoint(EndpointName="e")
    assert told["endpoint_arn"] == seen["EndpointArn"], told
    assert (told["status"], told["endpoint_config_name"]) == ("InService", seen["EndpointConfigName"]), told
    assert (told["instance_types"], told["models"], told["managed"]) == (["ml.m5.large"], ["m"], False), told
    assert told["created_at"] == seen["CreationTime"].strftime("%Y-%m-%dT%H:%M:%SZ"), (told, seen)


@both
async def what_is_not_there_is_not_found(parties):
    async with parties.server() as server:
        for tool in (DESCRIBE, "wait_sagemaker_endpoint", LOGS):
            error = await server.refused(tool, endpoint_name="nobody")
            assert error["code"] == "not_found", error


@both
async def somebody_elses_endpoint_is_never_taken_for_ours(parties):
    sagemaker = in_service(parties.backend, "e")
    async with parties.server() as server:
        error = await server.refused(DEPLOY, **parties.open_model())
        assert error["code"] == "conflict", error
    assert len(sagemaker.list_models()["Models"]) == 1


@both
async def a_log_is_read_as_boto3_wrote_it(parties):
    logs = parties.boto3("logs")
    if parties.on_moto:
        logs.create_log_group(logGroupName=GROUP)
    else:
        in_service(parties.backend, "e")
    stream, now = "AllTraffic/i-2", int(time.time() * 1000)
    logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    lines = ["one", 'GET "/ping" 503', "CUDA out of memory", "password=canary"]
    events = [{"timestamp": now + n, "message": line} for n, line in enumerate(lines)]
    logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)
    async with parties.server() as server:
        told = await server.call(LOGS, endpoint_name="e", lines=4)
        assert [line["text"] for line in told["lines"]] == [*lines[:3], "password=[redacted]"], told
        assert {line["stream"] for line in told["lines"]} == {stream}, told
        assert told["points_to"] == "out_of_memory", told
        for text, count in (("CUDA out", 1), ('GET "/ping"', 1), ("nothing of it", 0)):
            told = await server.call(LOGS, endpoint_name="e", contains=text)
            assert len(told["lines"]) == count, (text, told)


@both
async def a_model_is_asked_and_its_answer_is_told(parties):
    sagemaker = in_service(parties.backend, "e")
    arguments = {"payload": "1,2", "content_type": "text/csv", "accept": "application/json"}
    async with parties.server() as server:
        told = await server.call("invoke_sagemaker_endpoint", endpoint_name="e", **arguments)
    asked = {"Body": b"1,2", "ContentType": "text/csv", "Accept": "application/json"}
    answer = parties.boto3("sagemaker-runtime").invoke_endpoint(EndpointName="e", **asked)["Body"].read().decode()
    assert told["bytes"] == len(answer), (told, answer)
    assert sagemaker.describe_endpoint(EndpointName="e")["EndpointStatus"] == "InService"


@both
async def who_calls_and_which_roles_there_are_is_told(parties):
    async with parties.server() as server:
        seen = await server.call("check_environment")
    caller = parties.boto3("sts").get_caller_identity()
    assert seen["ready"] and seen["account"] == caller["Account"], seen
    assert seen["role_candidates"] == [ROLE], seen


@sim_only
async def an_endpoint_that_boto3_is_creating_is_waited_for(parties):
    parties.backend.settings(create_seconds=2)
    sagemaker = in_service(parties.backend, "e")
    endpoint(sagemaker, "f")
    async with parties.server() as server:
        told = await server.call("wait_sagemaker_endpoint", endpoint_name="f")
    seen = sagemaker.describe_endpoint(EndpointName="f")["EndpointStatus"]
    assert (told["status"], seen) == ("InService", "InService"), told
