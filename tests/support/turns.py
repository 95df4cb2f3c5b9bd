"""Lets threads take turns in an order that a seed decides, so that a race can be run, and run again.

Each actor has a thread of its own (and whatever threads that starts), and calls `turn` before everything that others
could see. All are held there until everybody has come to such a point or to its end; then one is let on. An actor that
is killed never gets another turn: like a process that was killed between two requests.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

_PATIENCE = 60.0


@dataclass
class Actor:
    """One who takes turns. `life` is what its turns are for."""

    name: str
    life: Callable[[Actor], None]
    turns: Turns
    waiting: bool = False
    allowed: bool = False
    ended: bool = False
    killed: bool = False
    error: BaseException | None = None

    def turn(self) -> None:
        """Wait until it is this one's turn. Whatever follows, up to the next call, nobody else does anything."""
        with self.turns.changed:
            self.waiting = True
            self.turns.changed.notify_all()
            while not self.allowed:
                self.turns.changed.wait()
            self.allowed = self.waiting = False

    def _run(self) -> None:
        try:
            self.turn()
            self.life(self)
        except BaseException as error:  # noqa: BLE001 -- the test looks at it
            self.error = error
        with self.turns.changed:
            self.ended = True
            self.turns.changed.notify_all()


@dataclass
class Turns:
    """The order of turns. `deadly` is how likely it is that one of those who wait is killed instead of let on."""

    seed: int
    deadly: float = 0.0
    actors: list[Actor] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def begin(self, name: str, life: Callable[[Actor], None]) -> Actor:
        """Let another one take turns; also from within a turn."""
        actor = Actor(name=name, life=life, turns=self)
        with self.changed:
            self.actors.append(actor)
        threading.Thread(target=actor._run, name=name, daemon=True).start()
        return actor

    def run(self, *, may_die: Callable[[Actor], bool] = lambda _actor: True) -> None:
        """Until all have ended or were killed."""
        while True:
            with self.changed:
                assert self.changed.wait_for(self._all_held, timeout=_PATIENCE), "somebody does not come to a turn"
                held = [actor for actor in self.actors if not actor.ended and not actor.killed]
                if not held:
                    return
                chosen = self.random.choice(held)
                if self.random.random() < self.deadly and may_die(chosen):
                    chosen.killed = True
                else:
                    chosen.allowed = True
                    self.changed.notify_all()

    def _all_held(self) -> bool:
        return all(actor.ended or actor.killed or (actor.waiting and not actor.allowed) for actor in self.actors)
