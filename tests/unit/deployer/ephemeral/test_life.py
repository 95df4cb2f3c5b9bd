"""What an `up` and a `down` do about what happens while they are at work, one thing at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.errors import EnvironmentClosed, EnvironmentReopened, UsageError
from deployer.playbooks.sweep import Survey
from deployer.steps.environment_lease import CLOSED, EXPIRED, Closed, Lease
from deployer.steps.lease_store import LeaseStore
from deployer.words import Named
from tests.support.ephemeral_parts import THINGS
from tests.support.ephemeral_world import World, prepared
from tests.support.leases import wish
from tests.support.turns import Actor, Turns


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Pull request 12 is open, and nothing was made for it."""
    world = prepared(monkeypatch, World(tmp_path, Turns(0)))
    world.pulls[12] = "open"
    return world


def do(world: World, life: Callable[[Actor], None]) -> None:
    """This one alone, to its end."""
    actor = world.turns.begin("alone", life)
    world.turns.run()
    assert actor.error is None


def store(world: World) -> LeaseStore:
    """The lease of pr-12."""
    return LeaseStore(world.store, Named("pr-12", "sandbox"))


def lease(world: World) -> Lease:
    """What it says."""
    found = store(world).read().lease
    assert found is not None
    return found


def close_when(world: World, thing: str, *, why: str = CLOSED, state: str = "closed") -> list[str]:
    """Somebody closes it once this thing was made, and is killed after the tombstone. Gives what was made."""
    made: list[str] = []

    def happens(what: str) -> None:
        made.append(what)
        if what == thing:
            world.pulls[12] = state
            store(world).close(wish(run="killed"), why=why)

    world.when_made = happens
    return made


@pytest.mark.parametrize("thing", THINGS)
def test_a_run_stops_at_the_tombstone_and_takes_itself_back(world: World, thing: str) -> None:
    """At its next change, or at the end: nothing more is made, and nothing stays, although nobody else is there."""
    made = close_when(world, thing)
    do(world, world.up(12))

    (deed,) = world.deeds
    assert isinstance(deed.error, EnvironmentClosed)
    assert made == list(THINGS[: THINGS.index(thing) + 1])
    assert world.left_of(12) == []
    closed = lease(world).closed
    assert closed is not None
    assert closed.removed is not None
    assert closed.run == "killed"


def test_a_tombstone_of_somebody_late_does_not_stop_an_open_one(world: World) -> None:
    """A sweep has seen it expired, and GitHub says that it is open."""
    close_when(world, "worker", why=EXPIRED, state="open")
    do(world, world.up(12))

    assert world.deeds[0].error is None
    assert set(world.has("pr-12")) == set(THINGS)
    assert lease(world).open


def test_what_a_person_removes_is_not_made_by_a_run_at_work(world: World) -> None:
    """Although the pull request is open; the next push makes it again."""
    close_when(world, "worker", why="removed by hand", state="open")
    do(world, world.up(12))
    assert isinstance(world.deeds[0].error, EnvironmentClosed)
    assert world.left_of(12) == []

    world.when_made = lambda _thing: None
    do(world, world.up(12))
    assert world.deeds[1].error is None
    assert set(world.has("pr-12")) == set(THINGS)


@pytest.mark.parametrize(
    ("state", "error"), [("closed", EnvironmentClosed), ("merged", EnvironmentClosed), (None, UsageError)]
)
def test_a_number_that_is_not_open_gets_nothing(world: World, state: str | None, error: type[Exception]) -> None:
    """Not even a lease."""
    world.pulls.pop(12)
    if state is not None:
        world.pulls[12] = state
    do(world, world.up(12))

    assert isinstance(world.deeds[0].error, error)
    assert world.store.objects == {}


def test_a_second_run_changes_nothing_and_renews(world: World) -> None:
    """It lasts from then on."""
    do(world, world.up(12))
    first = lease(world)
    world.store.wait(hours=5)
    made: list[str] = []
    world.when_made = made.append
    do(world, world.up(12))

    assert made == []
    assert lease(world).expires > first.expires
    assert lease(world).created == first.created


def test_a_removal_stops_when_it_is_opened_again(world: World) -> None:
    """At its next removal; what is left stays, and the tombstone of nobody says that all is gone."""
    do(world, world.up(12))

    def happens(what: str) -> None:
        if what == "preview":
            store(world).take(wish(run="again"), may_reopen=lambda: True)

    world.when_gone = happens
    do(world, world.down(12))

    assert isinstance(world.deeds[1].error, EnvironmentReopened)
    assert set(world.has("pr-12")) == {"namespace", "worker"}
    assert lease(world).open


def test_a_late_removal_gives_back_the_lease_that_it_has_closed(world: World) -> None:
    """The pull request was opened between its look at GitHub and its tombstone."""
    do(world, world.up(12))
    before = lease(world)
    world.pulls[12] = "closed"

    def happens(count: int) -> None:
        if count == world_asked + 2:
            world.pulls[12] = "open"

    world_asked, world.when_asked = world.asked, happens
    do(world, world.down(12, unless_open=True))

    assert isinstance(world.deeds[1].error, EnvironmentReopened)
    assert lease(world) == before
    assert set(world.has("pr-12")) == set(THINGS)


def test_a_removal_for_an_open_one_writes_nothing(world: World) -> None:
    """With `--unless-open`; without, a person has said so and it goes."""
    do(world, world.up(12))
    written = len(world.store.writes)
    do(world, world.down(12, unless_open=True))
    assert len(world.store.writes) == written
    do(world, world.down(12))

    assert world.left_of(12) == []


def test_the_second_removal_has_nothing_to_do(world: World) -> None:
    """And the one of something that never was leaves a tombstone, for whoever is on the way."""
    do(world, world.down(12))
    gone: list[str] = []
    world.when_gone = gone.append
    do(world, world.down(12))

    assert [deed.error for deed in world.deeds] == [None, None]
    assert gone == []
    assert isinstance(lease(world).closed, Closed)


@pytest.mark.parametrize("point", range(1, 30, 2))
def test_killed_between_any_two_requests_then_removed(
    point: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it had got, nothing is left."""
    turns = Turns(0)
    world = prepared(monkeypatch, World(tmp_path, turns))
    world.pulls[12] = "open"
    actor = turns.begin("killed", world.up(12))
    count = 0

    def may_die(_actor: Actor) -> bool:
        nonlocal count
        count += 1
        return count == point

    turns.deadly = 1.1
    turns.run(may_die=may_die)
    assert actor.killed
    turns.deadly = 0.0
    do(world, world.down(12))

    assert world.deeds[-1].error is None
    assert world.left_of(12) == []


@pytest.mark.parametrize("happens", ["push", "reopened"])
def test_what_has_happened_since_a_sweeps_look_counts(world: World, happens: str) -> None:
    """Pushed to, or opened again, between the look and the removal: it is alive, and it stays."""
    do(world, world.up(12))
    world.store.wait(hours=80 if happens == "push" else 2)
    if happens == "reopened":
        world.pulls[12] = "closed"
    found: list[Survey] = []
    do(world, lambda actor: found.append(world.survey(actor)))
    assert [finding.environment for finding in found[0].judgement.findings] == ["pr-12"]
    world.pulls[12] = "open"
    if happens == "push":
        do(world, world.up(12))
    do(world, world.sweep_away(found[0]))

    assert isinstance(world.deeds[-1].error, EnvironmentReopened)
    assert set(world.has("pr-12")) == set(THINGS)
    assert lease(world).open
