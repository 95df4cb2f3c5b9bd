"""Random graphs of steps over a random world: prediction, second run, and being cut off anywhere."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deployer.engine.change import Action, Change, Unknown
from deployer.engine.playbook import Playbook
from deployer.engine.result import Outcome, Status
from deployer.engine.run import RunOptions, run
from deployer.engine.step import BaseStep, Context
from deployer.errors import StepFailed

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass
class World:
    """Things that exist, by name; `cut` is how many more writes work before everything fails."""

    things: dict[str, str] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    cut: int | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, name: str, value: str, *, lost: bool) -> None:
        """Write, or fail: before carrying it out, or after (`lost`, an answer that never came)."""
        with self.lock:
            failing = self.cut is not None and self.cut <= 0
            if self.cut is not None:
                self.cut -= 1
            if not failing or lost:
                self.things[name] = value
                self.writes.append(name)
        if failing:
            raise StepFailed(f"{name}: cut off")


@dataclass(frozen=True, kw_only=True)
class Thing(BaseStep[str | None]):
    """One thing whose wished value is made of its own wish and of what the steps before it hand on."""

    world: World
    wish: str
    reads: tuple[str, ...]
    lost: bool

    def observe(self, context: Context) -> str | None:
        with self.world.lock:
            return self.world.things.get(self.name)

    def _target(self, context: Context) -> str | Unknown:
        parts = [self.wish]
        for name in self.reads:
            value = context.value(name)
            if isinstance(value, Unknown):
                return value
            parts.append(str(value))
        return "+".join(parts)

    def diff(self, context: Context, facts: str | None) -> Sequence[Change]:
        target = self._target(context)
        action = Action.CREATE if facts is None else Action.UPDATE
        if isinstance(target, Unknown):
            return (Change(action=action, address=self.name, summary="", certain=facts is None),)
        return () if facts == target else (Change(action=action, address=self.name, summary=""),)

    def known(self, facts: str | None, changes: Sequence[Change]) -> Mapping[str, object]:
        return {} if changes else {f"value.{self.name}": facts}

    def apply(self, context: Context, facts: str | None, changes: Sequence[Change]) -> Mapping[str, object]:
        target = self._target(context)
        assert isinstance(target, str)
        self.world.write(self.name, target, lost=self.lost)
        return {f"value.{self.name}": target}


@st.composite
def graphs(draw: st.DrawFn) -> tuple[World, Playbook]:
    """A world in which some things exist, rightly or wrongly, and a playbook over them."""
    count = draw(st.integers(1, 7))
    names = [f"t{index}" for index in range(count)]
    world = World({name: draw(st.sampled_from(["a", "b", "a+a", "old"])) for name in names if draw(st.booleans())})
    steps = []
    for index, name in enumerate(names):
        needs = tuple(draw(st.lists(st.sampled_from(names[:index]), unique=True, max_size=3))) if index else ()
        reads = tuple(f"value.{need}" for need in needs if draw(st.booleans()))
        steps.append(
            Thing(
                name=name,
                needs=needs,
                provides=(f"value.{name}",),
                world=world,
                wish=draw(st.sampled_from("ab")),
                reads=reads,
                # `diff` reads values here, never `observe`, so every step may be looked at early.
                early=draw(st.booleans()),
                lost=draw(st.booleans()),
            )
        )
    return world, Playbook("random", draw(st.permutations(steps)))


def options(*, check: bool = False) -> RunOptions:
    """Two workers: enough for orders to differ."""
    return RunOptions(check=check, workers=2)


@QUICK
@given(graphs())
def test_check_predicts_what_apply_then_does(case: tuple[World, Playbook]) -> None:
    """Every certain prediction comes true, nothing unpredicted happens, and check writes nothing."""
    world, playbook = case
    before = dict(world.things)

    predicted = run(playbook, options(check=True))

    assert world.things == before
    assert world.writes == []
    certain = {c.address for r in predicted.results for c in r.changes if c.certain}
    possible = {c.address for r in predicted.results for c in r.changes}
    actions = {c.address: c.action for r in predicted.results for c in r.changes}

    applied = run(playbook, options())

    assert certain <= set(world.writes) <= possible
    assert {c.address: c.action for r in applied.results for c in r.changes}.items() <= actions.items()
    assert (predicted.outcome is Outcome.CHANGES) == bool(possible)


@QUICK
@given(graphs())
def test_a_second_run_changes_nothing(case: tuple[World, Playbook]) -> None:
    """After a run everything is as wished: another one is all ok, and so is its prediction."""
    world, playbook = case
    assert run(playbook, options()).outcome is Outcome.OK
    world.writes.clear()

    again = run(playbook, options())

    assert {result.status for result in again.results} == {Status.OK}
    assert world.writes == []
    assert run(playbook, options(check=True)).outcome is Outcome.OK


@QUICK
@given(graphs(), st.integers(0, 7))
def test_cut_off_anywhere_the_next_run_converges(case: tuple[World, Playbook], cut: int) -> None:
    """A run that fails at any write, before or after it took effect, is mended by running again."""
    world, playbook = case
    whole = World(dict(world.things))
    expected = Playbook(
        "expected",
        [
            Thing(
                name=step.name,
                needs=tuple(step.needs),
                provides=tuple(step.provides),
                world=whole,
                wish=step.wish,
                reads=step.reads,
                lost=False,
            )
            for step in playbook.steps
            if isinstance(step, Thing)
        ],
    )
    run(expected, options())
    world.cut = cut
    first = run(playbook, options())
    for result in first.results:
        if result.status is Status.SKIPPED:
            assert result.name not in world.writes
    world.cut = None

    second = run(playbook, options())

    assert second.outcome is Outcome.OK
    assert world.things == whole.things


@QUICK
@given(graphs())
def test_needs_come_first(case: tuple[World, Playbook]) -> None:
    """The listing and the writes respect every need, whatever the order in which steps were written."""
    world, playbook = case
    run(playbook, options())

    listed = [step.name for step in playbook.steps]
    for step in playbook.steps:
        for need in step.needs:
            assert listed.index(need) < listed.index(step.name)
            if need in world.writes and step.name in world.writes:
                assert world.writes.index(need) < world.writes.index(step.name)
