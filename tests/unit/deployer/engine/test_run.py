"""The runner: order, concurrency, early observation, selection, values, stopping."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from deployer.engine.change import Action, Change, Unknown
from deployer.engine.playbook import Playbook, Selection
from deployer.engine.result import Outcome, RunResult, Status
from deployer.engine.run import RunOptions, run
from deployer.engine.step import BaseStep, Context
from deployer.engine.stop import Stop
from deployer.errors import CredentialsMissing, InternalError, Interrupted, RunTimedOut, StepFailed, UsageError


@dataclass(frozen=True, kw_only=True)
class Spy(BaseStep[bool]):
    """A step whose thing is there (`ok`) or not; what it does is given by the test."""

    log: list[str] = field(default_factory=list)
    ok: bool = False
    on_observe: Callable[[Context], None] = lambda _context: None
    on_apply: Callable[[Context], None] = lambda _context: None
    hands_on: Mapping[str, object] = field(default_factory=dict)

    def observe(self, context: Context) -> bool:
        self.log.append(f"observe {self.name}")
        self.on_observe(context)
        return self.ok

    def diff(self, context: Context, facts: bool) -> Sequence[Change]:
        return () if facts else (Change(action=Action.CREATE, address=self.name, summary="made"),)

    def known(self, facts: bool, changes: Sequence[Change]) -> Mapping[str, object]:
        return {} if changes else self.hands_on

    def apply(self, context: Context, facts: bool, changes: Sequence[Change]) -> Mapping[str, object]:
        self.log.append(f"apply {self.name}")
        self.on_apply(context)
        return self.hands_on


def fail(error: Exception) -> Callable[[Context], None]:
    """Make a step's body that raises."""

    def raise_it(_context: Context) -> None:
        raise error

    return raise_it


def statuses(result: RunResult) -> dict[str, str]:
    """Name to status."""
    return {step.name: step.status.value for step in result.results}


def test_independent_steps_run_at_the_same_time() -> None:
    """Two steps that wait for each other both end: they were at work together."""
    meeting = threading.Barrier(2, timeout=30)
    steps = [Spy(name=name, on_apply=lambda _c: (meeting.wait(), None)[1]) for name in "ab"]

    assert run(Playbook("p", steps), RunOptions(workers=2)).outcome is Outcome.OK


def test_no_more_steps_than_workers_are_at_work() -> None:
    """The bound holds, early observations included."""
    at_work, most, lock = [0], [0], threading.Lock()

    def count(_context: Context) -> None:
        with lock:
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
        time.sleep(0.01)
        with lock:
            at_work[0] -= 1

    steps = [Spy(name=f"s{n}", early=n % 2 == 0, needs=("s0",) if n else (), on_observe=count) for n in range(8)]
    run(Playbook("p", steps), RunOptions(workers=3))

    assert most[0] <= 3


def test_a_failure_skips_dependents_and_starts_nothing_else() -> None:
    """What needs the failed step says so; what would have come later does not start; the first error decides."""
    log: list[str] = []
    steps = [
        Spy(name="a", log=log, on_apply=fail(StepFailed("no luck"))),
        Spy(name="b", log=log, needs=("a",)),
        Spy(name="c", log=log, needs=("b",)),
        Spy(name="later", log=log),
    ]
    result = run(Playbook("p", steps), RunOptions(workers=1))

    assert statuses(result) == {"a": "failed", "b": "skipped", "c": "skipped", "later": "skipped"}
    assert [step.why for step in result.results][1] == "needs `a`, which failed"
    assert isinstance(result.error, StepFailed)
    assert log == ["observe a", "apply a"]


def test_check_goes_on_beside_a_failure() -> None:
    """Check mode shows everything that does not depend on the failed step."""
    steps = [Spy(name="a", on_observe=fail(StepFailed("no"))), Spy(name="b", needs=("a",)), Spy(name="c")]
    result = run(Playbook("p", steps), RunOptions(check=True, workers=1))

    assert statuses(result) == {"a": "failed", "b": "skipped", "c": "changed"}
    assert result.outcome is Outcome.FAILED


