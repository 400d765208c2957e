"""What goes wrong on request, and how clients take it."""

import http.client
import urllib.request

from botocore.exceptions import ClientError

from .backend import deployed, endpoint, refused, sim_only, status


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
