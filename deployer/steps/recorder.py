"""Writes a run into the ledger: opens an entry before the first step changes anything, closes it at the end.

A listener of the runner, and the gate before each change, so that no step knows of it. A run that changes nothing
writes nothing. What was observed was observed before the entry was opened; that nobody has changed anything in between
is certain because the number of the entry was chosen before anything was looked at: whoever came between has taken it,
and this run has lost.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from deployer.adapters.machine import seconds_awake_or_asleep
from deployer.engine.playbook import Playbook
from deployer.engine.result import RunResult, StepResult
from deployer.engine.stop import Stop
from deployer.errors import DeployError, EnvironmentLocked, Interrupted, RunTimedOut, ServiceFailed
from deployer.steps.heartbeat import DOUBTFUL_AFTER, RENEWED_EVERY, Heartbeat
from deployer.steps.holder import CheckoutNote
from deployer.steps.ledger import CLOSED, OPENED, Entry, Head, Ledger, stamp

OK: Final = "ok"
FAILED: Final = "failed"
INTERRUPTED: Final = "interrupted"


@dataclass(kw_only=True)
class Recorder:
    """The record of one run on one environment. `head` is the ledger's end from before anything was looked at."""

    ledger: Ledger
    heartbeat: Heartbeat
    head: Head
    run: str
    # What the opening entry says of this run.
    opening: Callable[[], Mapping[str, Any]]
    # What is there when it ends, for the closing entry.
    live: Callable[[], Mapping[str, Any]]
    # Where this checkout keeps which run works in it.
    note: CheckoutNote
    stop: Stop
    # The step that makes the bucket of the ledger where there is none; None if this playbook has no such step.
    bucket_step: str | None = None
    say: Callable[[str], None] = field(default=lambda _text: None)
    # Whether a run that went well is recorded although it changed nothing: it has ended what another one began.
    insists: Callable[[], bool] = lambda: False

    # What a command adds to the closing entry.
    more: dict[str, Any] = field(default_factory=dict, init=False)
    opened: Entry | None = field(default=None, init=False)
    lost: bool = field(default=False, init=False)
    """Somebody else came first, and this run has changed nothing."""
    problem: DeployError | None = field(default=None, init=False)
    """Why the ledger could not be written although the steps went on, or whose the environment has become."""
    # For the bucket to be made, then for the entry to be opened in it.
    _waiting: bool = field(default=False, init=False)
    _made: bool = field(default=False, init=False)
    _unrecorded: bool = field(default=False, init=False)
    _beating: bool = field(default=False, init=False)
    _ended: threading.Event = field(default_factory=threading.Event, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    # Steps that come to their first change at the same time: one opens, the others wait for it.
    _opening: threading.Lock = field(default_factory=threading.Lock, init=False)
    _proven: float = field(default=0.0, init=False)
    # When the entry was opened: by the store's clock, and by one of ours that nobody sets.
    _began: tuple[datetime, float] | None = field(default=None, init=False)

    # --- what the runner tells -----------------------------------------------------------------------------------

    def began(self, playbook: Playbook, *, check: bool) -> None:
        """Nothing is written for looking."""

    def started(self, step: str) -> None:
        """Nothing is written for looking."""

    def said(self, step: str, text: str) -> None:
        """Progress is nothing to record."""

    def gate(self, step: str) -> None:
        """Open the entry before the first change; later make sure that the environment still is ours."""
        with self._opening:
            if self.problem is not None:
                raise self.problem
            if self.opened is None and not self._unrecorded:
                self.open(step)
            elif seconds_awake_or_asleep() - self._proven > DOUBTFUL_AFTER:
                self._require_ours()

    def applying(self, step: str) -> None:
        """The gate was passed."""

    def finished(self, result: StepResult) -> None:
        """The bucket is there now: the entry that waited for it is opened before the next change, or at the end."""
        self._made = self._made or (self._waiting and result.name == self.bucket_step)

    def stopping(self, why: str) -> None:
        """The end says it."""

    def tick(self) -> None:
        """The heartbeat is a thread's to renew."""

    def ended(self, result: RunResult) -> None:
        """Close the entry, if there is one; what goes wrong is kept in `problem`."""
        error = result.error
        insists = error is None and self.insists()
        if (self._made or insists) and self.opened is None and not self.lost:
            try:
                self.open()
            except DeployError as problem:
                self.problem = problem
        outcome = OK if error is None else INTERRUPTED if isinstance(error, Interrupted | RunTimedOut) else FAILED
        self.close(
            outcome,
            reason=error.reason if error else None,
            seconds=result.seconds,
            steps={each.name: each.status.value for each in result.results},
        )

    # --- the entries ---------------------------------------------------------------------------------------------

    def open(self, step: str | None = None) -> None:
        """Open the entry; raises EnvironmentLocked when somebody else was first, and nothing was changed."""
        moment = self.ledger.bucket.clock()
        if moment is None:
            self._without_bucket(step)
            return
        self._began = (moment, seconds_awake_or_asleep())
        self.note.write(self.run)
        body = {"event": OPENED, "run": self.run, "time": stamp(moment), **self.opening()}
        opened = self.ledger.append(body, after=self.head)
        if opened is None:
            self.lost = True
            raise EnvironmentLocked(
                f"another run has begun to work on `{self.ledger.environment}` meanwhile; this one has changed nothing",
                place=self.ledger.place(self.ledger.key(self.head.sequence + 1)),
                hint="run the same command again",
            )
        self.opened, self._waiting = opened, False
        self._proven = seconds_awake_or_asleep()
        threading.Thread(target=self._keep_alive, name="heartbeat", daemon=True).start()

    def close(self, outcome: str, *, reason: str | None, seconds: float, steps: Mapping[str, str]) -> None:
        """Close the entry, if it was opened; what goes wrong is kept in `problem`."""
        self._ended.set()
        if self.opened is None:
            return
        assert self._began is not None
        began, then = self._began
        body = {
            "event": CLOSED,
            "run": self.run,
            "opened": self.opened.sequence,
            "time": stamp(began + timedelta(seconds=seconds_awake_or_asleep() - then)),
            "outcome": outcome,
            "reason": reason,
            "seconds": round(seconds, 3),
            "steps": dict(steps),
            "closed_by": None,
            "found": None,
            **self.more,
        }
        try:
            # With the lock: a renewal that is on its way must not write a heartbeat after it was removed.
            with self._lock:
                # Whoever insists does not wait for a look at everything.
                live = {} if self.stop.hurried.is_set() else self.live()
                after = Head(sequence=self.opened.sequence, digest=self.opened.digest)
                if self.ledger.append({**body, **live}, after=after) is None:
                    self.problem = self._taken()
                    return
                self.note.remove()
                if self._beating:
                    self.heartbeat.remove()
        except DeployError as error:
            self.problem = self.problem or error

    def _without_bucket(self, step: str | None) -> None:
        if self.bucket_step is None:
            # Nothing can have been recorded of an environment, and nothing is left by which two runs could collide.
            self._unrecorded = True
            self.say("note: there is no state bucket, so this run is in no ledger")
        elif step == self.bucket_step:
            self._waiting = True
        else:
            raise ServiceFailed(
                "the bucket of the ledger does not exist",
                place=self.ledger.bucket.place(),
                hint="run the same command without --tags, so that it is made first",
            )

    # --- the heartbeat -------------------------------------------------------------------------------------------

    def _keep_alive(self) -> None:
        while not self._ended.wait(RENEWED_EVERY):
            try:
                self._require_ours()
            except EnvironmentLocked as error:
                self.problem = error
                self.stop.requested.set()
                return
            except DeployError:
                # The next one may succeed; until then the last sign of life counts.
                continue

    def _require_ours(self) -> None:
        """Give a sign of life, unless somebody has taken this run for dead."""
        with self._lock:
            if self._ended.is_set() or self.opened is None:
                return
            self._beating = True
            ours = self.heartbeat.renew(self.run) and self.ledger.entry(self.opened.sequence + 1) is None
            if not ours:
                raise self._taken()
            self._proven = seconds_awake_or_asleep()

    def _taken(self) -> EnvironmentLocked:
        assert self.opened is not None
        closed = self.ledger.entry(self.opened.sequence + 1)
        by = dict(closed.body.get("closed_by") or {}) if closed else {}
        return EnvironmentLocked(
            f"this run was taken for dead by `{by.get('command', 'another run')}` of {by.get('who', 'somebody')}, "
            f"which works on `{self.ledger.environment}` now",
            place=self.ledger.place(self.ledger.key(self.opened.sequence + 1)),
            details=[f"its proof: {by['proof']}"] if by.get("proof") else [],
            hint=f"look at {self.ledger.named.command('history')}, then run the same command again",
        )
