"""Scenarios that judge back ends of sagemaker-mcp with AWS's own client."""

# Each module registers its scenarios; they run in this order.
from . import resources, updates, logs, scaling  # noqa: F401, isort: skip
from . import endpoints, failures, pools, lists, jumpstart  # noqa: F401, isort: skip
from . import limits, permissions, runtime, pricing, faults  # noqa: F401, isort: skip
from .backend import SCENARIOS, Backend

__all__ = ["SCENARIOS", "Backend"]
