"""The repository's workflows as tests read them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

ROOT = Path(__file__).parents[2]
FOLDER: Final = ROOT / ".github" / "workflows"
ACTION: Final = ROOT / ".github" / "actions" / "setup" / "action.yml"
NAMES: Final = (
    "static-checks",
    "terraform-plan",
    "terraform-apply",
    "deploy-convex",
    "deploy-cloudflare",
    "pr-environment",
    "pr-cleanup",
    "sweep",
)
SAME_REPOSITORY: Final = "github.event.pull_request.head.repo.full_name == github.repository"


@dataclass(frozen=True)
class Job:
    """One job of one workflow."""

    workflow: str
    id: str
    values: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.workflow}/{self.id}"

    @property
    def steps(self) -> list[dict[str, Any]]:
        """Its steps; none for a job that calls another workflow."""
        return list(self.values.get("steps", []))

    @property
    def needs(self) -> tuple[str, ...]:
        """The jobs that come before."""
        needs = self.values.get("needs", [])
        return (needs,) if isinstance(needs, str) else tuple(needs)

    @property
    def condition(self) -> str:
        """When it runs, on one line."""
        return " ".join(str(self.values.get("if", "")).split())

    @property
    def text(self) -> str:
        """All of it, to look for words in."""
        return str(yaml.safe_dump(self.values))

    @property
    def privileged(self) -> bool:
        """Whether it can reach a secret, an identity at AWS, or a GitHub environment."""
        rights = self.values.get("permissions") or {}
        return "secrets." in self.text or "environment" in self.values or rights.get("id-token") == "write"

    @property
    def calls(self) -> list[str]:
        """What its steps run."""
        return [step["run"] for step in self.steps if "run" in step]


def workflow(name: str) -> dict[str, Any]:
    """One workflow, with `on` as GitHub understands it (YAML 1.1 takes it for a truth value)."""
    loaded: dict[Any, Any] = yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    return {"on" if key is True else str(key): value for key, value in loaded.items()}


def jobs(*names: str) -> Iterator[Job]:
    """All jobs of these workflows (all of them, if none is named)."""
    for name in names or NAMES:
        for id_, values in workflow(name)["jobs"].items():
            yield Job(name, id_, values)


def triggers(name: str) -> dict[str, Any]:
    """What starts a workflow."""
    on = workflow(name)["on"]
    return {on: None} if isinstance(on, str) else dict(on.items())


def uses(name: str | None = None) -> Iterator[tuple[str, str]]:
    """Every line with `uses:` of the workflows and the action: file name and line."""
    paths = [FOLDER / f"{name}.yml"] if name else [*sorted(FOLDER.glob("*.yml")), ACTION]
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.match(r"\s*(- )?uses:", line):
                yield path.name, line.split("uses:", 1)[1].strip()
