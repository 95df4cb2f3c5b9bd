"""The lock that Terraform puts beside a state while it changes it, and what proves that nobody is behind one any more.

Terraform notes who took it, but no process. The ledger knows the run in which it was taken: by the store's clock it was
written while that run had the environment, by the same user on the same machine. If that run has ended, so has its
Terraform. We take the same object in the same form for what writes a state without Terraform, so that Terraform and we
keep each other out; it says which run of ours took it.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from deployer.adapters.machine import carriers
from deployer.adapters.process import RUN_VARIABLE
from deployer.adapters.terraform.events import LockHolder, state_locked
from deployer.inventory.state_keys import LOCK_ENDING
from deployer.steps.holder import Owners, Verdict
from deployer.steps.ledger_runs import Run
from deployer.steps.state_object import StateObject

# How a lock that we took ourselves begins to say which run it was.
_OUR_RUN: Final = "deployer run "


@dataclass(frozen=True, kw_only=True)
class HeldLock:
    """A lock as it was found. `fields` is empty for one that cannot be read."""

    etag: str
    written: dt.datetime
    fields: Mapping[str, Any]

    @property
    def holder(self) -> LockHolder | None:
        """Who has it; None if it does not say."""
        return LockHolder.of(self.fields)

    @property
    def id(self) -> str:
        """What to type in order to break this very lock; of one that cannot be read, the store's tag."""
        return self.holder.id if self.holder else self.etag.strip('"')

    @property
    def run(self) -> str | None:
        """The run of ours that took it itself; None if it was Terraform that did."""
        info = str(self.fields.get("Info") or "")
        return info.removeprefix(_OUR_RUN) if info.startswith(_OUR_RUN) else None


@dataclass(frozen=True, kw_only=True)
class LockObject:
    """The lock on one state."""

    state: StateObject

    @property
    def key(self) -> str:
        """Where it lies while somebody holds it."""
        return f"{self.state.key}{LOCK_ENDING}"

    @property
    def place(self) -> str:
        """The same for people."""
        return self.state.bucket.place(self.key)

    def held(self) -> HeldLock | None:
        """The lock, None if nobody holds it."""
        found = self.state.bucket.get(self.key)
        if found is None:
            return None
        return HeldLock(etag=found.etag, written=found.modified, fields=fields_in(found.body))

    def take(self, *, run: str, command: str, who: str) -> str:
        """Take it for a run of ours and return its id; raises StateLocked that says who has it."""
        identifier = str(uuid.uuid4())
        fields = {
            "ID": identifier,
            "Operation": command,
            "Info": f"{_OUR_RUN}{run}",
            "Who": who,
            "Version": "",
            "Created": dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z"),
            "Path": f"{self.state.bucket.name}/{self.state.key}",
        }
        if not self.state.bucket.try_put(self.key, json.dumps(fields).encode(), replaces=None):
            found = self.held()
            unlock = self.state.named.bare("state.unlock", f"--stack {self.state.stack}")
            raise state_locked(found.holder if found else None, place=self.place, unlock=unlock)
        return identifier

    def remove(self, lock: HeldLock) -> bool:
        """Remove exactly this lock; False if it is no longer there, or somebody else's by now."""
        # The store deletes without conditions. So it is made ours first, and who else would take a lock that is held?
        # All else that it says stays: should we be killed here, it is proven to be left by the same things.
        taken = json.dumps({**lock.fields, "ID": str(uuid.uuid4())})
        if not self.state.bucket.try_put(self.key, taken.encode(), replaces=lock.etag):
            return False
        self.state.bucket.delete([self.key])
        return True


def fields_in(body: bytes) -> Mapping[str, Any]:
    """What a lock says; nothing if it is none."""
    try:
        fields = json.loads(body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def taken_in(lock: HeldLock, runs: Sequence[Run]) -> Run | None:
    """The run that took the lock: at work when it was written, by the same user on the same machine."""
    holder = lock.holder
    if holder is None:
        return None
    for run in reversed(runs):
        if run.opened.written <= lock.written:
            ended = run.closed is not None and run.closed.written < lock.written
            return run if run.opened.body.get("who") == holder.who and not ended else None
    return None


def judge(lock: HeldLock, run: Run | None, owners: Owners) -> Verdict:
    """Whether whoever took the lock is gone."""
    if lock.holder is None:
        return Verdict(text="it cannot be read, so nobody knows whose it is")
    if run is None:
        return Verdict(text="no run in the ledger has taken it")
    if run.closed is None:
        return owners.judge(run.opened)
    by = dict(run.closed.body.get("closed_by") or {})
    if by.get("forced"):
        return Verdict(text=f"run {run.opened.run} took it, and was closed by force: nothing proves that it has ended")
    children = carriers(RUN_VARIABLE, run.opened.run)
    if children:
        listed = ", ".join(str(pid) for pid in children)
        return Verdict(
            alive=True, text=f"programs of run {run.opened.run} are at work: process {listed}", pids=children
        )
    return Verdict(gone=True, text=f"run {run.opened.run}, which took it, has ended ({run.outcome})")
