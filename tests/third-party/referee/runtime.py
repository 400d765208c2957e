"""Invocations of an endpoint."""

import json
import time

from botocore.exceptions import ReadTimeoutError

from .backend import ACCOUNT, deployed, in_service, refused, sim_only


def invoke(backend, body=b"1,2", **more):
    runtime = backend.client("sagemaker-runtime", **more.pop("client", {}))
    return runtime.invoke_endpoint(EndpointName="e", Body=body, ContentType="text/csv", **more)


@sim_only
def an_endpoint_in_service_answers(backend):
    in_service(backend, "e")
    answer = invoke(backend, Accept="application/json", TargetVariant="AllTraffic")
    assert answer["InvokedProductionVariant"] == "AllTraffic", answer
    assert answer["ContentType"] == "application/json", answer
    body = json.loads(answer["Body"].read())
    assert (body["received_bytes"], body["content_type"]) == (3, "text/csv"), body
    body = json.loads(invoke(backend, b"x" * 3_000_000)["Body"].read())
    assert body["received_bytes"] == 3_000_000, body
    large = {"backend": backend, "body": b"x" * 6_291_457}
    refused("ValidationError", "1 validation error", invoke, **large)


@sim_only
def an_endpoint_that_does_not_serve_is_not_found(backend):
    missing = f"Endpoint e of account {ACCOUNT} not found."
    response = refused("ValidationError", missing, invoke, backend=backend)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400, response
    sm = backend.client("sagemaker")
    deployed(sm, "e")
    refused("ValidationError", missing, invoke, backend=backend)
    backend.advance(901)
    sm.update_endpoint(EndpointName="e", EndpointConfigName="c")
    assert invoke(backend)["Body"].read(), "an update does not interrupt it"
    backend.advance(901)
    sm.delete_endpoint(EndpointName="e")
    refused("ValidationError", missing, invoke, backend=backend)


@sim_only
def a_model_error_tells_what_the_container_said(backend):
    in_service(backend, "e")
    answer = {"kind": "model_error", "status": 507, "message": "CUDA out of memory"}
    backend.script(on="invoke", answer=answer)
    message = 'Received server error (507) from primary with message "CUDA out of memory"'
    response = refused("ModelError", message, invoke, backend=backend)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424, response
    assert response["OriginalStatusCode"] == 507, response
    assert response["OriginalMessage"] == "CUDA out of memory", response
    assert response["LogStreamArn"].endswith(":log-group:/aws/sagemaker/Endpoints/e"), response
    logs = backend.client("logs")
    group = {"logGroupName": "/aws/sagemaker/Endpoints/e", "filterPattern": "507"}
    assert len(logs.filter_log_events(**group)["events"]) == 1
    assert invoke(backend)["Body"].read(), "only once"


@sim_only
def answers_may_be_slow_large_or_refused(backend):
    in_service(backend, "e")
    backend.script(on="invoke", answer={"kind": "large", "bytes": 5_000_000})
    assert len(invoke(backend)["Body"].read()) == 5_000_000
    backend.script(on="invoke", answer={"kind": "unavailable"})
    response = refused("ServiceUnavailable", "", invoke, backend=backend)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 503, response
    backend.script(on="invoke", answer={"kind": "slow", "seconds": 0.5})
    began = time.time()
    assert invoke(backend)["Body"].read()
    assert time.time() - began >= 0.5
    backend.script(on="invoke", answer={"kind": "slow", "seconds": 5})
    try:
        invoke(backend, client={"read_timeout": 0.3})
        raise AssertionError("the answer came at once")
    except ReadTimeoutError:
        pass
    backend.fault("InvokeEndpoint", "denied", resource="e")
    refused("AccessDeniedException", "", invoke, backend=backend)
