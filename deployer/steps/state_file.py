"""The state of one stack in the bucket: read, copied around every change, and freed of locks that nobody holds."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from deployer.adapters import process_records
from deployer.adapters.state import Bucket
from deployer.adapters.terraform.events import lock_holder
from deployer.engine.step import Context
from deployer.errors import DeployError, StateLocked, ToolFailed
from deployer.steps.reviewing import StateStamp
from deployer.steps.state_copies import StateCopies

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class StateFile:
    """The state of one stack in the bucket, and what proves that a lock on it is abandoned."""

    bucket: Bucket
    key: str
    stack: str
    # Notes about the programs that runs of this checkout have started on this environment.
    records: Path
    identity: str
    copies: StateCopies

    def exists(self) -> bool:
        """Whether there is a state."""
        return self.bucket.get(self.key) is not None

    def stamp(self) -> StateStamp | None:
        """Serial and lineage of the state; None if there is none."""
        found = self.bucket.get(self.key)
        state = self.copies.require_state(found.body) if found else None
        return StateStamp(serial=state.serial, lineage=state.lineage) if state else None

    def locked(self) -> bool:
        """Whether somebody holds the state, or has left it locked."""
        return self.bucket.get(self._lock) is not None

    @property
    def _lock(self) -> str:
        return f"{self.key}.tflock"

    def keep_copy(self) -> None:
        """Copy the state as it is now, if there is one."""
        found = self.bucket.get(self.key)
        if found is not None:
            self.copies.keep(found.body)

    @contextlib.contextmanager
    def blamed(self) -> Iterator[None]:
        """Around Terraform: what it says of a state that it cannot read is said better by us."""
        try:
            yield
        except ToolFailed:
            found = self.bucket.get(self.key)
            if found is not None:
                self.copies.require_state(found.body)
            raise

    @contextlib.contextmanager
    def copied(self, context: Context) -> Iterator[None]:
        """Around what changes the state: a copy before, or nothing is changed; and one after, however that ended."""
        self.keep_copy()
        try:
            yield
        except BaseException:
            with contextlib.suppress(DeployError):
                self.keep_copy()
            raise
        self.keep_copy()
        try:
            self.copies.prune()
        except DeployError as error:
            # Too many copies are no reason to fail what was carried out.
            context.say(f"old copies of the state could not be removed: {error}")

    def release_abandoned_lock(self) -> bool:
        """Remove the lock if the run that took it was ours and is gone for certain.

        The proof: the lock names this user and machine, a note of this checkout says that it had started Terraform on
        this very stack before the lock was made, and none of the noted processes is alive.
        """
        found = self.bucket.get(self._lock)
        holder = lock_holder(found.body.decode("utf-8", "replace")) if found else None
        if found is None or holder is None or holder.who != self.identity:
            return False
        left = [note for note in process_records.leftovers(self.records) if f"({self.stack})" in note.title]
        started = [note for note in left if not note.pids and _not_after(note.since, holder.since)]
        if not started or any(note.pids for note in left):
            return False
        # Ours now, unless somebody has broken the lock meanwhile and taken it: then it is theirs.
        fields = {"Who": holder.who, "Created": holder.since, "Operation": holder.operation, "Path": holder.path}
        taken = json.dumps({"ID": str(uuid.uuid4()), **fields, "Info": "abandoned, being removed"})
        if not self.bucket.try_put(self._lock, taken.encode(), replaces=found.etag):
            return False
        self.bucket.delete([self._lock])
        process_records.forget(started)
        return True

    def unlocking(self, work: Callable[[], T], context: Context) -> T:
        """Do `work`; a lock that a killed run of ours left behind is removed first, anybody else's is an error."""
        try:
            return work()
        except StateLocked:
            if not self.release_abandoned_lock():
                raise
            context.say("removed the state lock of a run that was killed")
            return work()


def _not_after(started: dt.datetime, taken: str) -> bool:
    try:
        return started <= dt.datetime.fromisoformat(taken.replace(" UTC", "").replace(" +0000", "+00:00"))
    except (ValueError, TypeError):
        return False