def test_check_says_that_something_above_is_pending() -> None:
    """Whoever looks at the result of the steps above knows in check mode whether there is one yet."""
    for ok, check, expected in ((False, True, True), (True, True, False), (False, False, False)):
        seen: list[bool] = []
        looks = Spy(name="c", needs=("b",), ok=True, on_observe=lambda context, into=seen: into.append(context.pending))  # type: ignore[misc]
        steps = [Spy(name="a", ok=ok), Spy(name="b", needs=("a",), ok=True), looks]
        run(Playbook("p", steps), RunOptions(check=check))
        assert seen == [expected]


def test_an_unexpected_exception_is_our_mistake() -> None:
    """It becomes an InternalError that keeps the cause for the log."""
    result = run(Playbook("p", [Spy(name="a", on_observe=fail(KeyError("x")))]))

    assert isinstance(result.error, InternalError)
    assert isinstance(result.error.__cause__, KeyError)


def test_early_observation_runs_beside_the_needed_step_and_is_used_if_nothing_changed() -> None:
    """A step marked early is observed once, while the step it needs is still at work."""
    log: list[str] = []
    seen = threading.Event()
    first = Spy(name="a", log=log, ok=True, on_observe=lambda _c: (seen.wait(5), None)[1])
    second = Spy(name="b", log=log, ok=True, needs=("a",), early=True, on_observe=lambda _c: seen.set())
    result = run(Playbook("p", [first, second]), RunOptions(workers=2))

    assert result.outcome is Outcome.OK
    assert seen.is_set()
    assert log.count("observe b") == 1


def test_early_observation_is_repeated_after_a_change_above() -> None:
    """What was seen early may be stale once a needed step, however far up, has changed something."""
    log: list[str] = []
    steps = [
        Spy(name="a", log=log),
        Spy(name="b", log=log, ok=True, needs=("a",)),
        Spy(name="c", log=log, ok=True, needs=("b",), early=True),
    ]
    run(Playbook("p", steps), RunOptions(workers=3))

    assert log.count("observe c") == 2
    assert log[-1] == "observe c"


def test_an_early_failure_counts_only_when_the_turn_has_come() -> None:
    """A first look that fails is no failure if the second one works."""
    looks: list[int] = []

    def first_look_fails(_context: Context) -> None:
        looks.append(1)
        if len(looks) == 1:
            raise StepFailed("not there yet")

    steps = [Spy(name="a"), Spy(name="b", needs=("a",), early=True, on_observe=first_look_fails)]

    assert run(Playbook("p", steps), RunOptions(workers=2)).outcome is Outcome.OK
    assert len(looks) == 2


def test_an_early_step_may_not_read_values() -> None:
    """Reading while observed early is a mistake that is found, not a guess."""
    steps = [
        Spy(name="a", provides=("v",), hands_on={"v": 1}),
        Spy(name="b", needs=("a",), early=True, on_observe=lambda context: context.value("v")),
    ]
    result = run(Playbook("p", steps), RunOptions(workers=2))

    assert isinstance(result.error, InternalError)
    assert "early" in result.error.message


def reader(into: list[object], **fields: Any) -> Spy:
    """A step that reads the value `v`."""
    return Spy(name="reader", needs=("maker",), on_observe=lambda context: into.append(context.value("v")), **fields)


def test_values_reach_later_steps() -> None:
    """What `apply` returns, or `known` when nothing changed, is what dependents read."""
    for ok in (False, True):
        read: list[object] = []
        maker = Spy(name="maker", ok=ok, provides=("v",), hands_on={"v": "made"})
        assert run(Playbook("p", [maker, reader(read)])).outcome is Outcome.OK
        assert read == ["made"]


