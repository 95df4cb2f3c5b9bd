"""Terraform: which program, one stack's commands, and what its output means."""

from __future__ import annotations

from deployer.adapters.terraform.binary import Terraform, find_terraform
from deployer.adapters.terraform.meaning import Reading, meaning_of, outputs_meaning
from deployer.adapters.terraform.plan import PlannedChange, planned_changes, planned_outputs
from deployer.adapters.terraform.resources import ResourceValues, planned_resources
from deployer.adapters.terraform.stack import Plan, Stack

__all__ = [
    "Plan",
    "PlannedChange",
    "Reading",
    "ResourceValues",
    "Stack",
    "Terraform",
    "find_terraform",
    "meaning_of",
    "outputs_meaning",
    "planned_changes",
    "planned_outputs",
    "planned_resources",
]
