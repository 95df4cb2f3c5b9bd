"""Which ephemeral environments could go when there is no room for another one; pure.

Expired ones first, then the one that nobody has worked on for longest. One that is pinned or at work never goes, and
neither does one whose lease cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deployer.steps.environment_lease import Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One kind of thing that an account holds a limited number of."""

    what: str
    has: int
    needs: int
    quota: int

    @property
    def short(self) -> int:
        """How many too few there are."""
        return max(0, self.has + self.needs - self.quota)

    @property
    def text(self) -> str:
        """For people."""
        return f"{self.what}: {self.has} of {self.quota}, {self.needs} more needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One that could go. Only an expired or an idle one goes without anybody having said so."""

    lease: Lease
    expired: bool
    idle: bool

    @property
    def evictable(self) -> bool:
        """Whether `--evict` takes it."""
        return self.expired or self.idle

    @property
    def why(self) -> str:
        """In one word."""
        return "expired" if self.expired else "idle" if self.idle else "not pinned"


def candidates(
    leases: Sequence[Lease], now: datetime, *, idle: timedelta, at_work: Callable[[str], bool], but: str
) -> Iterator[Candidate]:
    """Those that could go, in that order. `but` is for whom they would go; `at_work` is asked one by one."""
    open_ones = [each for each in leases if each.open and each.pinned is None and each.environment != but]
    for lease in sorted(open_ones, key=lambda each: (not each.expired(now), each.renewed, each.number)):
        if not at_work(lease.environment):
            yield Candidate(lease=lease, expired=lease.expired(now), idle=lease.idle(now, idle))


def still_goes(lease: Lease | None, now: datetime, *, idle: timedelta) -> bool:
    """Whether a candidate of a moment ago may still be evicted: nobody has pinned, pushed or closed it since."""
    if lease is None or not lease.open or lease.pinned is not None:
        return False
    return lease.expired(now) or lease.idle(now, idle)
