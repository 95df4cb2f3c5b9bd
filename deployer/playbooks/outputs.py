"""Outputs: what the stacks of an environment say of themselves, read from their state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployer.playbooks.credentials import require_credentials
from deployer.playbooks.wiring import Wiring


def outputs(wiring: Wiring) -> dict[str, Mapping[str, Any]]:
    """Stack to its outputs; empty for one that is not deployed, Damaged for one whose state cannot be read."""
    require_credentials(wiring, references={})
    return {stack: _outputs(wiring, stack) for stack in wiring.environment.stacks}


def _outputs(wiring: Wiring, stack: str) -> Mapping[str, Any]:
    state = wiring.state_file(stack).object.read()
    if state is None:
        return {}
    return {
        name: "(sensitive)" if output.get("sensitive") else output["value"]
        for name, output in state.data["outputs"].items()
    }
