"""A plan that is begun before the run is used where it is as good as one of its turn, and only there."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import Any, cast
from unittest.mock import ANY

import pytest

from deployer.adapters.terraform import Plan, Stack
from deployer.engine.step import Context
from deployer.engine.stop import Stop
from deployer.errors import DeployError, ToolFailed
from deployer.steps.ahead import Ahead, HeadStart
from deployer.steps.reviewing import Kept, PlanKept, StateStamp
from deployer.steps.terraform import TerraformStack
from tests.support.buckets import MemoryBucket

EMPTY = Plan((), (), {}, None)


@dataclass
class FakeStack:
    """A stack whose plans are counted; the state that they were made from is told by `state`."""

    initialised: bool = True
    state: dict[str, Any] | None = field(default_factory=lambda: {"serial": 7, "lineage": "abc", "resources": []})
    fails: DeployError | None = None
    # How long a plan takes, in seconds.
    takes: float = 0.0
    plans: list[bool] = field(default_factory=list)
    at_work: int = 0
    met: bool = False

    def plan(self, *, with_backend: bool = True, details: bool = False) -> Plan:
        """Plan, and notice another one at work."""
        self.at_work += 1
        self.met = self.met or self.at_work > 1
        time.sleep(self.takes)
        self.at_work -= 1
        self.plans.append(with_backend)
        if self.fails is not None:
            raise self.fails
        return EMPTY

    def prior_state(self, plan: Plan) -> dict[str, Any] | None:
        """What the saved plan carries."""
        return self.state

    def read_details(self, plan: Plan) -> Plan:
        """Terraform's description of the plan."""
        return Plan((), (), {}, None, {"resource_changes": [{"change": {"actions": ["no-op"]}}] * 3})


@dataclass
class FakeState:
    """The state's own look at the bucket."""

    bucket: Any
    serial: int = 9

    def stamp(self) -> StateStamp:
        """A later version of it."""
        return StateStamp(serial=self.serial, lineage="abc")

    def blamed(self) -> Any:
        """Nobody is."""
        return contextlib.nullcontext()


def observed(stack: FakeStack, *, bucket: bool = True, whole: bool = False) -> Kept:
    """What a stack keeps of its plan in a run that only plans."""
    memory = MemoryBucket(missing=[] if bucket else [True])
    start = HeadStart(lambda: cast("Stack", stack))
    start.begin()
    kept = PlanKept(whole=whole)
    adoption: Any = type("NoAdoption", (), {"concerns": lambda _self, _changes: False})()
    step = TerraformStack(
        name="terraform site",
        stack=lambda: cast("Stack", stack),
        state=cast("Any", FakeState(memory)),
        stack_name="site",
        adoption=adoption,
        recover=ANY,
        ahead=Ahead(lambda: EMPTY),
        head_start=start,
        review=kept,
    )
    step.observe(Context(step="terraform site", check=True, stop=Stop(), values=ANY))
    return kept.stacks["site"]


def test_it_is_used_and_its_stamp_is_its_own() -> None:
    """One plan is made; it is bound to the state that it read, not to what the bucket holds by now."""
    stack = FakeStack()

    assert observed(stack).stamp == StateStamp(serial=7, lineage="abc")
    assert stack.plans == [True]


def test_a_plan_from_no_state_has_no_stamp() -> None:
    """Terraform writes an empty lineage then."""
    assert observed(FakeStack(state={"serial": 0, "lineage": "", "resources": []})).stamp is None


@pytest.mark.parametrize(
    "stack", [FakeStack(initialised=False), FakeStack(state=None)], ids=["needs init", "cannot be read"]
)
def test_otherwise_the_plan_is_made_in_its_turn(stack: FakeStack) -> None:
    """A stack that must be prepared first, or a plan that does not tell its state: then the bucket is asked first."""
    assert observed(stack).stamp == StateStamp(serial=9, lineage="abc")
    assert stack.plans[-1:] == [True]


def test_without_the_bucket_it_is_thrown_away() -> None:
    """What would be made anew is predicted against an empty state."""
    stack = FakeStack()

    assert observed(stack, bucket=False).stamp is None
    assert stack.plans == [True, False]


def test_two_never_plan_in_one_folder() -> None:
    """The turn of the stack waits until the one that was begun has ended, also if that one is of no use."""
    stack = FakeStack(state=None, takes=0.2)
    observed(stack)

    assert stack.plans == [True, True]
    assert not stack.met


def test_its_failure_is_shown_by_the_turn_of_the_stack() -> None:
    """Nobody would read it before."""
    with pytest.raises(ToolFailed):
        observed(FakeStack(fails=ToolFailed("no")))


def test_a_stack_that_cannot_be_made_is_nobodys_failure_yet() -> None:
    """Missing credentials are told by the step that asks for all of them."""

    def missing() -> Stack:
        raise ToolFailed("no")

    start = HeadStart(missing)
    start.begin()
    assert start.take() is None


@pytest.mark.parametrize(("whole", "unchanged"), [(False, 2), (True, 3)])
def test_what_stays_is_counted_without_another_process_unless_a_bundle_wants_one(whole: bool, unchanged: int) -> None:
    """A plan that changes nothing carries the state: its managed resources stay as they are."""
    resources = [
        {"mode": "managed", "instances": [{}, {}]},
        {"mode": "data", "instances": [{}]},
    ]
    stack = FakeStack(state={"serial": 1, "lineage": "abc", "resources": resources})

    assert observed(stack, whole=whole).unchanged == unchanged
