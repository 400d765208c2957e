"""Roles that SageMaker may not assume, and simulated permissions."""

from .backend import ACCOUNT, IMAGE, ROLE, names, refused, sim_only


@sim_only
def a_role_of_another_service_is_refused(backend):
    backend.settings(roles={"Science": "ec2.amazonaws.com"})
    iam, sm = backend.client("iam"), backend.client("sagemaker")
    role = iam.get_role(RoleName="Science")["Role"]
    trusted = role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]
    assert trusted == {"Service": "ec2.amazonaws.com"}, trusted
    assert role["Arn"] in names(iam.get_paginator("list_roles").paginate(), "Roles", "Arn")
    call = {"ModelName": "m", "PrimaryContainer": {"Image": IMAGE}}
    message = f"Could not assume role {role['Arn']}. Please ensure that the role exists"
    refused("ValidationException", message, sm.create_model, **call, ExecutionRoleArn=role["Arn"])


@sim_only
def permissions_are_allowed_unless_denied(backend):
    iam = backend.client("iam")
    actions = ["sagemaker:CreateEndpoint", "s3:GetObject", "ecr:BatchGetImage"]
    simulate = iam.get_paginator("simulate_principal_policy").paginate

    def denied(**more):
        results = simulate(PolicySourceArn=ROLE, ActionNames=actions, **more)
        decisions = [r for page in results for r in page["EvaluationResults"]]
        assert len(decisions) == 3 * len(more.get("ResourceArns", ["*"])), decisions
        return [r["EvalActionName"] for r in decisions if r["EvalDecision"] != "allowed"]

    assert denied() == []
    backend.settings(denied_actions=["s3:*", "SomebodyElse ecr:*"])
    assert denied() == ["s3:GetObject"]
    assert denied(PaginationConfig={"PageSize": 1}) == ["s3:GetObject"]
    assert denied(ResourceArns=["arn:aws:s3:::a/*", "arn:aws:s3:::b/*"]) == ["s3:GetObject"] * 2
    caller = backend.client("sts").get_caller_identity()["Arn"]
    assert iam.simulate_principal_policy(PolicySourceArn=caller, ActionNames=actions)
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/SageMakerExec/me"
    call = {"PolicySourceArn": session, "ActionNames": actions}
    refused("InvalidInput", "Invalid Entity Arn", iam.simulate_principal_policy, **call)
    call["PolicySourceArn"] = f"arn:aws:iam::{ACCOUNT}:role/Absent"
    refused("NoSuchEntity", "The role with name Absent", iam.simulate_principal_policy, **call)
