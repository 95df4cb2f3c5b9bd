"""A run is in the ledger from before its first change to its end, whatever happens in between."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deployer.engine.change import Action, Change
from deployer.engine.playbook import Playbook
from deployer.engine.result import RunResult
from deployer.engine.run import RunOptions, run
from deployer.engine.step import BaseStep, Context
from deployer.engine.stop import Stop
from deployer.errors import DeployError, EnvironmentLocked, ServiceFailed, ToolFailed
from deployer.steps import recorder as module
from deployer.steps.ledger import Head, Ledger
from deployer.steps.ledger_check import verify
from deployer.steps.ledger_runs import last_runs
from deployer.steps.recorder import Recorder
from deployer.words import Named
from tests.support.buckets import MemoryBucket
from tests.support.ledgers import ELSEWHERE, LosingAnswers, Unreachable, World, ended_process, open_run, past_run


@dataclass(frozen=True, kw_only=True)
class Part(BaseStep[None]):
    """A step that notes what it did, and what the ledger said then."""

    world: World
    did: list[str] = field(default_factory=list)
    idle: bool = False
    error: DeployError | None = None
    before: Any = None

    def observe(self, context: Context) -> None:
        """Nothing to look at."""

    def diff(self, context: Context, facts: None) -> Sequence[Change]:
        return () if self.idle else (Change(action=Action.UPDATE, address=self.name, summary=""),)

    def apply(self, context: Context, facts: None, changes: Sequence[Change]) -> Mapping[str, object]:
        if self.before:
            self.before()
        if self.error:
            raise self.error
        head = self.world.ledger.head()
        self.did.append(f"{self.name} while {head.open.run if head.open else 'nobody'} is open")
        return {}


@pytest.fixture(name="world")
def _world(tmp_path: Path) -> World:
    return World(tmp_path)


def go(world: World, recorder: Recorder, *steps: Part, stop: Stop | None = None) -> RunResult:
    """Run the steps one after the other."""
    chained = [step if not number else _after(step, steps[number - 1]) for number, step in enumerate(steps)]
    options = RunOptions(listeners=[recorder], gate=recorder.gate, workers=2, stop=stop or recorder.stop)
    return run(Playbook("deploy", chained), options)


def _after(step: Part, before: Part) -> Part:
    from dataclasses import replace

    return replace(step, needs=(before.name,))


def the_run(world: World) -> dict[str, Any]:
    """The one run in the ledger."""
    assert verify(world.ledger) == []
    (found,) = last_runs(world.ledger, 0)
    return found.document()


def test_a_run_that_changes_nothing_writes_nothing(world: World) -> None:
    """No entry, no note, no heartbeat."""
    recorder = world.recorder()
    result = go(world, recorder, Part(name="a", world=world, idle=True))
    assert result.error is None
    assert world.bucket.writes == []
    assert list(world.folder.iterdir()) == []


def test_it_is_open_before_the_first_change_and_closed_at_the_end(world: World) -> None:
    """Once, with how each step ended and what is there now; the note of the checkout goes with it."""
    recorder = world.recorder()
    did: list[str] = []
    looks = Part(name="looks", world=world, idle=True)
    go(world, recorder, looks, Part(name="a", world=world, did=did), Part(name="b", world=world, did=did))
    assert did == ["a while mine is open", "b while mine is open"]
    assert recorder.problem is None
    document = the_run(world)
    assert document["outcome"] == "ok"
    assert document["steps"] == {"looks": "ok", "a": "changed", "b": "changed"}
    assert document["worker"] == {"version": "v8"}
    assert document["closed_by"] is None
    assert document["seconds"] >= 0
    assert not (world.folder / "run.json").exists()
    assert "heartbeats/development.json" not in world.bucket.objects


def test_a_failure_closes_it_with_its_reason(world: World) -> None:
    """Written also when a run failed."""
    go(world, world.recorder(), Part(name="a", world=world, error=ToolFailed("no")))
    document = the_run(world)
    assert (document["outcome"], document["reason"]) == ("failed", "tool-failed")
    assert document["steps"] == {"a": "failed"}


def test_an_interruption_closes_it_as_interrupted(world: World) -> None:
    """What came of it is looked at, not assumed."""
    recorder = world.recorder(live=lambda: {"worker": {"version": "observed"}})
    stop = recorder.stop
    go(world, recorder, Part(name="a", world=world, before=stop.requested.set, error=ToolFailed("ended")))
    document = the_run(world)
    assert (document["outcome"], document["reason"]) == ("interrupted", "interrupted")
    assert document["worker"] == {"version": "observed"}


def test_who_lost_the_race_changes_nothing(world: World) -> None:
    """Between looking and opening another run has come and gone: what was looked at is not true any more."""
    recorder = world.recorder()
    past_run(world.ledger, "quicker")
    did: list[str] = []
    result = go(world, recorder, Part(name="a", world=world, did=did))
    assert recorder.lost
    assert did == []
    assert isinstance(result.error, EnvironmentLocked)
    assert the_run(world)["run"] == "quicker"
    assert recorder.opened is None


def test_two_runs_race_and_one_applies(world: World) -> None:
    """Both have seen the same end."""
    head = world.ledger.head()
    did: list[str] = []
    one, two = world.recorder("one", head=head), world.recorder("two", head=head)
    two_runs = Part(name="b", world=world, did=did)
    go(world, one, Part(name="a", world=world, did=did, before=lambda: go(world, two, two_runs)))
    assert did == ["a while one is open"]
    assert two.lost
    assert the_run(world)["run"] == "one"


def test_the_bucket_is_made_before_the_entry_that_lies_in_it(world: World) -> None:
    """That step alone may change something unrecorded, and the entry follows at once."""
    missing = world.bucket.missing
    missing.append(True)
    did: list[str] = []
    make = Part(name="state bucket", world=world, before=missing.clear)
    recorder = world.recorder(bucket_step="state bucket")
    go(world, recorder, make, Part(name="a", world=world, did=did))
    assert did == ["a while mine is open"]
    assert the_run(world)["steps"] == {"state bucket": "changed", "a": "changed"}


def test_a_run_that_only_makes_the_bucket_is_recorded(world: World) -> None:
    """It has changed something."""
    world.bucket.missing.append(True)
    make = Part(name="state bucket", world=world, before=world.bucket.missing.clear)
    go(world, world.recorder(bucket_step="state bucket"), make)
    assert the_run(world)["outcome"] == "ok"


def test_without_the_bucket_nothing_else_is_changed(world: World) -> None:
    """A part of a deploy that leaves the bucket out."""
    world.bucket.missing.append(True)
    did: list[str] = []
    result = go(world, world.recorder(bucket_step="state bucket"), Part(name="a", world=world, did=did))
    assert isinstance(result.error, ServiceFailed)
    assert "without --tags" in (result.error.hint or "")
    assert did == []


def test_where_nothing_makes_the_bucket_the_run_says_that_it_is_in_no_ledger(world: World) -> None:
    """Destroy goes on: nothing of an environment can be recorded there."""
    world.bucket.missing.append(True)
    did: list[str] = []
    result = go(world, world.recorder(), Part(name="a", world=world, did=did), Part(name="b", world=world, did=did))
    assert result.error is None
    assert len(did) == 2
    assert world.said == ["note: there is no state bucket, so this run is in no ledger"]


ENTRY = "ledger/development/00000001.json"
SECOND = "ledger/development/00000002.json"
HEAD = "ledger-heads/development.json"


@pytest.mark.parametrize("key", [ENTRY, SECOND, HEAD])
def test_a_lost_answer_leaves_the_ledger_true(tmp_path: Path, key: str) -> None:
    """Whichever write it was."""
    world = World(tmp_path, LosingAnswers(deaf={key}))
    recorder = world.recorder()
    result = go(world, recorder, Part(name="a", world=world))
    assert result.error is None
    assert recorder.problem is None
    assert the_run(world)["outcome"] == "ok"


def test_who_cannot_open_changes_nothing(tmp_path: Path) -> None:
    """The store does not answer: one error, and nothing applied."""
    world = World(tmp_path, Unreachable(deaf={ENTRY}))
    did: list[str] = []
    result = go(world, world.recorder(), Part(name="a", world=world, did=did))
    assert result.error is not None
    assert (result.error.reason, did) == ("service-unreachable", [])


def test_who_cannot_close_says_so_and_the_next_run_closes_it(tmp_path: Path) -> None:
    """Everything was applied, and the exit code says that the ledger does not know yet."""
    bucket = Unreachable(deaf={SECOND})
    world = World(tmp_path, bucket)
    recorder = world.recorder()
    recorder.opening = lambda: {"command": "inv deploy", "who": "mira@build-7", "process": ELSEWHERE.fields()}
    go(world, recorder, Part(name="a", world=world))
    assert recorder.problem is not None
    assert recorder.problem.reason == "service-unreachable"
    bucket.deaf.clear()
    assert world.lock().free().sequence == 2, "the checkout's note proves whose it was"
    assert the_run(world)["outcome"] == "killed"


@pytest.mark.parametrize("moment", range(6))
def test_killed_at_any_write_the_next_run_closes_what_is_open(tmp_path: Path, moment: int) -> None:
    """From another checkout, by the dead process; the ledger is whole, and the run after it is recorded."""

    class Killed(BaseException):
        """As kill -9: nothing of ours runs any more."""

    @dataclass(frozen=True)
    class Dying(MemoryBucket):
        count: list[int] = field(default_factory=list)

        def _die(self) -> None:
            self.count.append(1)
            if len(self.count) > moment:
                raise Killed

        def try_put(self, key: str, body: bytes, *, replaces: str | None) -> bool:
            self._die()
            return super().try_put(key, body, replaces=replaces)

    bucket = MemoryBucket()
    victim = World(tmp_path / "victim", Dying(objects=bucket.objects))
    victim.folder.mkdir()
    recorder = victim.recorder("victim")
    process = ended_process()
    recorder.opening = lambda: {"command": "inv deploy", "who": "mira@build-7", "process": process.fields()}
    try:
        recorder.gate("a")
        recorder.close("ok", reason=None, seconds=1.0, steps={"a": "changed"})
    except Killed:
        pass
    next_one = World(tmp_path / "next", bucket)
    next_one.folder.mkdir()
    head = next_one.lock().free()
    again = next_one.recorder("again", head=head)
    go(next_one, again, Part(name="a", world=next_one))
    assert again.problem is None
    assert verify(next_one.ledger) == []
    ends = [(run.opened.run, run.outcome) for run in last_runs(next_one.ledger, 0)]
    # Entry, head, entry, head: killed at the first write nothing was opened, killed after the third it is closed.
    expected = {0: [], 1: ["killed"], 2: ["killed"]}.get(moment, ["ok"])
    assert ends == [*(("victim", outcome) for outcome in expected), ("again", "ok")]


def test_a_run_that_was_taken_for_dead_stops(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It slept, its heartbeat stopped, another works here now: before its next change it looks, and changes nothing."""
    recorder = world.recorder("sleeper")
    recorder.opening = lambda: {"command": "inv deploy", "who": "ana@laptop", "process": ELSEWHERE.fields()}
    did: list[str] = []

    def sleep() -> None:
        world.bucket.wait(minutes=30)
        other = World(world.folder / "other", world.bucket)
        other.folder.mkdir()
        other.lock("awake").free()
        open_run(other.ledger, "awake")
        monkeypatch.setattr(module, "DOUBTFUL_AFTER", -1.0)

    result = go(
        world, recorder,
        Part(name="a", world=world, before=sleep, did=did), Part(name="b", world=world, did=did),
    )  # fmt: skip
    assert did == ["a while awake is open"], "the step at work cannot be called back, the next one does not start"
    assert isinstance(result.error, EnvironmentLocked)
    assert "was taken for dead by `inv deploy --env dev` of ana@laptop" in result.error.message
    assert isinstance(recorder.problem, EnvironmentLocked)
    head = world.ledger.head()
    assert head.open is not None
    assert head.open.run == "awake"
    assert verify(world.ledger) == []


