"""Updates: of the configuration, and of sizes and weights."""

from .backend import both, config, in_service, refused, sim_only


def update(sm, config_name="c2", **more):
    sm.update_endpoint(EndpointName="e", EndpointConfigName=config_name, **more)


def resize(sm, name="e", **change):
    changes = [{"VariantName": "AllTraffic", **change}]
    sm.update_endpoint_weights_and_capacities(
        EndpointName=name, DesiredWeightsAndCapacities=changes
    )


def seen(sm):
    seen = sm.describe_endpoint(EndpointName="e")
    return seen["EndpointStatus"], seen["EndpointConfigName"], seen.get("FailureReason", "")


@both
def sizes_and_weights_can_be_changed(backend):
    sm = in_service(backend, "e")
    resize(sm, DesiredInstanceCount=3, DesiredWeight=0.5)
    variant = sm.describe_endpoint(EndpointName="e")["ProductionVariants"][0]
    assert (variant["DesiredInstanceCount"], variant["DesiredWeight"]) == (3, 0.5), variant
    if backend.kind == "sim":
        assert (variant["CurrentInstanceCount"], variant["CurrentWeight"]) == (1, 1), variant
        backend.advance(901)
    waiter = sm.get_waiter("endpoint_in_service")
    waiter.wait(EndpointName="e", WaiterConfig={"Delay": 0.1, "MaxAttempts": 3})
    variant = sm.describe_endpoint(EndpointName="e")["ProductionVariants"][0]
    assert (variant["CurrentInstanceCount"], variant["CurrentWeight"]) == (3, 0.5), variant


@both
def changes_name_variants_that_exist_once(backend):
    sm = in_service(backend, "e")
    change, code = sm.update_endpoint_weights_and_capacities, "ValidationException"
    wanted = {"VariantName": "AllTraffic", "DesiredWeight": 2}
    twice = {"DesiredWeightsAndCapacities": [wanted, wanted]}
    unique = 'The variant name "AllTraffic" was non-unique'
    refused(code, unique, change, EndpointName="e", **twice)
    other = {"DesiredWeightsAndCapacities": [{"VariantName": "other", "DesiredWeight": 2}]}
    absent = 'The variant name(s) "other" is/are not present within endpoint configuration "c"'
    refused(code, absent, change, EndpointName="e", **other)
    once = {"DesiredWeightsAndCapacities": [wanted]}
    refused(code, "Could not find endpoint", change, EndpointName="absent", **once)


@sim_only
def an_update_shows_what_is_pending(backend):
    sm = in_service(backend, "e")
    config(sm, "c2", "m", "ml.m5.xlarge", count=2)
    deployment = {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
        }
    }
    update(sm, DeploymentConfig=deployment)
    shown = sm.describe_endpoint(EndpointName="e")
    assert shown["ProductionVariants"][0]["CurrentInstanceCount"] == 1, shown
    pending = shown["PendingDeploymentSummary"]
    assert pending["EndpointConfigName"] == "c2" and pending["StartTime"], pending
    variant = pending["ProductionVariants"][0]
    assert (variant["InstanceType"], variant["DesiredInstanceCount"]) == ("ml.m5.xlarge", 2)
    assert variant["VariantStatus"][0]["Status"] == "Updating", variant
    backend.advance(901)
    shown = sm.describe_endpoint(EndpointName="e")
    assert shown["LastDeploymentConfig"] == deployment, shown
    assert "PendingDeploymentSummary" not in shown, shown
    assert seen(sm) == ("InService", "c2", "")
    assert shown["ProductionVariants"][0]["CurrentInstanceCount"] == 2, shown


@sim_only
def an_update_that_fails_is_rolled_back_or_not(backend):
    for ending, word in (
        (None, "InService"),
        ("rolled_back", "InService"),
        ("rollback_failed", "UpdateRollbackFailed"),
        ("failed", "Failed"),
    ):
        backend.reset()
        sm = in_service(backend, "e")
        config(sm, "c2", "m", "ml.m5.xlarge")
        more = {"ending": ending} if ending else {}
        backend.script(on="update", outcome="capacity", **more)
        update(sm)
        assert seen(sm) == ("Updating", "c", "")
        backend.advance(301)
        if word != "Failed":
            assert seen(sm)[:2] == ("RollingBack", "c")
            backend.advance(301)
        shown = seen(sm)
        assert shown[:2] == (word, "c"), shown
        assert "InsufficientInstanceCapacity" in shown[2], shown


@sim_only
def what_is_under_way_cannot_be_changed(backend):
    sm = in_service(backend, "e")
    config(sm, "c2", "m")
    backend.script(("SystemUpdating",), endpoint="system")
    backend.script(("Failed",), endpoint="failed")
    for name in ("creating", "system", "failed"):
        sm.create_endpoint(EndpointName=name, EndpointConfigName="c")
    update(sm)
    weights = [{"VariantName": "AllTraffic", "DesiredWeight": 2}]
    for name, message in (
        ("e", "Cannot update in-progress"),
        ("creating", "Cannot update in-progress"),
        ("system", "Cannot update in-progress"),
        ("failed", "Cannot update failed"),
    ):
        code, call = "ValidationException", {"EndpointName": name}
        refused(code, message, sm.update_endpoint, **call, EndpointConfigName="c2")
        change = sm.update_endpoint_weights_and_capacities
        refused(code, message, change, **call, DesiredWeightsAndCapacities=weights)
