"""What of the ephemeral environments has to go, judged from facts alone: nothing is asked or removed here.

Facts are leases, open pull requests and what the providers really have. Every environment is either a finding, with
the reason why it goes, or it is kept, with the reason why it stays. When in doubt it stays: a lease that cannot be
read, a run at work, what may just be being made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final


class Kind(StrEnum):
    """What a thing is. The order is that in which things can be removed: nobody may meet what leads nowhere."""

    ROUTE = "route"
    HOST = "custom domain"
    RECORD = "DNS record"
    ALERT = "notification policy"
    WORKER = "Worker"
    NAMESPACE = "KV namespace"
    BUCKET = "R2 bucket"
    PREVIEW = "Convex preview"
    STATE = "state"
    OBJECT = "object"


class Cause(StrEnum):
    """Why an environment goes."""

    EXPIRED = "expired"
    CLOSED = "closed"
    HALF_BUILT = "half-built"
    ORPHANED = "orphaned"
    TOMBSTONE = "tombstone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One thing that a provider has, and whose it is by its name. `id` is by what the provider deletes it."""

    kind: Kind
    name: str
    environment: str
    number: int
    id: str = ""
    # By the provider's clock; None where it does not say.
    made: datetime | None = None

    def document(self) -> dict[str, Any]:
        """For machines."""
        return {"kind": str(self.kind), "name": self.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseFact:
    """What the lease of an environment says. One that is `closed` is a tombstone; `removed` says that all is gone."""

    number: int
    renewed: datetime
    expires: datetime
    pinned: bool = False
    closed: datetime | None = None
    removed: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything that is known, by the store's clock.

    Leases come first: one that was read before the pull requests were asked for is of a pull request that was open.
    """

    now: datetime
    # By environment; None is a lease that cannot be read.
    leases: Mapping[str, LeaseFact | None] = field(default_factory=dict)
    # Numbers by environment, for leases that cannot be read too.
    numbers: Mapping[str, int] = field(default_factory=dict)
    things: Sequence[Thing] = ()
    # Numbers of the open pull requests; None if nobody could be asked.
    open: frozenset[int] | None = None
    # Environments that a run works on, and who that is.
    held: Mapping[str, str] = field(default_factory=dict)
    # When somebody last worked on an environment, as far as that is known.
    worked: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How patient a sweep is."""

    # What is younger and has no lease is left: a run may just be making it.
    grace: timedelta
    # So long a tombstone stays after the removal: it is what stops a late run.
    retention: timedelta
    # The same where the environment's own kind says something else.
    retentions: Mapping[str, timedelta] = field(default_factory=dict)

    def retention_of(self, environment: str) -> timedelta:
        """How long its tombstone stays."""
        return self.retentions.get(environment, self.retention)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An environment that has to go."""

    environment: str
    number: int
    cause: Cause
    why: str
    things: tuple[Thing, ...] = ()
    # Whether there is a lease, and whether that is a tombstone already.
    leased: bool = False
    closed: bool = False

    @property
    def has_state(self) -> bool:
        """Whether Terraform knows of it, so that a destroy removes it in the right order."""
        return any(thing.kind is Kind.STATE for thing in self.things)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An environment that stays. `noted` is what a person should look at."""

    environment: str
    number: int
    why: str
    noted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All environments, by number."""

    findings: tuple[Finding, ...] = ()
    kept: tuple[Kept, ...] = ()


_ORDER: Final = {kind: place for place, kind in enumerate(Kind)}


def judge(facts: Facts, rules: Rules) -> Judgement:
    """Which environments go, and why the others stay."""
    things: dict[str, list[Thing]] = {}
    numbers = dict(facts.numbers)
    for thing in facts.things:
        things.setdefault(thing.environment, []).append(thing)
        numbers[thing.environment] = thing.number
    numbers |= {name: lease.number for name, lease in facts.leases.items() if lease is not None}
    names = things.keys() | facts.leases.keys()
    findings: list[Finding] = []
    kept: list[Kept] = []
    for name in sorted(names, key=lambda each: (numbers[each], each)):
        own = tuple(sorted(things.get(name, ()), key=lambda each: (_ORDER[each.kind], each.name)))
        said = _Case(facts, rules, name, numbers[name], own).judged()
        if isinstance(said, Finding):
            findings.append(said)
        else:
            kept.append(said)
    return Judgement(findings=tuple(findings), kept=tuple(kept))


@dataclass(frozen=True)
class _Case:
    """One environment before the rules."""

    facts: Facts
    rules: Rules
    name: str
    number: int
    things: tuple[Thing, ...]

    def judged(self) -> Finding | Kept:
        said = self._without_lease() if self.name not in self.facts.leases else self._with_lease()
        if isinstance(said, Finding) and self.name in self.facts.held:
            return self._kept(f"a run works on it: {self.facts.held[self.name]}", noted=True)
        return said

    def _with_lease(self) -> Finding | Kept:
        lease = self.facts.leases[self.name]
        if lease is None:
            return self._kept("its lease cannot be read", noted=True)
        if lease.closed is not None:
            return self._tombstone(lease, lease.closed)
        alive = self.facts.open is None or self.number in self.facts.open
        # A pin holds until the pull request is closed: whoever pinned it may have forgotten it by then.
        if alive and lease.pinned:
            return self._kept("it is pinned")
        if not lease.pinned and lease.expires <= self.facts.now:
            return self._found(Cause.EXPIRED, f"its lease ran out {_ago(self.facts.now - lease.expires)} ago")
        if alive:
            return self._kept(f"its lease runs for another {_ago(lease.expires - self.facts.now)}")
        if self.facts.now - lease.renewed < self.rules.grace:
            renewed = f"its lease was renewed {_ago(self.facts.now - lease.renewed)} ago"
            return self._kept(f"its pull request is not open, and {renewed}", noted=True)
        return self._found(Cause.CLOSED, f"pull request {self.number} is not open")

    def _tombstone(self, lease: LeaseFact, closed: datetime) -> Finding | Kept:
        since = f"it was closed {_ago(self.facts.now - closed)} ago"
        if self.things:
            return self._found(Cause.CLOSED, f"{since}, and is still there")
        if lease.removed is None:
            # No listing shows anything, but whoever was removing it has not come to the end, or is at it.
            waiting = self.facts.now - closed < self.rules.grace
            return self._kept(since) if waiting else self._found(Cause.CLOSED, f"{since}, and not to the end")
        if self.facts.now - lease.removed < self.rules.retention_of(self.name):
            return self._kept(f"{since}, and nothing of it is left")
        return self._found(Cause.TOMBSTONE, f"nothing of it is left, for {_ago(self.facts.now - lease.removed)}")

    def _without_lease(self) -> Finding | Kept:
        if self.facts.open is not None and self.number in self.facts.open:
            return self._kept(f"it has no lease, and pull request {self.number} is open", noted=True)
        made = [thing.made for thing in self.things if thing.made is not None]
        youngest = max([*made, *filter(None, [self.facts.worked.get(self.name)])], default=None)
        if youngest is not None and self.facts.now - youngest < self.rules.grace:
            return self._kept(f"it has no lease, and is {_ago(self.facts.now - youngest)} old", noted=True)
        if any(thing.kind is Kind.STATE for thing in self.things):
            return self._found(Cause.HALF_BUILT, "it has a state and no lease")
        return self._found(Cause.ORPHANED, "it has neither a state nor a lease")

    def _found(self, cause: Cause, why: str) -> Finding:
        lease = self.facts.leases.get(self.name)
        return Finding(
            environment=self.name,
            number=self.number,
            cause=cause,
            why=why,
            things=self.things,
            leased=lease is not None,
            closed=lease is not None and lease.closed is not None,
        )

    def _kept(self, why: str, *, noted: bool = False) -> Kept:
        return Kept(environment=self.name, number=self.number, why=why, noted=noted)


def _ago(span: timedelta) -> str:
    """A span in its largest unit."""
    seconds = max(0, int(span.total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
