"""Who could go to make room, and who may still go when it comes to that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deployer.steps.environment_lease import Lease, pinned
from deployer.steps.eviction import Candidate, Room, candidates, still_goes
from deployer.words import Named
from tests.support.leases import HOURS, wish

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
IDLE = timedelta(hours=24)


def lease(number: int, *, hours: int) -> Lease:
    """Taken so many hours ago."""
    return wish(number).taken(None, NOW - timedelta(hours=hours))


FRESH, IDLING, EXPIRED, LONG_EXPIRED = lease(1, hours=2), lease(2, hours=30), lease(3, hours=80), lease(4, hours=200)
PINNED = pinned(lease(5, hours=500), NOW, named=Named("pr-5", "sandbox"), by="mira")
CLOSED = wish(6).closed(lease(6, hours=100), NOW)
EXTENDED = replace(lease(7, hours=100), expires=NOW + HOURS)


def found(*leases: Lease, at_work: frozenset[str] = frozenset(), but: str = "pr-12") -> list[Candidate]:
    """In order."""
    return list(candidates(leases, NOW, idle=IDLE, at_work=at_work.__contains__, but=but))


def test_expired_ones_first_then_the_longest_unused() -> None:
    """A fresh one comes last; one that was extended is only idle."""
    everybody = found(FRESH, IDLING, EXPIRED, LONG_EXPIRED, PINNED, CLOSED, EXTENDED)

    assert [(each.lease.number, each.why, each.evictable) for each in everybody] == [
        (4, "expired", True),
        (3, "expired", True),
        (7, "idle", True),
        (2, "idle", True),
        (1, "not pinned", False),
    ]


def test_neither_one_at_work_nor_the_one_that_asks() -> None:
    """Whatever its age."""
    assert [each.lease.number for each in found(EXPIRED, LONG_EXPIRED, at_work=frozenset({"pr-4"}))] == [3]
    assert [each.lease.number for each in found(EXPIRED, LONG_EXPIRED, but="pr-3")] == [4]


@pytest.mark.parametrize(
    ("lease", "goes"),
    [
        (None, False),
        (FRESH, False),
        (IDLING, True),
        (EXPIRED, True),
        (EXTENDED, True),
        (PINNED, False),
        (CLOSED, False),
        (wish(3).taken(EXPIRED, NOW), False),
        (pinned(EXPIRED, NOW, named=Named("pr-3", "sandbox"), by="mira"), False),
    ],
)
def test_what_has_happened_since_counts(lease: Lease | None, goes: bool) -> None:
    """Somebody has pushed to it, pinned it, or closed it."""
    assert still_goes(lease, NOW, idle=IDLE) is goes


@pytest.mark.parametrize(("has", "needs", "short"), [(0, 1, 0), (39, 1, 0), (40, 1, 1), (45, 1, 6), (39, 2, 1)])
def test_how_many_are_missing(has: int, needs: int, short: int) -> None:
    """Exactly full is full."""
    assert Room(what="x", has=has, needs=needs, quota=40).short == short
