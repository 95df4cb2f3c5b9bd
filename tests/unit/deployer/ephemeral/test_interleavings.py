"""Stories of several pull requests, in 200 orders of every single request, with runs that are killed in the middle.

People open, push, close, open again, pin and remove by hand; a workflow follows each event some time later; leases run
out, and sweeps come when they come. At the end one more sweep: nothing may be left of what is closed, and what is open
and was made is whole.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.ephemeral_world import World, prepared
from tests.support.turns import Actor, Turns

SEEDS = range(200)
NUMBERS = (1, 12)
Life = Callable[[Actor], None]


def story(world: World, rng: random.Random, number: int) -> Life:
    """One pull request: what people do to it, and a workflow for each of that, which nobody waits for."""

    def life(actor: Actor) -> None:
        state, commit = "none", 0
        for _ in range(rng.randint(2, 6)):
            actor.turn()
            deeds = ["push", "push", "close", "remove", "pin"] if state == "open" else ["open"]
            deed = rng.choice(deeds)
            if deed in ("open", "push"):
                commit += 1
                if deed == "open":
                    world.say_on_github(number, "open")(actor)
                state = "open"
                world.turns.begin(f"up {number}", world.up(number, f"c{commit}"))
            elif deed == "close":
                world.say_on_github(number, "closed")(actor)
                state = "closed"
                world.turns.begin(f"down {number}", world.down(number, unless_open=True))
                if rng.random() < 0.3:
                    # Somebody runs the old workflow again.
                    world.turns.begin(f"late {number}", world.up(number, f"c{commit}"))
            elif deed == "pin":
                world.pin(number)(actor)
            else:
                world.turns.begin(f"by hand {number}", world.down(number))
            for _ in range(rng.choice((0, 5, 40))):
                actor.turn()

    return life


def sweeps(world: World, rng: random.Random) -> Life:
    """Now and then; sometimes so late that leases have run out."""

    def life(actor: Actor) -> None:
        for _ in range(rng.randint(1, 2)):
            for _ in range(rng.randint(0, 60)):
                actor.turn()
            if rng.random() < 0.3:
                world.pass_time()
            world.sweep()(actor)

    return life


def is_a_run(actor: Actor) -> bool:
    """Whether it is something that a machine does, and not a person."""
    return not actor.name.startswith(("story", "the next"))


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_left_and_nothing_alive_is_removed(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the order, and whoever was killed."""
    rng = random.Random(seed)
    world = prepared(monkeypatch, World(tmp_path, Turns(seed, deadly=rng.choice((0.0, 0.002, 0.01)))))
    world.github = seed % 5 != 4
    for number in NUMBERS:
        world.turns.begin(f"story {number}", story(world, rng, number))
    world.turns.begin("sweeps", sweeps(world, rng))
    world.turns.run(may_die=is_a_run)
    assert [actor.error for actor in world.turns.actors if actor.error is not None] == []

    world.turns.begin("the next sweep", world.sweep())
    world.turns.run(may_die=is_a_run)

    assert world.wrong() == [], [(deed.what, deed.number, deed.error) for deed in world.deeds]
