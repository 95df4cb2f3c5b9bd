"""The state of one stack in the bucket: read, copied around every change, and freed of locks that nobody holds."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from deployer.adapters import process_records
from deployer.adapters.state import Bucket
from deployer.adapters.terraform.events import LockHolder
from deployer.engine.step import Context
from deployer.errors import Damaged, DeployError, StateLocked, ToolFailed
from deployer.steps.lock_object import HeldLock, LockObject
from deployer.steps.reviewing import StateStamp
from deployer.steps.state_copies import StateCopies
from deployer.steps.state_object import StateObject

T = TypeVar("T")
_LOOK_EVERY = 1.0


@dataclass(frozen=True, kw_only=True)
class StateFile:
    """The state of one stack in the bucket, and what proves that a lock on it is abandoned."""

    copies: StateCopies
    # Notes about the programs that runs of this checkout have started on this environment.
    records: Path
    identity: str
    # Whether the run of ours with this id is over for certain, by what the ledger knows.
    ended: Callable[[str], bool] = lambda _run: False
    # How long a lock that somebody holds is waited for, in seconds.
    patience: float = 0.0

    @property
    def object(self) -> StateObject:
        """The state itself."""
        return self.copies.state

    @property
    def bucket(self) -> Bucket:
        """Where it lies."""
        return self.object.bucket

    @property
    def stack(self) -> str:
        """Of which stack it is."""
        return self.object.stack

    @property
    def lock(self) -> LockObject:
        """Terraform's lock on it."""
        return LockObject(state=self.object)

    def exists(self) -> bool:
        """Whether there is a state."""
        return self.object.get() is not None

    def stamp(self) -> StateStamp | None:
        """Serial and lineage of the state; None if there is none."""
        state = self.object.read()
        return StateStamp(serial=state.serial, lineage=state.lineage) if state else None

    def locked(self) -> bool:
        """Whether somebody holds the state, or has left it locked."""
        return self.lock.held() is not None

    def keep_copy(self) -> None:
        """Copy the state as it is now, if there is one."""
        found = self.object.get()
        if found is not None:
            self.copies.keep(found.body)

    def require_not_lost(self) -> None:
        """Damaged if there is no state although its newest copy holds things, which nobody would know of any more.

        Terraform takes an empty object for no state as well, and what an old version wrote for an empty one.
        """
        found = self.object.get()
        if found is not None and found.body.strip():
            self.object.require(found.body)
            return
        newest = self.copies.newest()
        if newest is None:
            return
        held = len(self.copies.read_state(newest).managed)
        if held:
            raise Damaged(
                f"the state is {'empty' if found else 'gone'}, and its newest copy holds "
                f"{held} thing{'s' if held > 1 else ''}",
                place=self.object.place,
                hint=f"{self.object.command('state.restore')} brings it back",
            )

    @contextlib.contextmanager
    def blamed(self) -> Iterator[None]:
        """Around Terraform: what it says of a state that it cannot read is said better by us."""
        try:
            yield
        except ToolFailed:
            found = self.object.get()
            if found is not None:
                self.object.require(found.body)
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
        found = self.lock.held()
        if found is None or found.holder is None:
            return False
        started: list[process_records.Leftover] = []
        if not self._left_by_us(found):
            started = self._notes_of(found.holder)
            if not started:
                return False
        if not self.lock.remove(found):
            return False
        process_records.forget(started)
        return True

    def left_by_us(self) -> bool:
        """Whether there is a lock that a run of ours took itself, and that run is over."""
        found = self.lock.held()
        return found is not None and self._left_by_us(found)

    def _left_by_us(self, found: HeldLock) -> bool:
        return found.run is not None and self.ended(found.run)

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


def _not_after(started: dt.datetime, taken: str) -> bool:
    try:
        return started <= dt.datetime.fromisoformat(taken.replace(" UTC", "").replace(" +0000", "+00:00"))
    except (ValueError, TypeError):
        return False
