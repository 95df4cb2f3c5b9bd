"""GitHub, as far as deploys need it: pull requests, comments, deployments, statuses, runs and who has reviewed them."""

from __future__ import annotations

from deployer.adapters.github.hub import COMMENT_LIMIT, GitHub
from deployer.adapters.github.values import (
    Comment,
    Deployment,
    DeploymentState,
    PullRequest,
    RunReview,
    StatusState,
    WorkflowRun,
)

__all__ = [
    "COMMENT_LIMIT",
    "Comment",
    "Deployment",
    "DeploymentState",
    "GitHub",
    "PullRequest",
    "RunReview",
    "StatusState",
    "WorkflowRun",
]
