"""Service Quotas."""

from .backend import config, in_service, refused, sim_only


def listed(quotas, **more):
    paginate = quotas.get_paginator("list_service_quotas").paginate
    pages = list(paginate(ServiceCode="sagemaker", **more))
    assert all(len(page["Quotas"]) <= 100 for page in pages), pages
    return {quota["QuotaName"]: quota for page in pages for quota in page["Quotas"]}


@sim_only
def quotas_are_listed_and_shown(backend):
    quotas = backend.client("service-quotas")
    ample = listed(quotas)
    assert ample["ml.g5.xlarge for endpoint usage"]["Value"] > 1000, ample
    backend.settings(endpoint_quota=3, instance_quotas={"ml.g5.xlarge": 0})
    seen = listed(quotas)
    assert len(seen) > 277, len(seen)
    assert seen["ml.g5.xlarge for endpoint usage"]["Value"] == 0
    assert seen["ml.trn1.2xlarge for endpoint usage"]["Value"] == 3
    one = seen["ml.m5.large for endpoint usage"]
    call = {"ServiceCode": "sagemaker", "QuotaCode": one["QuotaCode"]}
    assert quotas.get_service_quota(**call)["Quota"] == one, one
    assert list(listed(quotas, PaginationConfig={"PageSize": 7})) == list(seen)
    code = "NoSuchResourceException"
    refused(code, "", quotas.get_service_quota, ServiceCode="sagemaker", QuotaCode="L-00000000")
    refused(code, "", quotas.list_service_quotas, ServiceCode="absent")
    backend.fault("ListServiceQuotas", "throttle")
    refused("TooManyRequestsException", "", quotas.list_service_quotas, ServiceCode="sagemaker")


@sim_only
def an_update_needs_room_beside_what_runs(backend):
    sm = in_service(backend, "e")
    config(sm, "c2", "m", count=2)
    backend.settings(endpoint_quota=2)
    call = {"EndpointName": "e", "EndpointConfigName": "c2"}
    limit = "The account-level service limit 'ml.m5.large for endpoint usage' is 2 Instances, with "
    used = "current utilization of 1 Instances and a request delta of 2 Instances"
    refused("ResourceLimitExceeded", limit + used, sm.update_endpoint, **call)
    change = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 4}]
    resize = {"EndpointName": "e", "DesiredWeightsAndCapacities": change}
    refused("ResourceLimitExceeded", limit, sm.update_endpoint_weights_and_capacities, **resize)
    change[0]["DesiredInstanceCount"] = 2
    sm.update_endpoint_weights_and_capacities(**resize)
