"""What was reviewed is applied, and nothing else: each way in which the world can have moved is refused by name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import pytest

from deployer.engine.change import Change
from deployer.engine.playbook import Playbook
from deployer.engine.run import RunOptions, run
from deployer.engine.step import BaseStep, Context
from deployer.errors import ApprovalMissing, DeployError, PlanChanged, PlanUnusable
from deployer.review.compare import Snapshot
from deployer.review.manifest import Manifest, StackState
from deployer.steps.reviewed import PlanVerified, Reviewed
from deployer.steps.reviewing import StateStamp
from deployer.steps.secrets import FINGERPRINT_KEY, VALUE, Secrets
from deployer.steps.snapshot import SNAPSHOT
from tests.support.plans import NOON, change, plan_view

SECRETS = Secrets({FINGERPRINT_KEY: "key"})
MANIFEST = plan_view(
    tools={"terraform": "1.15.5"},
    locks={"package-lock.json": "a" * 64},
    inputs={"site.tfvars.json": "b" * 64},
    live={"Worker version": "v1"},
    secrets={"worker.secrets.TOKEN": "c" * 64},
).manifest.sealed(SECRETS.fingerprint)
STAMP = StateStamp(serial=4, lineage="5c1b")


def snapshot(**changed: Any) -> Snapshot:
    """The world as it was when the plan was made, but for these."""
    values: dict[str, Any] = {
        name: getattr(MANIFEST, name)
        for name in (
            "project",
            "environment",
            "target",
            "commit",
            "dirty",
            "tools",
            "locks",
            "inputs",
            "live",
            "secrets",
        )
    }
    return Snapshot(**{**values, **changed})


@dataclass(frozen=True, kw_only=True)
class Given(BaseStep[None]):
    """Stands for the steps before."""

    values: Mapping[str, object]

    def observe(self, context: Context) -> None:
        """Nothing."""

    def diff(self, context: Context, facts: None) -> Sequence[Change]:
        """Nothing."""
        return ()

    def known(self, facts: None, changes: Sequence[Change]) -> Mapping[str, object]:
        """What later steps read."""
        return self.values


def verify(
    now: Snapshot | None = None,
    *,
    manifest: Manifest = MANIFEST,
    stamp: StateStamp | None = STAMP,
    begun: bool = False,
    left: Mapping[str, Any] = MappingProxyType({}),
    replan: bool = False,
    time: dt.datetime = NOON,
    permits: Sequence[Callable[[], None]] = (),
) -> DeployError | None:
    """What speaks against applying the plan."""
    values = {VALUE: SECRETS, SNAPSHOT: now or snapshot()}
    steps = (
        Given(name="before", provides=tuple(values), values=values),
        PlanVerified(
            name="reviewed plan", needs=("before",), manifest=manifest, replan=replan, begun=lambda: begun,
            left=lambda: left, stamps={"site": lambda: stamp}, writer=lambda _stack: ", written by jo", permits=permits,
            now=lambda: time, again="inv plan --env production",
        ),
    )  # fmt: skip
    return run(Playbook("apply", steps)).error


def test_nothing_has_changed() -> None:
    """Then nothing speaks against it."""
    assert verify() is None


MOVED: dict[str, tuple[dict[str, Any], str]] = {
    "commit": ({"now": snapshot(commit="f" * 40)}, "made from commit 4f0c2d1e9a7b, here is ffffffffffff"),
    "dirty": ({"now": snapshot(dirty=True)}, "without uncommitted changes"),
    "tool": ({"now": snapshot(tools={"terraform": "1.15.6"})}, "version of terraform: planned 1.15.5, now 1.15.6"),
    "lock file": ({"now": snapshot(locks={})}, "lock file package-lock.json: planned aaaaaaaaaaaa, now none"),
    "input": ({"now": snapshot(inputs={"site.tfvars.json": "d" * 64})}, "input site.tfvars.json: planned bbbbbbbbbbbb"),
    "live": ({"now": snapshot(live={"Worker version": "v2"})}, "another Worker version is live: v1 when planned"),
    "state": ({"stamp": replace(STAMP, serial=5)}, "serial 4 when planned, now 5, written by jo"),
    "lineage": ({"stamp": replace(STAMP, lineage="other")}, "another one, lineage 5c1b then, other now"),
    "state gone": ({"stamp": None}, "the state of stack site has moved: it is gone"),
}  # fmt: skip
FINAL: dict[str, tuple[dict[str, Any], str]] = {
    "environment": ({"now": snapshot(environment="development")}, "for environment `production`, not `development`"),
    "target": ({"now": snapshot(target="sandbox")}, "for target cloudflare, not sandbox: run it without `--sandbox`"),
    "project": (
        {"now": snapshot(project=MANIFEST.project.model_copy(update={"account_id": "9" * 32}))},
        "for another project: account_id",
    ),
    "secret": (
        {"now": snapshot(secrets={"worker.secrets.TOKEN": "e" * 64})},
        "secret worker.secrets.TOKEN has another value than when the plan was made",
    ),
    "rules": (
        {"now": snapshot(inputs={**MANIFEST.inputs, "inventory.approvals": "d" * 64})},
        "input inventory.approvals: planned none, now dddddddddddd",
    ),
    "expired": ({"time": MANIFEST.expires}, "it expired at 2026-03-12 12:00 UTC"),
    "clock": ({"time": NOON - dt.timedelta(minutes=6)}, "yet to come: a clock is wrong"),
}


@pytest.mark.parametrize(("moved", "said"), [*MOVED.values(), *FINAL.values()], ids=[*MOVED, *FINAL])
def test_what_has_changed_is_refused_by_name(moved: dict[str, Any], said: str) -> None:
    """With what was planned, what is now, and the next command."""
    error = verify(**moved)
    assert isinstance(error, PlanChanged)
    assert said in "\n".join(error.details)
    assert len(error.details) == 1
    assert "`inv plan --env production`" in str(error.hint)


@pytest.mark.parametrize("moved", MOVED.values(), ids=list(MOVED))
def test_a_fresh_plan_makes_up_for_what_it_takes_into_account(moved: tuple[dict[str, Any], str]) -> None:
    """With --replan the changes are compared instead."""
    assert verify(**moved[0], replan=True) is None


@pytest.mark.parametrize("final", FINAL.values(), ids=list(FINAL))
def test_a_fresh_plan_makes_up_for_nothing_else(final: tuple[dict[str, Any], str]) -> None:
    """Another environment, a rotated secret, a plan that has expired: not even then."""
    assert isinstance(verify(**final[0], replan=True), PlanChanged)


def test_everything_is_said_at_once() -> None:
    """Who meets three differences does not run three times."""
    error = verify(snapshot(commit="f" * 40, tools={}), stamp=None)
    assert isinstance(error, PlanChanged)
    assert len(error.details) == 3
    assert error.message == "3 things speak against this plan"


def test_what_a_run_of_this_plan_has_moved_is_no_difference() -> None:
    """It was cut off: state and live Worker are its own doing, another commit is not."""
    moved = replace(STAMP, serial=5)
    assert verify(snapshot(live={"Worker version": "v2"}), stamp=moved, begun=True) is None
    assert isinstance(verify(snapshot(commit="f" * 40), stamp=moved, begun=True), PlanChanged)


def test_what_others_did_since_a_run_failed_is_refused() -> None:
    """The run has said what it left; a state or a Worker that differs from that was touched by somebody else."""
    left = {"terraform": {"site": {"serial": 5, "lineage": "5c1b"}}, "worker": {"version": "v2"}}
    moved = replace(STAMP, serial=6)
    ours = snapshot(live={"Worker version": "v2"})
    assert verify(ours, begun=True, left=left, stamp=replace(STAMP, serial=5)) is None
    error = verify(snapshot(live={"Worker version": "v3"}), begun=True, left=left, stamp=moved)
    assert isinstance(error, PlanChanged)
    assert error.details == (
        "the state of stack site was written since a run of this plan failed",
        "another Worker version was deployed since a run of this plan failed",
    )
    unknown = {"terraform": {"site": {"unknown": "service-failed"}}, "worker": {"unknown": "service-failed"}}
    assert (
        verify(snapshot(live={"Worker version": "v3"}), begun=True, left=unknown, stamp=replace(STAMP, serial=6))
        is None
    )


def test_a_small_difference_of_clocks_is_none() -> None:
    """Two machines are rarely of one mind about the second."""
    assert verify(time=NOON - dt.timedelta(minutes=4)) is None


def test_an_edited_manifest_is_refused_before_it_is_believed() -> None:
    """The seals name what was edited."""
    error = verify(manifest=MANIFEST.model_copy(update={"expires": MANIFEST.expires + dt.timedelta(days=9)}))
    assert isinstance(error, PlanUnusable)
    assert error.message.endswith(": expires")


def test_permits_are_asked_last() -> None:
    """An approval that is missing is said of a plan that could be applied."""

    def refuse() -> None:
        raise ApprovalMissing("nobody has approved")

    assert isinstance(verify(permits=[refuse]), ApprovalMissing)
    assert isinstance(verify(snapshot(commit=None), permits=[refuse]), PlanChanged)


@dataclass(frozen=True, kw_only=True)
class Doing(BaseStep[None]):
    """A step that would do `changes`."""

    changes: tuple[Change, ...]
    done: list[str]

    def observe(self, context: Context) -> None:
        """Nothing."""

    def diff(self, context: Context, facts: None) -> Sequence[Change]:
        """As told."""
        return self.changes

    def apply(self, context: Context, facts: None, changes: Sequence[Change]) -> Mapping[str, object]:
        """Take note."""
        self.done.extend(each.address for each in changes)
        return {}


WORKER = change("update", "worker:site")
SECRET = change("create", "worker:site/TOKEN")
OLD = change("delete", "worker:site/OLD")


def held(fresh: Sequence[Change], *, reviewed: Sequence[Change] = (WORKER, SECRET), whole: bool = True) -> Any:
    """What becomes of a step whose `reviewed` changes have become `fresh`: what it did, or the lines of the refusal."""
    done: list[str] = []
    inner = Doing(name="worker", changes=tuple(fresh), done=done)
    wrapped = Reviewed(
        name="worker", inner=inner, reviewed=tuple(reviewed), all_of_them=lambda: whole, plan="p", again="inv plan"
    )
    error = run(Playbook("apply", (wrapped,)), RunOptions()).error
    assert error is None or not done
    return list(error.details) if error else done


@pytest.mark.parametrize(
    ("fresh", "said"),
    [
        ((WORKER, SECRET, OLD), "would delete worker:site/OLD, which nobody has reviewed"),
        ((replace(WORKER, meaning="cd"), SECRET), "would update worker:site to something else than was reviewed"),
        ((replace(WORKER, over="v2"), SECRET), "would update worker:site over something else than was reviewed"),
        ((SECRET,), "would no longer update worker:site"),
    ],
)  # fmt: skip
def test_what_nobody_has_reviewed_is_not_done(fresh: Sequence[Change], said: str) -> None:
    """More, less, other: the step changes nothing and says what differs."""
    assert held(fresh) == [said]


def test_the_reviewed_changes_are_done() -> None:
    """In whatever order they come."""
    assert held((SECRET, WORKER)) == ["worker:site/TOKEN", "worker:site"]


def test_what_is_left_of_a_plan_may_be_done() -> None:
    """After a run that was cut off; what it did itself has changed what is replaced. Nothing new passes even then."""
    assert held((replace(WORKER, over="v2"),), whole=False) == ["worker:site"]
    assert held((OLD,), whole=False) == ["would delete worker:site/OLD, which nobody has reviewed"]


def test_what_stays_on_this_machine_needs_no_review() -> None:
    """A build is run where it is missing."""
    build = replace(change("run", "app:build"), local=True)
    assert held((build, WORKER, SECRET)) == ["app:build", "worker:site", "worker:site/TOKEN"]
    assert held((WORKER, SECRET), reviewed=(build, WORKER, SECRET)) == ["worker:site", "worker:site/TOKEN"]


def test_a_stack_without_a_state_is_compared_too() -> None:
    """Planned when there was none, and now there is one."""
    none = MANIFEST.model_copy(update={"stacks": {"site": StackState(saved=True, serial=None, lineage=None)}})
    none = none.sealed(SECRETS.fingerprint)
    assert verify(manifest=none, stamp=None) is None
    error = verify(manifest=none)
    assert error is not None
    assert "there was none, now serial 4" in error.details[0]
