"""Endpoints as only AWS and the simulator treat them."""

from botocore.exceptions import WaiterError

from .backend import (
    ACCOUNT,
    IMAGE,
    config,
    deployed,
    endpoint,
    model,
    names,
    refused,
    sim_only,
    status,
)


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
