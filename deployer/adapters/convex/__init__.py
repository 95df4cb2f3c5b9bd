"""Convex: the control plane, a deployment's variables and functions, and the CLI that pushes."""

from __future__ import annotations

from deployer.adapters.convex.cli import ConvexCli
from deployer.adapters.convex.control import ConvexControl, Deployment
from deployer.adapters.convex.deployment import ConvexDeployment
from deployer.adapters.convex.keys import DeployKey, parse_key
from deployer.adapters.convex.management import MANAGEMENT_TOKEN, ConvexManagement, Preview

__all__ = [
    "MANAGEMENT_TOKEN",
    "ConvexCli",
    "ConvexControl",
    "ConvexDeployment",
    "ConvexManagement",
    "DeployKey",
    "Deployment",
    "Preview",
    "parse_key",
]
