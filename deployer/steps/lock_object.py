"""The lock that Terraform puts beside a state while it changes it, and what proves that nobody is behind one any more.

Terraform notes who took it, but no process. The ledger knows the run in which it was taken: by the store's clock it was
written while that run had the environment, by the same user on the same machine. If that run has ended, so has its
Terraform.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from deployer.adapters.machine import carriers
from deployer.adapters.process import RUN_VARIABLE
from deployer.adapters.state import Bucket
from deployer.adapters.terraform.events import LockHolder, lock_holder
from deployer.steps.holder import Owners, Verdict
from deployer.steps.ledger_runs import Run


@dataclass(frozen=True, kw_only=True)
class HeldLock:
    """A lock as it was found. `holder` is None for one that cannot be read."""

    etag: str
    written: datetime
    holder: LockHolder | None

    @property
    def id(self) -> str:
        """What to type in order to break this very lock; of one that cannot be read, the store's tag."""
        return self.holder.id if self.holder else self.etag.strip('"')


@dataclass(frozen=True, kw_only=True)
class LockObject:
    """The lock on the state at `state_key`."""

    bucket: Bucket
    state_key: str

    @property
    def key(self) -> str:
        """Where it lies while somebody holds it."""
        return f"{self.state_key}.tflock"

    def held(self) -> HeldLock | None:
        """The lock, None if nobody holds it."""
        found = self.bucket.get(self.key)
        if found is None:
            return None
        holder = lock_holder(found.body.decode("utf-8", "replace"))
        return HeldLock(etag=found.etag, written=found.modified, holder=holder)

    def remove(self, lock: HeldLock, *, why: str) -> bool:
        """Remove exactly this lock; False if it is no longer there, or somebody else's by now."""
        # The store deletes without conditions. So it is made ours first, and who else would take a lock that is held?
        holder = lock.holder
        fields = {} if holder is None else {"Who": holder.who, "Created": holder.since, "Operation": holder.operation}
        taken = json.dumps({"ID": str(uuid.uuid4()), **fields, "Path": self.state_key, "Info": why})
        if not self.bucket.try_put(self.key, taken.encode(), replaces=lock.etag):
            return False
        self.bucket.delete([self.key])
        return True


def taken_in(lock: HeldLock, runs: Sequence[Run]) -> Run | None:
    """The run that took the lock: at work when it was written, by the same user on the same machine."""
    if lock.holder is None:
        return None
    for run in reversed(runs):
        if run.opened.written <= lock.written:
            ended = run.closed is not None and run.closed.written < lock.written
            return run if run.opened.body.get("who") == lock.holder.who and not ended else None
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
