"""Tags, lists and what reads see of what was written."""

import datetime
import time

from .backend import config, deployed, endpoint, model, names, refused, sim_only


@sim_only
def tags_of_every_kind(backend):
    sm = backend.client("sagemaker")
    deployed(sm)
    arn = endpoint(sm, "e", Tags=[{"Key": "a", "Value": "1"}])["EndpointArn"]
    added = sm.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}])
    assert added["Tags"] == [{"Key": "a", "Value": "2"}], added
    assert sm.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "2"}]
    sm.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert sm.list_tags(ResourceArn=arn)["Tags"] == []
    config_arn = sm.describe_endpoint_config(EndpointConfigName="c")["EndpointConfigArn"]
    sm.add_tags(ResourceArn=config_arn, Tags=[{"Key": "k", "Value": "v"}])
    assert sm.list_tags(ResourceArn=config_arn)["Tags"] == [{"Key": "k", "Value": "v"}]
    missing = arn.replace("/e", "/absent")
    refused("ValidationException", "Could not find endpoint", sm.list_tags, ResourceArn=missing)
    many = [{"Key": f"k{n}", "Value": ""} for n in range(50)]
    sm.add_tags(ResourceArn=arn, Tags=many)
    more = {"ResourceArn": arn, "Tags": [{"Key": "one-more", "Value": ""}]}
    refused("ResourceLimitExceeded", "", sm.add_tags, **more)


@sim_only
def lists_are_ordered_and_bounded_in_time(backend):
    sm = backend.client("sagemaker")
    deployed(sm, "b", "a")
    time.sleep(0.02)
    between = datetime.datetime.now(datetime.timezone.utc)
    time.sleep(0.02)
    endpoint(sm, "c")

    def listed(**filters):
        return "".join(names([sm.list_endpoints(**filters)], "Endpoints", "EndpointName"))

    assert listed() == "cab", listed()
    assert listed(SortOrder="Ascending") == "bac"
    assert listed(SortBy="Name", SortOrder="Ascending") == "abc"
    assert listed(CreationTimeAfter=between) == "c"
    assert listed(CreationTimeBefore=between) == "ab"
    model(sm, "other")
    # moto ignores this filter.
    assert names([sm.list_models(NameContains="oth")], "Models", "ModelName") == ["other"]
    page = sm.list_endpoints(MaxResults=2)
    endpoint(sm, "d")
    rest = sm.list_endpoints(MaxResults=2, NextToken=page["NextToken"])
    assert names([rest], "Endpoints", "EndpointName") == ["b"], rest
    bad = {"NextToken": "nonsense"}
    refused("ValidationException", "Invalid", sm.list_endpoints, **bad)


@sim_only
def regions_are_apart(backend):
    east, west = backend.client("sagemaker"), backend.client("sagemaker", "us-west-2")
    deployed(east, "e")
    assert west.list_endpoints()["Endpoints"] == []
    deployed(west)
    assert ":us-west-2:" in endpoint(west, "e")["EndpointArn"]


@sim_only
def creations_are_seen_late(backend):
    backend.settings(eventual_consistency_seconds=5)
    sm = backend.client("sagemaker")
    model(sm, "m")
    backend.advance(6)
    config(sm, "c", "m")
    missing = "Could not find endpoint configuration"
    refused("ValidationException", missing, endpoint, sm=sm, name="e")
    backend.advance(6)
    endpoint(sm, "e")
