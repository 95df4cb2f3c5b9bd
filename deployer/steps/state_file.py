"""The state of one stack in the bucket: read, copied around every change, and freed of locks that nobody holds."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from deployer.adapters import process_records
from deployer.adapters.state import Bucket, Object
from deployer.adapters.terraform.events import LockHolder, lock_holder
from deployer.engine.step import Context
from deployer.errors import Damaged, DeployError, StateLocked, ToolFailed
from deployer.steps.reviewing import StateStamp
from deployer.steps.state_copies import StateCopies, names_in

T = TypeVar("T")
_LOOK_EVERY = 1.0
# How a lock that we took ourselves begins to say which run it was.
OUR_RUN = "deployer run "


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
    # Whether the run of ours with this id is over for certain, by what the ledger knows.
    ended: Callable[[str], bool] = lambda _run: False
    # How long a lock that somebody holds is waited for, in seconds.
    patience: float = 0.0

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
        return self.bucket.get(self.lock_key) is not None

    @property
    def lock_key(self) -> str:
        """Where Terraform locks it."""
        return f"{self.key}.tflock"

    def keep_copy(self) -> None:
        """Copy the state as it is now, if there is one."""
        found = self.bucket.get(self.key)
        if found is not None:
            self.copies.keep(found.body)

    def require_not_lost(self) -> None:
        """Damaged if there is no state although its newest copy holds things, which nobody would know of any more.

        Terraform takes an empty object for no state as well, and what an old version wrote for an empty one.
        """
        found = self.bucket.get(self.key)
        if found is not None and found.body.strip():
            self.copies.require_state(found.body)
            return
        newest = self.copies.newest()
        if newest is None:
            return
        held = len(self.copies.require_state(self.copies.read(newest)).managed)
        if held:
            environment, stack = names_in(self.key)
            raise Damaged(
                f"the state is {'empty' if found else 'gone'}, and its newest copy holds "
                f"{held} thing{'s' if held > 1 else ''}",
                place=self.bucket.place(self.key),
                hint=f"`inv state.restore --env {environment} --stack {stack}` brings it back",
            )

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

        Of a lock that Terraform took the proof is: it names this user and machine, a note of this checkout says that it
        had started Terraform on this very stack before the lock was made, and none of the noted processes is alive. Of
        a lock that we took ourselves: the run that it names is over, by the ledger.
        """
        found = self.bucket.get(self.lock_key)
        lock = _fields(found.body) if found else {}
        holder = lock_holder(json.dumps(lock))
        if found is None or holder is None:
            return False
        started: list[process_records.Leftover] = []
        if not self._left_by_us(found):
            started = self._notes_of(holder)
            if not started:
                return False
        # Ours now, unless somebody has broken the lock meanwhile and taken it: then it is theirs. It stays one that can
        # be proven to be left, should we be killed here.
        taken = json.dumps({**lock, "ID": str(uuid.uuid4())})
        if not self.bucket.try_put(self.lock_key, taken.encode(), replaces=found.etag):
            return False
        self.bucket.delete([self.lock_key])
        process_records.forget(started)
        return True

    def left_by_us(self) -> bool:
        """Whether there is a lock that a run of ours took itself, and that run is over."""
        found = self.bucket.get(self.lock_key)
        return found is not None and self._left_by_us(found)

    def _left_by_us(self, found: Object) -> bool:
        info = str(_fields(found.body).get("Info"))
        return info.startswith(OUR_RUN) and self.ended(info.removeprefix(OUR_RUN))

    def _notes_of(self, holder: LockHolder) -> list[process_records.Leftover]:
        """Notes of this checkout that prove that its Terraform took the lock and is gone."""
        if holder.who != self.identity:
            return []
        left = [note for note in process_records.leftovers(self.records) if f"({self.stack})" in note.title]
        started = [note for note in left if not note.pids and _not_after(note.since, holder.since)]
        return [] if any(note.pids for note in left) else started

    def unlocking(self, work: Callable[[], T], context: Context) -> T:
        """Do `work`; a lock that a killed run of ours left behind is removed first, anybody else's is waited for."""
        deadline = time.monotonic() + self.patience
        told = ""
        while True:
            try:
                return work()
            except StateLocked as error:
                if self.release_abandoned_lock():
                    context.say("removed the state lock of a run that was killed")
                    continue
                if time.monotonic() >= deadline:
                    raise
                if told != error.message:
                    told = error.message
                    context.say(f"waiting: {told}")
                while self.locked() and time.monotonic() < deadline:
                    if context.stop.requested.wait(min(_LOOK_EVERY, max(0.0, deadline - time.monotonic()))):
                        raise


def _fields(body: bytes) -> dict[str, Any]:
    """What a lock says; nothing if it is none."""
    try:
        lock = json.loads(body)
    except ValueError:
        return {}
    return lock if isinstance(lock, dict) else {}


def _not_after(started: dt.datetime, taken: str) -> bool:
    try:
        return started <= dt.datetime.fromisoformat(taken.replace(" UTC", "").replace(" +0000", "+00:00"))
    except (ValueError, TypeError):
        return False