def test_check_hands_on_unknown_for_what_apply_would_make() -> None:
    """In check mode a value that is not there yet is marked, never invented."""
    read: list[object] = []
    maker = Spy(name="maker", provides=("v",), hands_on={"v": "made"})
    run(Playbook("p", [maker, reader(read)]), RunOptions(check=True))

    assert read == [Unknown("maker")]
    assert str(read[0]) == "(known after maker)"


def test_a_promised_value_that_is_not_returned_is_our_mistake() -> None:
    """The error names step and value."""
    result = run(Playbook("p", [Spy(name="maker", provides=("v",))]))

    assert isinstance(result.error, InternalError)
    assert "`maker` promises `v`" in result.error.message


def test_reading_without_needing_is_our_mistake() -> None:
    """Values come only from steps above, else the order would decide what is read."""
    steps = [
        Spy(name="maker", ok=True, provides=("v",), hands_on={"v": 1}),
        Spy(name="reader", on_observe=lambda context: context.value("v")),
    ]
    result = run(Playbook("p", steps), RunOptions(workers=1))

    assert isinstance(result.error, InternalError)
    assert "needs no step that provides it" in result.error.message


def selected(*tags: str, skip: Sequence[str] = ()) -> Selection:
    """What --tags and --skip-tags give."""
    return Selection(frozenset(tags), frozenset(skip))


def test_steps_that_are_not_selected_are_skipped_and_count_as_satisfied() -> None:
    """`--tags` leaves out a needed step without holding up its dependents."""
    log: list[str] = []
    steps = [
        Spy(name="a", log=log, tags=frozenset({"x"})),
        Spy(name="b", log=log, needs=("a",), tags=frozenset({"y"})),
        Spy(name="c", log=log, tags=frozenset({"always", "z"})),
    ]
    result = run(Playbook("p", steps), RunOptions(selection=selected("y"), workers=1))

    assert statuses(result) == {"a": "skipped", "b": "changed", "c": "changed"}
    assert "observe a" not in log


def test_a_skipped_provider_is_observed_for_its_values_but_never_applied() -> None:
    """A selected step reads what is there already."""
    log: list[str] = []
    read: list[object] = []
    maker = Spy(name="maker", log=log, ok=True, provides=("v",), hands_on={"v": "there"})
    result = run(
        Playbook("p", [maker, reader(read, tags=frozenset({"y"}))]), RunOptions(selection=selected("y"), workers=1)
    )

    assert read == ["there"]
    assert statuses(result) == {"maker": "skipped", "reader": "changed"}


def test_a_skipped_provider_that_was_never_applied_is_an_error_that_says_what_to_do() -> None:
    """The reader fails with the way out, and the provider stays untouched."""
    log: list[str] = []
    maker = Spy(name="maker", log=log, provides=("v",), hands_on={"v": "made"})
    result = run(
        Playbook("p", [maker, reader([], tags=frozenset({"y"}))]), RunOptions(selection=selected("y"), workers=1)
    )

    assert isinstance(result.error, UsageError)
    assert "`maker`, which is not selected" in result.error.message
    assert "apply maker" not in log


def test_a_skipped_provider_that_cannot_be_observed_gives_its_own_error() -> None:
    """The reader fails for the provider's reason."""
    maker = Spy(name="maker", provides=("v",), on_observe=fail(CredentialsMissing("no token")))
    result = run(Playbook("p", [maker, reader([], tags=frozenset({"y"}))]), RunOptions(selection=selected("y")))

    assert isinstance(result.error, CredentialsMissing)
    assert statuses(result)["maker"] == "skipped"


def wait_for_stop(context: Context) -> None:
    """What the process adapter does: end the child and raise."""
    assert context.stop.requested.wait(5)
    raise Interrupted("the child was ended")


