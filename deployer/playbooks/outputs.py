"""Outputs: what the stacks of an environment say of themselves, read from their state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from deployer.errors import ServiceFailed
from deployer.playbooks.wiring import Wiring, require_credentials


def outputs(wiring: Wiring) -> dict[str, Mapping[str, Any]]:
    """Stack to its outputs; empty for one that is not deployed."""
    require_credentials(wiring, references={})
    return {stack: _outputs(wiring, stack) for stack in wiring.environment.stacks}


def _outputs(wiring: Wiring, stack: str) -> Mapping[str, Any]:
    state = wiring.state_file(stack).object
    found = state.get()
    if found is None:
        return {}
    try:
        data = json.loads(found.body)
        if data["version"] == 4:
            return {
                name: "(sensitive)" if output.get("sensitive") else output["value"]
                for name, output in data["outputs"].items()
            }
    except (ValueError, KeyError, TypeError):
        pass
    raise ServiceFailed(
        "this state is not in the format of Terraform 0.12 and later",
        place=state.place,
    )
