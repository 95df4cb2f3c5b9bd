"""What the sandbox must hold so that every environment of the inventory can be deployed there.

Names only: the sandbox invents the values of secrets. One text for all environments that are written out; an ephemeral
one is added when it is the one that is worked on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from deployer.inventory.base import SecretRef
from deployer.inventory.load import LoadedInventory
from deployer.inventory.model import Environment, Project
from deployer.inventory.names import NUMBER

_LOGIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}")
_MOST_REVIEWERS: Final = 6  # GitHub takes no more for an environment


def seed_text(loaded: LoadedInventory, environment: Environment | None = None) -> str:
    """Return the seed as JSON; the same inventory always gives the same text."""
    return json.dumps(seed(loaded, environment), indent=1, sort_keys=True)


def seed(loaded: LoadedInventory, environment: Environment | None = None) -> dict[str, Any]:
    """Return the seed for all written-out environments, and for `environment` if it is none of them."""
    project = loaded.inventory.project
    # `sample` and not `environment`: `--set` is meant for the one that is worked on.
    written = {entry: loaded.sample(entry).environment for entry in loaded.entries if NUMBER not in entry}
    if environment is not None:
        written[environment.name] = environment
    environments = list(written.values())
    templates = [loaded.sample(entry).environment for entry in loaded.entries if NUMBER in entry]

    keys: dict[str, set[str]] = {}
    variables: set[str] = set()
    shared = (project.fingerprint_key, *([project.state.copy_key] if project.state.copy_key else []))
    for reference in (*shared, *(ref for each in environments for ref in _secrets(each))):
        if reference.env is not None:
            variables.add(reference.env)
        elif reference.aws is not None and reference.key is not None:
            keys.setdefault(reference.aws, set()).add(reference.key)

    if any(each.convex.type == "preview" for each in (*environments, *templates)):
        # By the team's token previews are counted, kept and deleted; real ones are in the process environment.
        variables.add("CONVEX_MANAGEMENT_TOKEN")
    deployments = {
        each.convex.deployment: {
            "name": each.convex.deployment,
            "type": each.convex.type,
            "deploy_key": _place(each.convex.deploy_key),
        }
        for each in environments
        if each.convex.deployment is not None
    }
    preview_keys = [
        _place(each.convex.deploy_key) for each in (*environments, *templates) if each.convex.deployment is None
    ]
    seeded: dict[str, Any] = {
        "schema": 1,
        "account": {"id": project.account_id, "name": project.name},
        "zones": [project.zone],
        "secrets": [{"id": identifier, "keys": sorted(names)} for identifier, names in sorted(keys.items())],
        "environment": sorted(variables),
        "convex": {
            "team": project.convex_team,
            "project": project.convex_project,
            "deployments": [deployments[name] for name in sorted(deployments)],
            "preview_keys": [key for index, key in enumerate(preview_keys) if key not in preview_keys[:index]],
        },
    }
    if project.repository is not None:
        seeded["github"] = {
            "repository": project.repository,
            "environments": [_github_environment(project, entry) for entry in environments if entry.number is None],
        }
    return seeded


def _github_environment(project: Project, environment: Environment) -> dict[str, Any]:
    """On GitHub an environment that is guarded waits for one of the people who may approve."""
    people = project.approvers.values()
    accounts = [account for each in people for account in ((each.github,) if each.github else each.accounts)]
    logins = [account for account in accounts if _LOGIN.fullmatch(account)]
    reviewers = sorted(logins)[:_MOST_REVIEWERS] if environment.guards.protected else []
    return {"name": environment.approvals.github_environment or environment.name, "reviewers": reviewers}


def _secrets(environment: Environment) -> Iterator[SecretRef]:
    yield from environment.worker.secrets.values()
    yield from environment.convex.secrets.values()


def _place(reference: SecretRef) -> dict[str, str]:
    if reference.env is not None:
        return {"env": reference.env}
    return {"aws": str(reference.aws), "key": str(reference.key)}
