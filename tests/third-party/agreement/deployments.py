"""What a deployment writes is what its plan has shown, and what boto3 reads."""

from .parties import DELETE, DEPLOY, PLAN, both, holds, names, sim_only, tags

NOTHING = {"Endpoint": [], "EndpointConfig": [], "Model": []}


async def agreed(parties, **arguments):
    """Plans, deploys, and compares the plan with what boto3 finds. The plan's requests."""
    given = arguments.get("environment", {})
    async with parties.server() as server:
        plan = await server.call(PLAN, **arguments)
        assert plan["ready"], plan
        requests = plan["requests"]
        result = await server.call(DEPLOY, **arguments)
        assert result["status"] == "InService", result
    sagemaker = parties.boto3("sagemaker")
    asked = dict(requests["CreateModel"])
    own = asked.pop("Tags")
    # A plan does not repeat what its caller gave: it may be a token.
    container = asked["PrimaryContainer"]
    asked["PrimaryContainer"] = {**container, "Environment": {**container["Environment"], **given}}
    if parties.on_moto:
        # moto forgets it.
        asked.pop("EnableNetworkIsolation")
    model = sagemaker.describe_model(ModelName=asked["ModelName"])
    holds(asked, model, "CreateModel")
    marked(sagemaker, model["ModelArn"], own)
    for pool in requests.get("CreateModelOfPools", []):
        holds({**pool, "Tags": []}, {**sagemaker.describe_model(ModelName=pool["ModelName"]), "Tags": []}, "pool")
    asked = dict(requests["CreateEndpointConfig"])
    own = asked.pop("Tags")
    config = sagemaker.describe_endpoint_config(EndpointConfigName=asked["EndpointConfigName"])
    holds(asked, config, "CreateEndpointConfig")
    marked(sagemaker, config["EndpointConfigArn"], own)
    asked = dict(requests["CreateEndpoint"])
    own = asked.pop("Tags")
    endpoint = sagemaker.describe_endpoint(EndpointName=asked["EndpointName"])
    holds(asked, endpoint, "CreateEndpoint")
    assert endpoint["EndpointStatus"] == "InService", endpoint
    if not parties.on_moto:
        # moto forgets them.
        marked(sagemaker, endpoint["EndpointArn"], own)
    return requests


def marked(sagemaker, arn, own):
    assert tags(sagemaker, arn) == {tag["Key"]: tag["Value"] for tag in own}, arn


@both
async def an_open_model_is_deployed_as_planned(parties):
    requests = await agreed(parties, **parties.open_model(environment={"OWN": "1"}, initial_instance_count=2))
    own = {tag["Key"]: tag["Value"] for tag in requests["CreateModel"]["Tags"]}
    assert own["longhaul:endpoint"] == "e", own


@both
async def an_open_model_on_another_type_is_deployed_as_planned(parties):
    requests = await agreed(parties, **parties.open_model(instance_type="ml.c5.xlarge"))
    (variant,) = requests["CreateEndpointConfig"]["ProductionVariants"]
    assert variant["InstanceType"] == "ml.c5.xlarge", variant


@sim_only
async def a_gated_model_is_deployed_as_planned(parties):
    gated = {"model_id": "sim-textgeneration-gated-7b", "accept_eula": True}
    requests = await agreed(parties, **gated, endpoint_name="g")
    source = requests["CreateModel"]["PrimaryContainer"]["ModelDataSource"]["S3DataSource"]
    assert source["ModelAccessConfig"] == {"AcceptEula": True}, source
    draft = {"inference_config": "lmi-optimized", "accept_additional_eulas": ["draft_model"]}
    await agreed(parties, **gated, **draft, endpoint_name="d")


@sim_only
async def instance_pools_are_deployed_as_planned(parties):
    fallbacks = ["ml.m5.xlarge", "ml.c5.2xlarge"]
    requests = await agreed(parties, **parties.open_model(fallback_instance_types=fallbacks))
    (variant,) = requests["CreateEndpointConfig"]["ProductionVariants"]
    assert [pool["InstanceType"] for pool in variant["InstancePools"]] == ["ml.m5.large", *fallbacks], variant
    assert len(requests["CreateModelOfPools"]) == 1, requests


@both
async def the_same_words_from_another_process_deploy_nothing_more(parties):
    for _ in range(2):
        async with parties.server() as server:
            await server.call(DEPLOY, **parties.open_model())
    listed = names(parties.boto3("sagemaker"))
    assert [len(of) for of in listed.values()] == [1, 1, 1], listed


@both
async def a_removal_leaves_nothing_that_boto3_finds(parties):
    async with parties.server() as server:
        await server.call(DEPLOY, **parties.open_model())
        dry = await server.call(DELETE, endpoint_name="e", dry_run=True)
        assert len(dry["would_remove"]) == 3, dry
        await server.call(DELETE, endpoint_name="e", confirm="e")
    assert names(parties.boto3("sagemaker")) == NOTHING


@both
async def what_others_made_is_left_alone(parties):
    sagemaker = parties.boto3("sagemaker")
    async with parties.server() as server:
        await server.call(DEPLOY, **parties.open_model())
        ours = names(sagemaker)
        theirs = sagemaker.describe_model(ModelName=ours["Model"][0])
        container = {"Image": theirs["PrimaryContainer"]["Image"]}
        role = theirs["ExecutionRoleArn"]
        sagemaker.create_model(ModelName="theirs", ExecutionRoleArn=role, PrimaryContainer=container)
        variant = {"VariantName": "v", "ModelName": "theirs", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        sagemaker.create_endpoint_config(EndpointConfigName="theirs", ProductionVariants=[variant])
        await server.call(DELETE, endpoint_name="e", confirm="e")
    assert names(sagemaker) == {"Endpoint": [], "EndpointConfig": ["theirs"], "Model": ["theirs"]}


@both
async def leftovers_of_a_start_are_found_when_the_endpoint_is_gone(parties):
    async with parties.server() as server:
        await server.call(DEPLOY, **parties.open_model())
        parties.boto3("sagemaker").delete_endpoint(EndpointName="e")
        found = await server.call("cleanup_leftovers")
    (leftover,) = found["leftovers"]
    assert sorted(leftover["kinds"]) == ["endpoint-config", "model"], found
    assert names(parties.boto3("sagemaker"))["Model"] == [leftover["name"]], found
