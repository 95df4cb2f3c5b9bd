"""Terraform: which program, one stack's commands, and what its output means."""

from __future__ import annotations

from deployer.adapters.terraform.binary import Terraform, find_terraform
from deployer.adapters.terraform.plan import PlannedChange
from deployer.adapters.terraform.stack import Plan, Stack

__all__ = ["Plan", "PlannedChange", "Stack", "Terraform", "find_terraform"]