def test_stop_ends_what_is_at_work_and_skips_the_rest() -> None:
    """A stop from outside: running steps end, the others are skipped, exit code 130."""
    stop = Stop()
    steps = [
        Spy(name="a", on_apply=lambda _c: stop.requested.set()),
        Spy(name="b", on_apply=wait_for_stop),
        Spy(name="c", needs=("a", "b")),
    ]
    result = run(Playbook("p", steps), RunOptions(stop=stop, workers=2))

    assert statuses(result) == {"a": "changed", "b": "failed", "c": "skipped"}
    assert isinstance(result.error, Interrupted)
    assert result.results[1].why == "interrupted"


def test_a_stop_that_comes_when_everything_has_ended_is_none() -> None:
    """The last step ended well although somebody pressed Ctrl-C meanwhile: nothing was interrupted, exit code 0."""
    stop = Stop()
    result = run(
        Playbook("p", [Spy(name="a"), Spy(name="b", needs=("a",), on_apply=lambda _c: stop.requested.set())]),
        RunOptions(stop=stop, workers=2),
    )

    assert statuses(result) == {"a": "changed", "b": "changed"}
    assert result.error is None


def test_a_second_stop_shortens_the_waiting() -> None:
    """Whoever insists waits for the short grace, not for the long one that had begun."""
    stop, never = Stop(), threading.Event()

    def ignore(_context: Context) -> None:
        stop.requested.set()
        threading.Timer(0.4, stop.hurried.set).start()
        never.wait(30)

    result = run(Playbook("p", [Spy(name="a", on_apply=ignore)]), RunOptions(stop=stop, grace=25))

    assert statuses(result) == {"a": "failed"}
    assert result.seconds < 15
    never.set()


def test_timeout_ends_the_run() -> None:
    """`--timeout` stops like Ctrl-C, with an error of its own."""
    result = run(
        Playbook("p", [Spy(name="a", on_apply=wait_for_stop), Spy(name="b", needs=("a",))]), RunOptions(timeout=0.1)
    )

    assert isinstance(result.error, RunTimedOut)
    assert statuses(result) == {"a": "failed", "b": "skipped"}
    assert result.seconds < 3


def test_a_step_that_ignores_the_stop_does_not_hold_the_run() -> None:
    """After the grace its result says that nobody knows how far it came."""
    never = threading.Event()
    steps = [Spy(name="a", on_apply=lambda _c: (never.wait(20), None)[1])]
    result = run(Playbook("p", steps), RunOptions(timeout=0.05, grace=0.1))

    assert statuses(result) == {"a": "failed"}
    assert result.results[0].error is not None
    assert "not known" in result.results[0].error.message
    assert result.seconds < 3
    never.set()


def test_nothing_is_applied_after_the_stop() -> None:
    """A step that was still looking when the stop came does not touch the world."""
    stop = Stop()
    log: list[str] = []
    result = run(
        Playbook("p", [Spy(name="a", log=log, on_observe=lambda _c: stop.requested.set())]), RunOptions(stop=stop)
    )

    assert log == ["observe a"]
    assert result.outcome is Outcome.FAILED


def test_seconds_are_measured_per_step() -> None:
    """A step's time covers its own work."""
    result = run(Playbook("p", [Spy(name="a", on_observe=lambda _c: time.sleep(0.5)), Spy(name="b", ok=True)]))

    assert result.results[0].seconds >= 0.5
    assert result.results[1].seconds < 0.5


@pytest.mark.parametrize("check", [True, False])
def test_the_recap_counts_every_step_once(*, check: bool) -> None:
    """ok, changed, skipped and failed add up."""
    steps = [
        Spy(name="a", ok=True),
        Spy(name="b"),
        Spy(name="c", on_observe=fail(StepFailed("x"))),
        Spy(name="d", needs=("c",)),
    ]
    result = run(Playbook("p", steps), RunOptions(check=check, workers=1))

    assert [result.count(status) for status in Status] == [1, 1, 1, 1]
