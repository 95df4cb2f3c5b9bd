"""Runs a playbook: graph order, bounded concurrency, check mode, early observation, stopping.

The main thread schedules and never works; each piece of work has a thread of its own, so that somebody always listens
to `Stop`. Signals are not known here: whoever catches them sets its events, and nothing is ever raised into the
scheduler. Threads are daemons: a step that ignores the stop cannot keep the process alive.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from deployer.engine.playbook import Playbook, Selection
from deployer.engine.result import RunResult, Status, StepResult
from deployer.engine.step import Context, Step
from deployer.engine.stop import Stop
from deployer.engine.values import NoValues, ValueStore
from deployer.errors import DeployError, InternalError, Interrupted, RunTimedOut


class Listener(Protocol):
    """Hears what happens, from several threads but one call at a time. A failing `applying` fails that step."""

    def began(self, playbook: Playbook, *, check: bool) -> None:
        """The run starts."""

    def started(self, step: str) -> None:
        """A step's turn has come (it is observed, or its early observation is used)."""

    def said(self, step: str, text: str) -> None:
        """A step reports progress."""

    def applying(self, step: str) -> None:
        """A step is about to change the world."""

    def finished(self, result: StepResult) -> None:
        """A step has ended, or will not be run."""

    def stopping(self, why: str) -> None:
        """The run was asked to end early."""

    def tick(self) -> None:
        """Time passes (a few times a second), for whoever shows a clock."""

    def ended(self, result: RunResult) -> None:
        """The run is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How to run; `timeout` in seconds is for the whole run, `grace` for steps to end after a stop.

    `gate` is called before a step changes the world, by the step's own thread, so that it may take its time; what it
    raises fails the step.
    """

    check: bool = False
    workers: int = 4
    timeout: float | None = None
    grace: float = 45.0
    selection: Selection = field(default_factory=Selection)
    stop: Stop = field(default_factory=Stop)
    listeners: Sequence[Listener] = ()
    gate: Callable[[str], None] = lambda _step: None


def run(playbook: Playbook, options: RunOptions | None = None) -> RunResult:
    """Run `playbook` to its end and return what came of it; raises nothing that a step did."""
    return _Run(playbook, options or RunOptions()).run()


@dataclass(frozen=True, slots=True)
class _Observed:
    facts: object
    changed_when_started: int


@dataclass(frozen=True, slots=True)
class _Done:
    """Message from a worker to the scheduler: an early observation (result None) or a finished step."""

    step: str
    seconds: float
    observed: _Observed | None = None
    result: StepResult | None = None


_HURRIED_GRACE: Final = 5.0
_NAP: Final = 0.2
_INTERRUPTED: Final = "interrupted"


