"""Model descriptions in the hub and in the bucket; roles in pages."""

import json

from botocore import UNSIGNED

from .backend import GATED, OPEN, names, refused, sim_only


@sim_only
def hub_documents(backend):
    for region in ("us-east-1", "eu-west-1"):
        sm = backend.client("sagemaker", region)
        call = {"HubName": "SageMakerPublicHub", "HubContentType": "Model"}
        for name, gated in ((OPEN, False), (GATED, True)):
            seen = sm.describe_hub_content(**call, HubContentName=name)
            document = json.loads(seen["HubContentDocument"])
            assert seen["HubContentStatus"] == "Available", seen
            assert seen["SupportStatus"] == "Supported", seen
            assert document.get("GatedBucket", False) == gated, name
            assert region in document["HostingArtifactUri"], document["HostingArtifactUri"]
        old = sm.describe_hub_content(**call, HubContentName=OPEN, HubContentVersion="1.0.0")
        assert old["SupportStatus"] == "Deprecated", old
        absent = {**call, "HubContentName": "absent"}
        refused("ResourceNotFound", "", sm.describe_hub_content, **absent)


@sim_only
def hub_contents_are_searched_and_come_in_pages(backend):
    sm = backend.client("sagemaker", "eu-west-1")
    call = {"HubName": "SageMakerPublicHub", "HubContentType": "Model"}
    contents = lambda **more: sm.list_hub_contents(**call, **more)["HubContentSummaries"]
    assert {content["HubContentName"] for content in contents()} == {OPEN, GATED}
    (found,) = contents(NameContains="mobilenet")
    assert (found["HubContentName"], found["HubContentVersion"]) == (OPEN, "2.1.0"), found
    assert found["SupportStatus"] == "Supported" and ":eu-west-1:" in found["HubContentArn"], found
    by_name = {"SortBy": "HubContentName", "SortOrder": "Ascending", "MaxResults": 1}
    first = sm.list_hub_contents(**call, **by_name)
    second = sm.list_hub_contents(**call, **by_name, NextToken=first["NextToken"])
    assert names([first, second], "HubContentSummaries", "HubContentName") == [OPEN, GATED]
    assert "NextToken" not in second, second
    code = "ValidationException"
    refused(code, "1 validation error", sm.list_hub_contents, **call, NameContains="a b")
    other = {**call, "HubName": "absent"}
    refused("ResourceNotFound", "Hub absent", sm.list_hub_contents, **other)
    notebooks = sm.list_hub_contents(**{**call, "HubContentType": "Notebook"})
    assert notebooks["HubContentSummaries"] == [], notebooks


@sim_only
def hub_contents_have_versions(backend):
    sm = backend.client("sagemaker")
    call = {"HubName": "SageMakerPublicHub", "HubContentType": "Model", "HubContentName": OPEN}
    versions = sm.list_hub_content_versions
    listed = lambda **more: names(
        [versions(**call, **more)], "HubContentSummaries", "HubContentVersion"
    )
    assert listed() == ["2.1.0", "1.0.0"]
    assert listed(MinVersion="1.0.1") == ["2.1.0"]
    assert listed(SortOrder="Ascending", MaxResults=1) == ["1.0.0"]
    absent = {**call, "HubContentName": "absent"}
    refused("ResourceNotFound", "HubContent absent", versions, **absent)


@sim_only
def specs_in_the_bucket(backend):
    addressing = {"s3": {"addressing_style": "path"}}
    s3 = backend.client("s3", "eu-west-1", signature_version=UNSIGNED, **addressing)
    bucket = "jumpstart-cache-prod-eu-west-1"
    read = lambda key: s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    manifest = json.loads(read("models_manifest.json"))
    assert {entry["model_id"] for entry in manifest} == {OPEN, GATED}, manifest
    for entry in manifest:
        spec = json.loads(read(entry["spec_key"]))
        assert spec["model_id"] == entry["model_id"], entry
        if spec.get("gated_bucket"):
            assert b"LICENSE" in read(spec["hosting_eula_key"])
    assert s3.head_object(Bucket=bucket, Key="models_manifest.json")["ContentLength"] > 100
    refused("NoSuchKey", "", s3.get_object, Bucket=bucket, Key="absent")
    private = "jumpstart-private-cache-prod-eu-west-1"
    refused("AccessDenied", "", s3.get_object, Bucket=private, Key="x")


@sim_only
def many_roles_come_in_pages(backend):
    backend.settings(sagemaker_roles=250)
    iam = backend.client("iam")
    pages = list(iam.get_paginator("list_roles").paginate())
    assert [len(page["Roles"]) for page in pages] == [100, 100, 51], pages
    assert len(set(names(pages, "Roles", "Arn"))) == 251
