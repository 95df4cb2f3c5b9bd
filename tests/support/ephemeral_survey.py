"""A sweep's look at the model, and the real judgement of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from deployer.steps.environment_lease import Lease
from deployer.steps.lease_store import Held, all_leases
from deployer.steps.ledger import Ledger
from deployer.steps.sweep import Facts, Finding, Kind, LeaseFact, Rules, Thing, judge
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
    leases = {found.environment: _fact(found.lease) for found in all_leases(sight.store)}
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


def findings(facts: Facts) -> Sequence[Finding]:
    """What has to go."""
    return judge(facts, RULES).findings


def still_goes(sight: Sight, *, facts: Facts, finding: Finding) -> Callable[[Held], bool]:
    """As the sweep asks once more, before it closes a lease."""

    def still(held: Held) -> bool:
        again = replace(
            facts,
            now=held.now,
            leases={finding.environment: _fact(held.lease)} if held.etag else {},
            numbers={finding.environment: finding.number},
            things=finding.things,
            open=sight.opened(),
            held={},
        )
        return bool(findings(again))

    return still


def number_of(name: str) -> int:
    """The number in an environment's name."""
    return int(name.removeprefix("pr-"))


def _fact(lease: Lease | None) -> LeaseFact | None:
    if lease is None:
        return None
    closed = lease.closed
    return LeaseFact(
        number=lease.number,
        renewed=lease.renewed,
        expires=lease.expires,
        pinned=lease.pinned is not None,
        closed=closed.when if closed else None,
        removed=closed.removed if closed else None,
    )
