"""Which version of a Terraform state this is: its serial counts the writes, its lineage tells states apart."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from deployer.errors import Damaged


@dataclass(frozen=True, kw_only=True)
class StateStamp:
    """Serial and lineage of one state."""

    serial: int
    lineage: str


def parse_state(body: bytes, *, place: str) -> dict[str, Any]:
    """The state in Terraform's format of version 4; anything else is Damaged, and nothing is done on top of it."""
    try:
        state = json.loads(body)
        if state["version"] == 4 and isinstance(state["serial"], int) and isinstance(state["lineage"], str):
            return dict(state)
    except (ValueError, KeyError, TypeError):
        pass
    raise Damaged(
        "this is not a Terraform state",
        place=place,
        hint="`inv state.copies --env NAME` lists its copies, `inv state.restore` brings one back",
    )


def stamp_of(body: bytes, *, place: str) -> StateStamp:
    """Serial and lineage of the state in `body`."""
    state = parse_state(body, place=place)
    return StateStamp(serial=state["serial"], lineage=state["lineage"])
