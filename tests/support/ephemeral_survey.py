"""A sweep's look at the model, and the real judgement of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

from deployer.adapters.github import GitHub
from deployer.playbooks.sweep import Survey, fact_of
from deployer.steps.lease_store import all_leases
from deployer.steps.ledger import Ledger
from deployer.steps.sweep import Facts, Kind, Rules, Thing, judge
from deployer.steps.sweep_listing import Seen
from deployer.words import Named
from tests.support.buckets import MemoryBucket
from tests.support.ephemeral_parts import Shared
from tests.support.turns import Actor

RULES = Rules(grace=dt.timedelta(), retention=dt.timedelta(days=14))


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What there is to be looked at, and who looks."""

    actor: Actor
    store: MemoryBucket
    provider: Mapping[str, Mapping[str, str]]
    pulls: Mapping[int, str]
    github: bool
    is_dead: Callable[[str], bool]

    def opened(self) -> frozenset[int] | None:
        """Pull requests that are open; None if nobody can be asked."""
        self.actor.turn()
        return frozenset(number for number, state in self.pulls.items() if state == "open") if self.github else None

    def pull(self, number: int) -> Any:
        """As GitHub's client answers."""
        self.actor.turn()
        state = self.pulls.get(number)
        return None if state is None else SimpleNamespace(open=state == "open")


def look(sight: Sight) -> Facts:
    """In the order of the real one: listings, leases, pull requests, who is at work."""
    shared = Shared(store=sight.store, actor=sight.actor)
    sight.actor.turn()
    things = [
        Thing(kind=Kind.WORKER, name=thing, environment=name, number=number_of(name))
        for name, has in sight.provider.items()
        for thing in has
    ]
    states = [key.split("/")[1] for key in shared.list_keys("terraform/")]
    things += [Thing(kind=Kind.STATE, name=name, environment=name, number=number_of(name)) for name in states]
    # The real one reads them side by side; here that is one turn.
    sight.actor.turn()
    leases = {found.environment: fact_of(found.lease) for found in all_leases(sight.store)}
    opened = sight.opened()
    held = {}
    for name in sorted({thing.environment for thing in things} | set(leases)):
        head = Ledger(shared, Named(name, "sandbox")).head()
        if head.open is not None and not sight.is_dead(head.open.run):
            held[name] = "somebody"
    now = sight.store.clock()
    assert now is not None
    numbers = {name: number_of(name) for name in leases}
    return Facts(now=now, leases=leases, numbers=numbers, things=things, open=opened, held=held)


def survey(sight: Sight) -> Survey:
    """What was found, and the real judgement of it, first and when it comes to a removal."""
    facts = look(sight)
    return Survey(facts=facts, rules=RULES, judgement=judge(facts, RULES), seen=Seen(things=()), hub=hub_of(sight))


def hub_of(sight: Sight) -> GitHub | None:
    """GitHub, as far as a sweep asks it about one number."""
    return cast("GitHub", SimpleNamespace(pull=sight.pull)) if sight.github else None


def number_of(name: str) -> int:
    """The number in an environment's name."""
    return int(name.removeprefix("pr-"))
