"""The price list."""

import json

from .backend import refused, sim_only


@sim_only
def hosting_has_its_price(backend):
    pricing = backend.client("pricing")

    def products(service="AmazonSageMaker", page=100, **fields):
        filters = [{"Type": "TERM_MATCH", "Field": f, "Value": v} for f, v in fields.items()]
        pages = pricing.get_paginator("get_products").paginate(
            ServiceCode=service, Filters=filters, PaginationConfig={"PageSize": page}
        )
        return [json.loads(text) for page in pages for text in page["PriceList"]]

    wanted = {"instanceName": "ml.g5.xlarge", "regionCode": "us-east-1", "component": "Hosting"}
    (product,) = products(**wanted)
    attributes = product["product"]["attributes"]
    assert attributes["instanceType"] == "ml.g5.xlarge-Hosting", attributes
    assert attributes["usagetype"] == "USE1-Host:ml.g5.xlarge", attributes
    (term,) = product["terms"]["OnDemand"].values()
    (rate,) = term["priceDimensions"].values()
    assert rate["unit"] == "Hrs" and float(rate["pricePerUnit"]["USD"]) == 1.408, rate
    assert len(products(page=10, component="Hosting")) == len(products(component="Hosting")) > 10
    assert products(instanceName="ml.unknown.xlarge") == []
    assert products("AmazonEC2") == []
    call = {"ServiceCode": "AmazonSageMaker", "NextToken": "zz"}
    refused("InvalidNextTokenException", "", pricing.get_products, **call)
