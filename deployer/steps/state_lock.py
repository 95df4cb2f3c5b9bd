"""Terraform's own lock on one state, taken by us: for what writes a state without Terraform.

The same object in the same form, written only where there is none, so that Terraform and we keep each other out. It
says which run of ours took it: one that the ledger knows to be over has left it behind, and the next run removes it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deployer.adapters.terraform.events import LockHolder, lock_holder
from deployer.engine.step import Context
from deployer.errors import DeployError, StateLocked
from deployer.steps.state_file import OUR_RUN, StateFile


@dataclass(frozen=True, kw_only=True)
class StateLock:
    """The lock of one state, for this run."""

    state: StateFile
    run: str
    command: str

    @contextlib.contextmanager
    def held(self, context: Context) -> Iterator[None]:
        """Hold the state. Raises StateLocked that says who has it."""
        body = self._take(context)
        try:
            yield
        except BaseException:
            # What went wrong is said; the lock that could not be given back is taken over by the next run.
            with contextlib.suppress(DeployError):
                self._give_back(body)
            raise
        self._give_back(body)

    def _take(self, context: Context) -> bytes:
        body = json.dumps(self._fields()).encode()
        self.state.unlocking(lambda: self._put(body), context)
        return body

    def _put(self, body: bytes) -> None:
        bucket, key = self.state.bucket, self.state.lock_key
        if not bucket.try_put(key, body, replaces=None):
            found = bucket.get(key)
            raise held_by(lock_holder(found.body.decode("utf-8", "replace")) if found else None, state=self.state)

    def _give_back(self, body: bytes) -> None:
        found = self.state.bucket.get(self.state.lock_key)
        # Somebody may have broken it by force and taken it: then it is theirs.
        if found is None or found.body != body:
            return
        released = json.dumps(self._fields()).encode()
        if self.state.bucket.try_put(self.state.lock_key, released, replaces=found.etag):
            self.state.bucket.delete([self.state.lock_key])

    def _fields(self) -> Mapping[str, Any]:
        return {
            "ID": str(uuid.uuid4()),
            "Operation": self.command,
            "Info": f"{OUR_RUN}{self.run}",
            "Who": self.state.identity,
            "Version": "",
            "Created": dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z"),
            "Path": f"{self.state.bucket.name}/{self.state.key}",
        }


def held_by(holder: LockHolder | None, *, state: StateFile) -> StateLocked:
    """The error that says who holds a state."""
    environment = state.key.split("/")[-2]
    who = f" by {holder.who or 'somebody'} since {holder.since or 'an unknown time'}" if holder else ""
    return StateLocked(
        f"the Terraform state is locked{who}",
        place=state.bucket.place(state.lock_key),
        hint="wait for it with `--lock-timeout 10m`; if its owner is gone for certain: "
        f"`inv state.unlock --env {environment}`",
        details=[f"operation {holder.operation or 'unknown'}, lock id {holder.id}"] if holder else [],
    )