def test_the_heartbeat_is_renewed_while_a_step_takes_long(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a thread; who looks meanwhile sees a young sign of life. It goes with the run."""
    import time

    monkeypatch.setattr(module, "RENEWED_EVERY", 0.01)
    seen = []

    def take_long() -> None:
        for _ in range(500):
            found = world.bucket.get(world.heartbeat.key)
            if found is not None:
                seen.append(json.loads(found.body)["run"])
                return
            time.sleep(0.01)

    go(world, world.recorder(), Part(name="a", world=world, before=take_long))
    assert seen == ["mine"]
    assert world.bucket.get(world.heartbeat.key) is None


def test_losing_the_environment_asks_the_run_to_stop(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that renews notices it, also while a step is at work."""
    monkeypatch.setattr(module, "RENEWED_EVERY", 0.01)
    recorder = world.recorder("robbed")

    def be_robbed() -> None:
        head = world.ledger.head()
        assert head.open is not None
        world.lock("robber").close_for(head.open, "by force", forced=True)
        assert recorder.stop.requested.wait(20)
        raise ToolFailed("ended")

    result = go(world, recorder, Part(name="a", world=world, before=be_robbed))
    assert result.error is not None
    assert isinstance(recorder.problem, EnvironmentLocked)


def test_reading_what_is_there_may_fail_and_the_run_is_closed(tmp_path: Path) -> None:
    """A part that is not known is said to be unknown."""
    from deployer.steps.live import Live
    from deployer.steps.release_record import ReleaseRecord
    from deployer.steps.reviewing import StateStamp

    def down() -> None:
        raise ServiceFailed("down")

    world = World(tmp_path)
    live = Live(
        states={"site": lambda: StateStamp(serial=4, lineage="l"), "hosts": down, "zone": lambda: None},
        record=ReleaseRecord(world.bucket, "development"),
        version=down,
    )
    assert live.observed() == {
        "worker": {"unknown": "service-failed"},
        "convex": None,
        "terraform": {
            "site": {"serial": 4, "lineage": "l"},
            "hosts": {"unknown": "service-failed"},
            "zone": None,
        },
    }


def test_the_head_that_was_seen_is_the_one_that_counts(world: World) -> None:
    """A recorder is made for the end that was there before anything was looked at."""
    past_run(world.ledger, "one")
    recorder = world.recorder(head=Head(sequence=0))
    recorder_again = world.recorder()
    with pytest.raises(EnvironmentLocked):
        recorder.open()
    recorder_again.open()
    assert Ledger(world.bucket, Named("development", "cloudflare")).head().sequence == 3
    recorder_again.close("ok", reason=None, seconds=0.1, steps={})