class _Run:
    def __init__(self, playbook: Playbook, options: RunOptions) -> None:
        self.playbook = playbook
        self.options = options
        self.values = ValueStore(playbook, check=options.check)
        self.lock = threading.Lock()
        self.inbox: queue.SimpleQueue[_Done] = queue.SimpleQueue()
        self.results: dict[str, StepResult] = {}
        self.early: dict[str, _Observed] = {}
        self.early_seconds: dict[str, float] = {}
        self.early_tried: set[str] = set()
        self.busy: set[str] = set()
        self.first_failure: DeployError | None = None
        self.stopped: DeployError | None = None
        self.hurrying = False
        self.left_out = frozenset(step.name for step in playbook.steps if not options.selection.includes(step.tags))
        self.only_observed = playbook.wanted_for_values(options.selection)

    # --- scheduler (main thread) ---------------------------------------------------------------------------

    def run(self) -> RunResult:
        began = time.monotonic()
        self._tell(lambda listener: listener.began(self.playbook, check=self.options.check))
        self._skip_unselected()
        deadline = None if self.options.timeout is None else began + self.options.timeout
        give_up: float | None = None
        while True:
            self._look_at_stop()
            self._schedule()
            if not self.busy:
                break
            give_up = self._give_up_at(give_up)
            done = self._wait(min((moment for moment in (deadline, give_up) if moment is not None), default=None))
            if done is not None:
                self._receive(done)
            elif give_up is not None and time.monotonic() >= give_up:
                break
            elif deadline is not None and time.monotonic() >= deadline and not self.stopped:
                hint = "run the same command again, it goes on from here; a larger --timeout lets it get further"
                self._stop(RunTimedOut(f"the run took longer than {self.options.timeout:g} s", hint=hint))
            if self.stopped:
                deadline = None
        self._close()
        result = RunResult(
            playbook=self.playbook.name,
            check=self.options.check,
            results=tuple(self.results[step.name] for step in self.playbook.steps),
            seconds=time.monotonic() - began,
            error=self.stopped or self.first_failure,
        )
        self._tell(lambda listener: listener.ended(result))
        return result

    def _wait(self, until: float | None) -> _Done | None:
        """The next message; None when `until` has come or somebody asked for a stop, or for a quicker one."""
        stop = self.options.stop
        # Short naps instead of one long wait: whoever catches signals only sets events, and they are noticed soon.
        while True:
            left = _NAP if until is None else min(_NAP, until - time.monotonic())
            try:
                return self.inbox.get(timeout=max(left, 0.001))
            except queue.Empty:
                self._tell(lambda listener: listener.tick())
                if until is not None and time.monotonic() >= until:
                    return None
                if (stop.requested.is_set() and not self.stopped) or (stop.hurried.is_set() and not self.hurrying):
                    return None

    def _look_at_stop(self) -> None:
        """Take note of a stop asked for from outside; a run whose steps have all ended well has nothing to stop."""
        if self.options.stop.requested.is_set() and not self.stopped:
            left = len(self.results) < len(self.playbook.steps)
            if left or any(result.why == _INTERRUPTED for result in self.results.values()):
                self._stop(Interrupted("interrupted", hint="run the same command again; it goes on from here"))

    def _give_up_at(self, current: float | None) -> float | None:
        """When to stop waiting for steps that do not end although they were asked to."""
        if not self.stopped:
            return None
        self.hurrying = self.options.stop.hurried.is_set()
        latest = time.monotonic() + (_HURRIED_GRACE if self.hurrying else self.options.grace)
        return latest if current is None else min(current, latest)

    def _stop(self, error: DeployError) -> None:
        self.stopped = error
        self.options.stop.requested.set()
        self._tell(lambda listener: listener.stopping(error.message))

    def _skip_unselected(self) -> None:
        for step in self.playbook.steps:
            if step.name in self.left_out - self.only_observed:
                self._finish(StepResult(name=step.name, status=Status.SKIPPED, why="not selected"))

    def _schedule(self) -> None:
        """Start whatever may start: first steps whose turn has come, then early observations."""
        for step in self.playbook.steps:
            if step.name in self.results or step.name in self.busy:
                continue
            why = self._why_not(step)
            if why is not None:
                self._finish(StepResult(name=step.name, status=Status.SKIPPED, why=why))
            elif self._free() and all(need in self.results for need in step.needs):
                self._start(step, self._work)
        for step in self.playbook.steps:
            waiting = step.name not in self.results and step.name not in self.busy
            if step.early and waiting and step.name not in self.early_tried and self._free() and not self.stopped:
                self.early_tried.add(step.name)
                self._start(step, self._observe_early)

    def _free(self) -> bool:
        return len(self.busy) < max(1, self.options.workers)

    def _why_not(self, step: Step[Any]) -> str | None:
        for need in step.needs:
            result = self.results.get(need)
            if result is not None and result.status is Status.FAILED:
                return f"needs `{need}`, which failed"
        if self.stopped:
            return _INTERRUPTED if isinstance(self.stopped, Interrupted) else "out of time"
        for need in step.needs:
            result = self.results.get(need)
            if result is not None and result.status is Status.SKIPPED and need not in self.left_out:
                return f"needs `{need}`, which was skipped"
        if self.first_failure is not None and not self.options.check:
            return "not started after the failure"
        return None

    def _start(self, step: Step[Any], work: Callable[[Step[Any]], None]) -> None:
        self.busy.add(step.name)
        threading.Thread(target=work, args=(step,), name=step.name, daemon=True).start()

    def _receive(self, done: _Done) -> None:
        self.busy.discard(done.step)
        if done.result is None:
            self.early_seconds[done.step] = done.seconds
            if done.observed is not None:
                self.early[done.step] = done.observed
            return
        self._finish(done.result)

    def _finish(self, result: StepResult) -> None:
        self.results[result.name] = result
        if result.status is Status.FAILED and self.first_failure is None:
            self.first_failure = result.error
        self._tell(lambda listener: listener.finished(result))

    def _close(self) -> None:
        for step in self.playbook.steps:
            if step.name in self.busy:
                error = Interrupted(f"step `{step.name}` did not end when asked to; how far it came is not known")
                self._finish(StepResult(name=step.name, status=Status.FAILED, why="did not end", error=error))
            elif step.name not in self.results:
                self._finish(StepResult(name=step.name, status=Status.SKIPPED, why=_INTERRUPTED))

    def _tell(self, call: Callable[[Listener], None]) -> None:
        with self.lock:
            for listener in self.options.listeners:
                call(listener)

    # --- work (threads) ------------------------------------------------------------------------------------

    def _context(self, step: Step[Any], *, early: bool = False) -> Context:
        return Context(
            step=step.name,
            check=self.options.check,
            stop=self.options.stop,
            values=NoValues() if early else self.values,
            pending=self.options.check and self._changes_above(step) > 0,
            say=lambda text: self._tell(lambda listener: listener.said(step.name, text)),
        )

    def _changed_above(self, step: Step[Any]) -> int:
        """How many of the steps above this one have changed something in this run."""
        return 0 if self.options.check else self._changes_above(step)

    def _changes_above(self, step: Step[Any]) -> int:
        above = self.playbook.ancestors[step.name]
        return sum(1 for name in above if name in self.results and self.results[name].status is Status.CHANGED)

    def _observe_early(self, step: Step[Any]) -> None:
        began = time.monotonic()
        changed = self._changed_above(step)
        observed = result = None
        try:
            observed = _Observed(step.observe(self._context(step, early=True)), changed)
        except InternalError as error:
            result = StepResult(name=step.name, status=Status.FAILED, error=error)
        except BaseException:  # noqa: BLE001 -- an early look is a bet; its loss shows when the turn has come
            observed = None
        self.inbox.put(_Done(step.name, time.monotonic() - began, observed=observed, result=result))

    def _work(self, step: Step[Any]) -> None:
        began = time.monotonic()
        try:
            result = self._carry_out(step)
        except DeployError as error:
            result = StepResult(name=step.name, status=Status.FAILED, error=error)
        except BaseException as error:  # noqa: BLE001 -- a thread has no caller to raise to
            result = StepResult(name=step.name, status=Status.FAILED, error=_our_mistake(step, error))
        seconds = time.monotonic() - began + self.early_seconds.get(step.name, 0.0)
        why = _INTERRUPTED if result.error and self.options.stop.requested.is_set() else result.why
        result = StepResult(
            name=result.name, status=result.status, seconds=seconds, changes=result.changes, why=why, error=result.error
        )
        self.inbox.put(_Done(step.name, seconds, result=result))

    def _carry_out(self, step: Step[Any]) -> StepResult:
        if step.name in self.only_observed:
            return self._observe_for_values(step)
        context = self._context(step)
        self._tell(lambda listener: listener.started(step.name))
        early = self.early.get(step.name)
        usable = early is not None and early.changed_when_started == self._changed_above(step)
        facts = early.facts if early is not None and usable else step.observe(context)
        changes = tuple(step.diff(context, facts))
        values: Mapping[str, object] = step.known(facts, changes)
        if changes and not self.options.check:
            if self.options.stop.requested.is_set():
                raise Interrupted(f"step `{step.name}` was stopped before it changed anything")
            self.options.gate(step.name)
            self._tell(lambda listener: listener.applying(step.name))
            values = step.apply(context, facts, changes)
        self.values.publish(step, values, complete=not (changes and self.options.check))
        return StepResult(name=step.name, status=Status.CHANGED if changes else Status.OK, changes=changes)

    def _observe_for_values(self, step: Step[Any]) -> StepResult:
        try:
            context = self._context(step)
            facts = step.observe(context)
            changes = tuple(step.diff(context, facts))
            self.values.publish(step, step.known(facts, changes), complete=not changes)
        except DeployError as error:
            self.values.problem(step, error)
        return StepResult(name=step.name, status=Status.SKIPPED, why="not selected, only read")


def _our_mistake(step: Step[Any], error: BaseException) -> InternalError:
    internal = InternalError(f"step `{step.name}` hit an unexpected {type(error).__name__}: {error}")
    internal.__cause__ = error
    return internal
