"""The judgement of a sweep: which environments go, why, and why others stay."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deployer.steps.sweep import Cause, Facts, Finding, Kept, Kind, LeaseFact, Rules, Thing, judge

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
RULES = Rules(grace=timedelta(minutes=30), retention=timedelta(days=14))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LEASE = LeaseFact(number=12, renewed=NOW - DAY, expires=NOW + DAY)
EXPIRED = replace(LEASE, expires=NOW - HOUR)
TOMBSTONE = replace(LEASE, closed=NOW - HOUR)
OPEN, SHUT = frozenset({12}), frozenset({7})


def thing(kind: Kind = Kind.WORKER, *, made: datetime | None = NOW - DAY, number: int = 12) -> Thing:
    """A thing of an environment."""
    name = f"pr-{number}"
    return Thing(kind=kind, name=f"vibechecc-{name}", environment=name, number=number, made=made)


WORKER, STATE = thing(), thing(Kind.STATE)
YOUNG = thing(made=NOW - timedelta(minutes=5))
TIMELESS = thing(Kind.NAMESPACE, made=None)


def verdict(facts: Facts) -> Finding | Kept:
    """What is said of the only environment in `facts`."""
    judgement = judge(facts, RULES)
    said: list[Finding | Kept] = [*judgement.findings, *judgement.kept]
    assert len(said) == 1
    return said[0]


@pytest.mark.parametrize(
    ("lease", "things", "pulls", "cause"),
    [
        pytest.param(EXPIRED, (WORKER, STATE), OPEN, Cause.EXPIRED, id="expired, although open"),
        pytest.param(EXPIRED, (WORKER, STATE), None, Cause.EXPIRED, id="expired, nobody asked"),
        pytest.param(EXPIRED, (), OPEN, Cause.EXPIRED, id="expired with nothing made"),
        pytest.param(replace(LEASE, expires=NOW), (STATE,), OPEN, Cause.EXPIRED, id="expires this moment"),
        pytest.param(LEASE, (WORKER, STATE), SHUT, Cause.CLOSED, id="pull request closed"),
        pytest.param(LEASE, (), SHUT, Cause.CLOSED, id="pull request closed, nothing made"),
        pytest.param(TOMBSTONE, (WORKER,), SHUT, Cause.CLOSED, id="half removed"),
        pytest.param(TOMBSTONE, (WORKER,), OPEN, Cause.CLOSED, id="half removed, and open again"),
        pytest.param(TOMBSTONE, (YOUNG,), None, Cause.CLOSED, id="half removed, what is left is young"),
        pytest.param(replace(TOMBSTONE, pinned=True), (WORKER,), SHUT, Cause.CLOSED, id="closed although pinned"),
        pytest.param(replace(LEASE, pinned=True), (WORKER,), SHUT, Cause.CLOSED, id="pinned, its pull request closed"),
        pytest.param(
            replace(TOMBSTONE, closed=NOW - 15 * DAY, removed=NOW - 15 * DAY), (), SHUT, Cause.TOMBSTONE, id="old stone"
        ),
        pytest.param(TOMBSTONE, (), SHUT, Cause.CLOSED, id="removal cut off, nothing listed"),
        pytest.param(None, (WORKER, STATE), SHUT, Cause.HALF_BUILT, id="state and no lease"),
        pytest.param(None, (WORKER,), SHUT, Cause.ORPHANED, id="neither"),
        pytest.param(None, (WORKER,), None, Cause.ORPHANED, id="neither, nobody asked"),
        pytest.param(None, (TIMELESS,), SHUT, Cause.ORPHANED, id="neither, of no known age"),
    ],
)
def test_it_goes(
    lease: LeaseFact | None, things: tuple[Thing, ...], pulls: frozenset[int] | None, cause: Cause
) -> None:
    """Expired, closed, half-built and orphaned environments are found, with the right reason and all their things."""
    said = verdict(Facts(now=NOW, leases={"pr-12": lease} if lease else {}, things=things, open=pulls))
    assert isinstance(said, Finding), said
    assert (said.cause, said.environment, said.number) == (cause, "pr-12", 12)
    assert set(said.things) == set(things)
    assert said.leased is (lease is not None)


@pytest.mark.parametrize(
    ("lease", "things", "pulls", "why"),
    [
        pytest.param(LEASE, (WORKER, STATE), OPEN, "runs for another 1 d", id="alive"),
        pytest.param(LEASE, (WORKER,), None, "runs for another 1 d", id="alive, nobody asked"),
        pytest.param(LEASE, (), OPEN, "runs for another 1 d", id="alive, nothing made yet"),
        pytest.param(replace(EXPIRED, pinned=True), (WORKER,), OPEN, "pinned", id="pinned and expired"),
        pytest.param(replace(EXPIRED, pinned=True), (WORKER,), None, "pinned", id="pinned, nobody asked"),
        pytest.param(
            replace(LEASE, renewed=NOW - timedelta(minutes=29)), (), SHUT, "renewed 29 min ago", id="just taken"
        ),
        pytest.param(replace(TOMBSTONE, removed=NOW), (), SHUT, "nothing of it is left", id="tombstone"),
        pytest.param(replace(TOMBSTONE, closed=NOW), (), SHUT, "closed 0 s ago", id="being removed"),
        pytest.param(
            replace(TOMBSTONE, closed=NOW - 15 * DAY, removed=NOW - DAY), (), SHUT, "nothing", id="removed late"
        ),
        pytest.param(None, (YOUNG, STATE), SHUT, "5 min old", id="young and no lease"),
        pytest.param(None, (YOUNG, TIMELESS), None, "5 min old", id="young, nobody asked"),
        pytest.param(None, (WORKER, STATE), OPEN, "pull request 12 is open", id="open and no lease"),
    ],
)
def test_it_stays(lease: LeaseFact | None, things: tuple[Thing, ...], pulls: frozenset[int] | None, why: str) -> None:
    """What is alive, pinned, just being made or open stays, and so does a tombstone that may still be needed."""
    said = verdict(Facts(now=NOW, leases={"pr-12": lease} if lease else {}, things=things, open=pulls))
    assert isinstance(said, Kept), said
    assert why in said.why


def test_a_lease_that_cannot_be_read_keeps_its_environment() -> None:
    """Nobody can know what it says, so a person looks."""
    facts = Facts(now=NOW, leases={"pr-12": None}, numbers={"pr-12": 12}, things=(WORKER,), open=SHUT)
    assert verdict(facts) == Kept(environment="pr-12", number=12, why="its lease cannot be read", noted=True)


@pytest.mark.parametrize("lease", [EXPIRED, TOMBSTONE, None])
def test_a_run_at_work_is_never_disturbed(lease: LeaseFact | None) -> None:
    """An environment that somebody holds is skipped, whatever else speaks against it."""
    leases = {"pr-12": lease} if lease else {}
    said = verdict(Facts(now=NOW, leases=leases, things=(WORKER, STATE), open=SHUT, held={"pr-12": "`inv pr.up`"}))
    assert isinstance(said, Kept)
    assert said.why == "a run works on it: `inv pr.up`"


def test_work_of_late_counts_as_youth() -> None:
    """A run that ended minutes ago may be followed by one that takes the lease; of its things none may tell its age."""
    facts = Facts(now=NOW, things=(TIMELESS,), worked={"pr-12": NOW - timedelta(minutes=1)})
    assert isinstance(verdict(facts), Kept)


def test_numbers_are_told_apart() -> None:
    """pr-1 and pr-12 are judged each by its own lease and things, in the order of the numbers."""
    facts = Facts(
        now=NOW, leases={"pr-12": LEASE}, things=(thing(number=112), thing(number=1), WORKER), open=frozenset({12})
    )
    judgement = judge(facts, RULES)
    assert [(each.environment, len(each.things)) for each in judgement.findings] == [("pr-1", 1), ("pr-112", 1)]
    assert [each.environment for each in judgement.kept] == ["pr-12"]


def test_things_go_in_the_order_in_which_they_can() -> None:
    """Hosts before Workers before what those are bound to, states last."""
    kinds = (Kind.STATE, Kind.BUCKET, Kind.WORKER, Kind.HOST, Kind.RECORD)
    said = verdict(Facts(now=NOW, leases={"pr-12": EXPIRED}, things=[thing(kind) for kind in kinds]))
    assert isinstance(said, Finding)
    assert [each.kind for each in said.things] == [Kind.HOST, Kind.RECORD, Kind.WORKER, Kind.BUCKET, Kind.STATE]
    assert said.has_state
