"""Up and down of one pull request at the same time, in every order of their requests that some seeds bring about."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from deployer.errors import EnvironmentClosed, EnvironmentReopened
from deployer.steps.lease_store import LeaseStore
from deployer.words import Named
from tests.support.ephemeral_parts import THINGS
from tests.support.ephemeral_world import World, prepared
from tests.support.turns import Actor, Turns

SEEDS = range(20)
MakeWorld = Callable[[int], World]
OPEN, CLOSED = "open", "closed"


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeWorld:
    """A world whose turns are in the order of a seed."""

    def made(seed: int) -> World:
        folder = tmp_path / str(seed)
        folder.mkdir()
        return prepared(monkeypatch, World(folder, Turns(seed)))

    return made


def do(world: World, *lives: Callable[[Actor], None]) -> None:
    """All of these at the same time, to their ends."""
    actors = [world.turns.begin(str(number), life) for number, life in enumerate(lives)]
    world.turns.run()
    assert [actor.error for actor in actors] == [None] * len(actors)


def is_whole(world: World, number: int = 12, *, commit: str | None = None) -> bool:
    """Everything is there, of one commit, and the lease is open."""
    has = world.has(f"pr-{number}")
    lease = LeaseStore(world.store, Named(f"pr-{number}", "sandbox")).read().lease
    fits = set(has) == set(THINGS) and len(set(has.values())) == 1 and commit in {None, has["worker"]}
    return fits and lease is not None and lease.open


def is_gone(world: World, number: int = 12) -> bool:
    """Nothing is left but the tombstone, which says so."""
    lease = LeaseStore(world.store, Named(f"pr-{number}", "sandbox")).read().lease
    gone = lease is not None and lease.closed is not None and lease.closed.removed is not None
    return gone and world.left_of(number) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_closed_while_it_comes_up_is_gone(make: MakeWorld, seed: int) -> None:
    """The pull request was closed on GitHub: whatever the order, nothing stays."""
    world = make(seed)
    do(world, world.say_on_github(12, OPEN))
    do(world, world.up(12), world.closing(12))

    assert is_gone(world)


@pytest.mark.parametrize("seed", SEEDS)
def test_up_and_down_by_hand_is_one_of_both(make: MakeWorld, seed: int) -> None:
    """Whole or gone, and the one who did not get it says so."""
    world = make(seed)
    do(world, world.say_on_github(12, OPEN))
    do(world, world.up(12), world.down(12))

    up, down = (next(deed for deed in world.deeds if deed.what == what) for what in ("up", "down by hand"))
    if isinstance(up.error, EnvironmentClosed):
        assert is_gone(world)
    else:
        assert is_whole(world)
        assert up.error is None
        assert down.error is None or isinstance(down.error, EnvironmentReopened)


@pytest.mark.parametrize("seed", SEEDS)
def test_without_github_the_lease_alone_decides(make: MakeWorld, seed: int) -> None:
    """Who closes wins over whoever came before; the one who comes after is refused."""
    world = make(seed)
    world.github = False
    world.pulls[12] = CLOSED
    do(world, world.up(12), world.down(12))

    assert is_gone(world)


@pytest.mark.parametrize("seed", SEEDS)
def test_up_twice_is_one_environment(make: MakeWorld, seed: int) -> None:
    """Two pushes shortly after each other: one commit or the other, never a mixture."""
    world = make(seed)
    do(world, world.say_on_github(12, OPEN))
    do(world, world.up(12, "c1"), world.up(12, "c2"))

    assert is_whole(world)
    assert [deed.error for deed in world.deeds] == [None] * 3


@pytest.mark.parametrize("seed", SEEDS)
def test_down_twice_is_gone(make: MakeWorld, seed: int) -> None:
    """And nobody fails."""
    world = make(seed)
    do(world, world.say_on_github(12, OPEN))
    do(world, world.up(12))
    do(world, world.down(12), world.down(12))

    assert is_gone(world)
    assert [deed.error for deed in world.deeds] == [None] * 4


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cleanup_that_comes_after_the_reopening_removes_nothing(make: MakeWorld, seed: int) -> None:
    """Closed and opened again within a minute: both workflows run at the same time."""
    world = make(seed)
    do(world, world.say_on_github(12, OPEN))
    do(world, world.up(12, "c1"))
    do(world, world.say_on_github(12, CLOSED))
    do(world, world.down(12, unless_open=True), world.reopening(12, "c2"))

    assert is_whole(world, commit="c2")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sweep_beside_a_push_after_a_long_time_removes_nothing(make: MakeWorld, seed: int) -> None:
    """The lease has expired; the sweep and the push meet."""
    world = make(seed)
    do(world, world.say_on_github(12, OPEN))
    do(world, world.up(12, "c1"))
    world.store.wait(hours=80)
    do(world, world.up(12, "c2"), world.sweep())

    assert is_whole(world, commit="c2")


@pytest.mark.parametrize(("seed", "number"), list(product(range(8), (1, 12))))
def test_names_that_begin_alike_do_not_meet(make: MakeWorld, seed: int, number: int) -> None:
    """pr-1 goes while pr-12 comes, and the other way round."""
    world, other = make(seed), 13 - number
    do(world, world.say_on_github(number, OPEN), world.say_on_github(other, OPEN))
    do(world, world.up(number))
    do(world, world.closing(number), world.up(other), world.sweep())

    assert is_gone(world, number)
    assert is_whole(world, other)


def test_the_same_seed_is_the_same_race(make: MakeWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure can be looked at."""
    ends = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        world = prepared(monkeypatch, World(folder, Turns(5)))
        do(world, world.say_on_github(12, OPEN))
        do(world, world.up(12, "c1"), world.up(12, "c2"), world.down(12), world.sweep())
        ends.append(([(deed.what, str(deed.error)) for deed in world.deeds], world.has("pr-12")))

    assert ends[0] == ends[1]
