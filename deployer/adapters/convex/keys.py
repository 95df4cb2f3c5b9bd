"""What a Convex deploy key is for, told by its prefix.

The CLI ignores `--preview-name` when it is given a production key and pushes to production, with one line of warning.
So a key is looked at here before any tool starts. The secret part is never shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from deployer.errors import GuardRefused

DeploymentType = Literal["prod", "dev", "preview"]


@dataclass(frozen=True)
class DeployKey:
    """The readable part of a key: a named deployment's, or the preview key of a team's project."""

    type: str
    deployment: str | None = None
    team: str | None = None
    project: str | None = None

    def __str__(self) -> str:
        return f"{self.type}:{self.deployment}" if self.deployment else f"{self.type}:{self.team}:{self.project}"


def parse_key(key: str, *, place: str) -> DeployKey:
    """Read a key's prefix; a text without one is refused."""
    prefix, separator, secret = key.strip().partition("|")
    parts = prefix.split(":")
    if separator and secret and all(parts):
        if len(parts) == 2:
            return DeployKey(parts[0], deployment=parts[1])
        if len(parts) == 3:
            return DeployKey(parts[0], team=parts[1], project=parts[2])
    raise GuardRefused(
        "this is not a Convex deploy key (`prod:NAME|...`, `dev:NAME|...` or `preview:TEAM:PROJECT|...`)",
        place=place,
        hint="make one on the deployment's settings page, and keep the quotes: it contains `|`",
    )


def check_key(
    key: DeployKey, *, wanted: DeploymentType, deployment: str | None, team: str, project: str, place: str
) -> None:
    """Refuse a key that is not for exactly what the inventory names."""
    if wanted == "preview":
        expected = DeployKey("preview", team=team, project=project)
    else:
        expected = DeployKey(wanted, deployment=deployment)
    if key != expected:
        raise GuardRefused(
            f"the Convex deploy key is for `{key}`, this environment is `{expected}`",
            place=place,
            hint="give this environment its own key; nothing was started",
        )
