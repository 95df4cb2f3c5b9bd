"""What is there when a run has ended: the states' serials, the Worker that is live, the functions that were pushed.

For the ledger. A part that cannot be looked at is said to be unknown; that must not keep a run from being closed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from deployer.adapters.cloudflare import LiveVersion
from deployer.errors import DeployError
from deployer.steps.release_record import ReleaseRecord
from deployer.steps.reviewing import StateStamp


@dataclass(frozen=True, kw_only=True)
class Live:
    """What there is of one environment."""

    # Stack to what tells which version of its state there is.
    states: Mapping[str, Callable[[], StateStamp | None]]
    record: ReleaseRecord
    version: Callable[[], LiveVersion | None]

    def observed(self) -> Mapping[str, Any]:
        """What answers counts, and not what a run has recorded: it may have been killed before it could."""
        return {
            "worker": _known(self._live_worker),
            "convex": _known(lambda: _part(self.record.section("convex"), "sources", "modules")),
            "terraform": {stack: _known(partial(_state, stamp)) for stack, stamp in self.states.items()},
        }

    def _live_worker(self) -> Mapping[str, Any] | None:
        live = self.version()
        return None if live is None else {"version": live.id, "digest": live.tag}


def _state(look: Callable[[], StateStamp | None]) -> Mapping[str, Any] | None:
    stamp = look()
    return None if stamp is None else {"serial": stamp.serial, "lineage": stamp.lineage}


def _part(section: Mapping[str, Any], *names: str) -> Mapping[str, Any] | None:
    return {name: section.get(name) for name in names} if section else None


def _known(look: Callable[[], Mapping[str, Any] | None]) -> Mapping[str, Any] | None:
    try:
        return look()
    except DeployError as error:
        return {"unknown": error.reason}
