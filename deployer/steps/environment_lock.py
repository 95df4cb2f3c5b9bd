"""The lock of an environment: the last entry of its ledger, if that opens a run.

A dead owner's entry is closed by whoever comes next, saying what was found. A living one is waited for, or named.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from deployer.errors import EnvironmentLocked, Interrupted
from deployer.steps.heartbeat import Heartbeat
from deployer.steps.holder import Owners, Verdict, describe, lock_id, particulars, place
from deployer.steps.ledger import CLOSED, Entry, Head, Ledger

KILLED: Final = "killed"
_LOOK_EVERY: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class EnvironmentLock:
    """How one run comes to hold one environment."""

    ledger: Ledger
    heartbeat: Heartbeat
    owners: Owners
    run: str
    command: str
    who: str
    # What is there after a run that was killed, and what has to be done before that is looked at.
    found: Callable[[], Mapping[str, Any]]
    recover: Callable[[], None]
    say: Callable[[str], None]
    # Whether the command has `--lock-timeout`.
    waits: bool = True

    def wait(self, patience: float, stop: threading.Event) -> Head:
        """The end of the ledger once nobody is at work; raises EnvironmentLocked when `patience` has run out."""
        deadline = time.monotonic() + patience
        told = ""
        while True:
            try:
                return self.free()
            except EnvironmentLocked as error:
                if time.monotonic() >= deadline:
                    raise
                if told != error.message:
                    told = error.message
                    self.say(f"waiting at most {deadline - time.monotonic():.0f} s: {error.message}")
            if stop.wait(min(_LOOK_EVERY, max(0.0, deadline - time.monotonic()))):
                raise Interrupted("interrupted while waiting; nothing was touched", hint="run the same command again")

    def free(self) -> Head:
        """The end of the ledger if nobody is at work. What a dead owner has left open is closed."""
        while True:
            head = self.ledger.head()
            if head.open is None:
                return head
            verdict = self.owners.judge(head.open)
            if not verdict.gone:
                raise self.held(head.open, verdict)
            if not verdict.lapsed or self.heartbeat.claim(head.open, by=self.run):
                self.close_for(head.open, verdict.text)

    def close_for(self, opened: Entry, proof: str, *, forced: bool = False) -> bool:
        """Close the entry of an owner that is gone; False if somebody else has closed it."""
        self.recover()
        how = "it is closed by force" if forced else f"{proof}, so it is closed as killed"
        self.say(f"note: {describe(opened, self.ledger.environment)}; {how}")
        body = {
            "event": CLOSED,
            "time": self.ledger.now(),
            "run": lock_id(opened),
            "opened": opened.sequence,
            "outcome": KILLED,
            "reason": KILLED,
            "closed_by": {"run": self.run, "command": self.command, "who": self.who, "proof": proof, "forced": forced},
            "found": dict(self.found()),
        }
        closed = self.ledger.append(body, after=Head(sequence=opened.sequence, digest=opened.digest))
        if closed is not None:
            self.heartbeat.remove()
        return closed is not None

    def held(self, opened: Entry, verdict: Verdict) -> EnvironmentLocked:
        """The error that says who holds it, since when, from which run, and how to go on."""
        wait = "wait for it with `--lock-timeout 10m`" if self.waits else "wait for it to end"
        return EnvironmentLocked(
            describe(opened, self.ledger.environment),
            place=place(self.ledger, opened),
            details=particulars(opened, verdict),
            hint=f"{wait}; if its owner is gone for certain: {self.ledger.named.command('state.unlock')}",
        )
