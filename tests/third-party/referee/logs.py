"""CloudWatch Logs."""

import time

from .backend import both, in_service, names, refused, sim_only

GROUP = "/aws/sagemaker/Endpoints/e"


def written(backend, *lines, stream="AllTraffic/i-1"):
    logs = backend.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    put(logs, stream, *lines)
    return logs


def put(logs, stream, *lines):
    now = int(time.time() * 1000) - 1000
    events = [{"timestamp": now + n, "message": line} for n, line in enumerate(lines)]
    put = {"logGroupName": GROUP, "logStreamName": stream, "logEvents": events}
    logs.put_log_events(**put)
    return now


def messages(events):
    return [event["message"] for event in events]


@both
def groups_and_streams_are_listed(backend):
    logs = written(backend, "one")
    logs.create_log_stream(logGroupName=GROUP, logStreamName="AllTraffic/i-2")
    logs.create_log_group(logGroupName="/other")
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/sagemaker/")["logGroups"]
    assert [group["logGroupName"] for group in groups] == [GROUP], groups
    assert groups[0]["arn"].endswith(f":log-group:{GROUP}:*"), groups
    pages = logs.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 1})
    assert names(pages, "logGroups", "logGroupName") == [GROUP, "/other"]
    pages = logs.get_paginator("describe_log_streams").paginate(
        logGroupName=GROUP, PaginationConfig={"PageSize": 1}
    )
    streams = [stream for page in pages for stream in page["logStreams"]]
    assert [s["logStreamName"] for s in streams] == ["AllTraffic/i-1", "AllTraffic/i-2"], streams
    assert streams[0]["lastEventTimestamp"] >= streams[0]["firstEventTimestamp"], streams
    latest = logs.describe_log_streams(
        logGroupName=GROUP, orderBy="LastEventTime", descending=True, limit=1
    )
    assert names([latest], "logStreams", "logStreamName") == ["AllTraffic/i-1"], latest
    one = {"logGroupName": GROUP, "logStreamNamePrefix": "AllTraffic/i-2"}
    assert len(logs.describe_log_streams(**one)["logStreams"]) == 1


@both
def events_are_filtered_and_come_in_pages(backend):
    logs = written(backend, "Starting up", "CUDA out of memory", "Killed", "GET /ping 503")
    logs.create_log_stream(logGroupName=GROUP, logStreamName="AllTraffic/i-2")
    put(logs, "AllTraffic/i-2", "Other instance")
    find = lambda **more: messages(logs.filter_log_events(logGroupName=GROUP, **more)["events"])
    assert sorted(find())[:2] == ["CUDA out of memory", "GET /ping 503"], find()
    assert find(filterPattern='"out of memory"') == ["CUDA out of memory"]
    assert find(filterPattern="CUDA") == ["CUDA out of memory"]
    assert find(filterPattern="absent") == []
    assert find(logStreamNames=["AllTraffic/i-2"]) == ["Other instance"]
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=GROUP, PaginationConfig={"PageSize": 2}
    )
    assert len(names(pages, "events", "eventId")) == 5
    first = logs.filter_log_events(logGroupName=GROUP, limit=1)["events"][0]
    assert find(startTime=first["timestamp"], limit=10) == find()
    assert find(startTime=int(time.time() * 1000) + 60_000) == []


@both
def a_stream_is_read_in_both_directions(backend):
    logs = written(backend, *"abcde")
    read = lambda **more: logs.get_log_events(
        logGroupName=GROUP, logStreamName="AllTraffic/i-1", limit=2, **more
    )
    page = read(startFromHead=True)
    assert messages(page["events"]) == ["a", "b"], page
    page = read(nextToken=page["nextForwardToken"])
    assert messages(page["events"]) == ["c", "d"], page
    page = read(nextToken=page["nextForwardToken"])
    assert messages(page["events"]) == ["e"], page
    end = read(nextToken=page["nextForwardToken"])
    assert end["events"] == [] and end["nextForwardToken"] == page["nextForwardToken"], end
    assert messages(read()["events"]) == ["d", "e"]


@both
def absent_groups_and_streams_are_told(backend):
    logs = written(backend, "one")
    code, absent = "ResourceNotFoundException", {"logGroupName": "/absent"}
    missing = "The specified log group does not exist"
    refused(code, missing, logs.filter_log_events, **absent)
    refused(code, missing, logs.describe_log_streams, **absent)
    refused(code, missing, logs.create_log_stream, **absent, logStreamName="s")
    refused(code, missing, logs.get_log_events, **absent, logStreamName="s")
    here = {"logGroupName": GROUP, "logStreamName": "absent"}
    refused(code, "The specified log", logs.get_log_events, **here)
    event = {"timestamp": int(time.time() * 1000), "message": "m"}
    missing = "The specified log stream does not exist"
    refused(code, missing, logs.put_log_events, **here, logEvents=[event])
    taken = "ResourceAlreadyExistsException"
    exists = "The specified log group already exists"
    refused(taken, exists, logs.create_log_group, logGroupName=GROUP)
    again = {"logGroupName": GROUP, "logStreamName": "AllTraffic/i-1"}
    refused(taken, "The specified log", logs.create_log_stream, **again)


@sim_only
def containers_write_their_own_streams(backend):
    in_service(backend, "e")
    logs = backend.client("logs")
    streams = logs.describe_log_streams(logGroupName=GROUP)["logStreams"]
    assert [s["logStreamName"][:14] for s in streams] == ["AllTraffic/i-0"], streams
    arn = streams[0]["arn"].split(":log-stream:")[0]
    events = logs.filter_log_events(logGroupIdentifier=arn)["events"]
    assert "Starting model server" in events[0]["message"], events
    assert "GET /ping" in events[-1]["message"], events
    assert events[0]["timestamp"] <= time.time() * 1000, events


@sim_only
def faults_hit_logs_too(backend):
    logs = written(backend, "one")
    for kind, code in (
        ("throttle", "ThrottlingException"),
        ("http_503", "ServiceUnavailableException"),
        ("denied", "AccessDeniedException"),
    ):
        backend.fault("FilterLogEvents", kind, resource=GROUP)
        refused(code, "", logs.filter_log_events, logGroupName=GROUP)
    entry = backend.get("/_sim/log")[-1]
    assert (entry["service"], entry["op"], entry["fault"]) == ("logs", "FilterLogEvents", "denied")
