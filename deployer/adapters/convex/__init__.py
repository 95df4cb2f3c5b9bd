"""Convex: the control plane, a deployment's variables and functions, and the CLI that pushes."""

from __future__ import annotations

from deployer.adapters.convex.cli import ConvexCli
from deployer.adapters.convex.control import ConvexControl, Deployment
from deployer.adapters.convex.deployment import ConvexDeployment
from deployer.adapters.convex.keys import DeployKey, parse_key

__all__ = ["ConvexCli", "ConvexControl", "ConvexDeployment", "DeployKey", "Deployment", "parse_key"]
