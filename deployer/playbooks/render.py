"""Render: the files that other tools read, as a deploy would write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from deployer.adapters.files import read_json, write_private
from deployer.playbooks.wiring import Wiring

# Written after every deploy, so that rendering needs no credentials.
OUTPUTS_FILE = "outputs.json"


@dataclass(frozen=True)
class Rendered:
    """One file: its path in the environment's work folder, and its text."""

    path: PurePosixPath
    text: str


class _AfterDeploy(str):
    """Stands for outputs that nobody knows yet: any key of it is again a text that says so."""

    __slots__ = ()

    @classmethod
    def of(cls, name: str) -> _AfterDeploy:
        """The text for the output called `name`."""
        return cls(f"(known after terraform: {name})")

    def __getitem__(self, key: object) -> _AfterDeploy:
        name = self.removeprefix("(known after terraform: ").removesuffix(")")
        return _AfterDeploy.of(f"{name}.{key}")


def render(wiring: Wiring) -> list[Rendered]:
    """All files of one environment, in the order in which a deploy uses them."""
    files = []
    for stack in wiring.environment.stacks:
        folder = PurePosixPath("terraform") / stack
        files.append(Rendered(folder / "backend.tfbackend", wiring.render_backend(stack)))
        files.append(Rendered(folder / f"{stack}.tfvars.json", wiring.render_variables(stack)))
    files.append(Rendered(PurePosixPath("build") / "wrangler.json", wiring.render_wrangler(known_outputs(wiring))))
    return files


def known_outputs(wiring: Wiring) -> dict[str, Any]:
    """The stacks' outputs as the last deploy from this checkout saw them."""
    kept = read_json(wiring.folder / OUTPUTS_FILE)
    kept = kept if isinstance(kept, dict) else {}
    return {stack: kept.get(stack) or _AfterDeploy.of(stack) for stack in wiring.environment.stacks}


def named_outputs(wiring: Wiring) -> dict[str, Any]:
    """Texts that say which output stands where: the same whatever the outputs are."""
    return {stack: _AfterDeploy.of(stack) for stack in wiring.environment.stacks}


def remember_outputs(wiring: Wiring, outputs: Mapping[str, Any]) -> None:
    """Keep the outputs for `known_outputs`."""
    write_private(wiring.folder / OUTPUTS_FILE, json.dumps(dict(outputs), indent=1, sort_keys=True) + "\n")
