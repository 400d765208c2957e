"""Why deployments fail: reasons, and what the containers wrote."""

from botocore.exceptions import ClientError

from .backend import deployed, sim_only

OUTCOMES = {
    "capacity": ("InsufficientInstanceCapacity", None),
    "quota": ("'ml.m5.large for endpoint usage'", None),
    "wrong_role": ("Could not assume role", None),
    "image_pull": ("BatchGetImage permission for the image", None),
    "s3_forbidden": ("Status Code: 403", None),
    "eula": ("Status Code: 403", None),
    "download_timeout": ("model data download timeout", None),
    "health_check": ("did not pass the ping health check", "ModuleNotFoundError"),
    "out_of_memory": ("did not pass the ping health check", "CUDA out of memory"),
    "startup_timeout": ("did not pass the ping health check", "37% Completed"),
    "container_s3_forbidden": ("did not pass the ping health check", "(403)"),
}


def written(logs, endpoint):
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    try:
        events = logs.filter_log_events(logGroupName=group)["events"]
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ResourceNotFoundException", error.response
        return None
    return "\n".join(event["message"] for event in events)


@sim_only
def every_outcome_has_its_reason_and_its_log(backend):
    sm, logs = backend.client("sagemaker"), backend.client("logs")
    for outcome in OUTCOMES:
        backend.script(endpoint=outcome.replace("_", "-"), outcome=outcome)
    deployed(sm, *(outcome.replace("_", "-") for outcome in OUTCOMES))
    backend.advance(901)
    for outcome, (reason, line) in OUTCOMES.items():
        name = outcome.replace("_", "-")
        seen = sm.describe_endpoint(EndpointName=name)
        assert seen["EndpointStatus"] == "Failed", seen
        assert reason in seen["FailureReason"], seen
        lines = written(logs, name)
        assert (lines is None) == (line is None), (outcome, lines)
        assert line is None or line in lines, (outcome, lines)
    assert "Killed" in written(logs, "out-of-memory")


@sim_only
def a_script_words_reason_and_log_itself(backend):
    sm, logs = backend.client("sagemaker"), backend.client("logs")
    backend.script(outcome="image_pull", failure_reason="because", log_lines=["one", "two"])
    deployed(sm, "e")
    backend.advance(301)
    assert sm.describe_endpoint(EndpointName="e")["FailureReason"] == "because"
    assert written(logs, "e") == "one\ntwo"
