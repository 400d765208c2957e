"""Scenarios in which boto3 must agree with what sagemaker-mcp wrote and told."""

# Each module registers its scenarios; they run in this order.
from . import deployments, changes, observations  # noqa: F401, isort: skip
from .parties import SCENARIOS, Parties

__all__ = ["SCENARIOS", "Parties"]
