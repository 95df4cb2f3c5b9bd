"""Every transition of a lease, and what two writers at the same time make of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deployer.errors import Damaged, EnvironmentClosed, EnvironmentReopened, ServiceFailed, UsageError
from deployer.steps import environment_lease as transitions
from deployer.steps.environment_lease import EXPIRED, Lease, parse
from deployer.steps.lease_store import LeaseStore, all_leases, leased
from deployer.words import Named
from tests.support.buckets import MemoryBucket
from tests.support.leases import HOURS, store_of, wish

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=5)
OPEN = wish().taken(None, NOW)
NAMED = Named("pr-12", "sandbox")
PINNED = transitions.pinned(OPEN, NOW, named=NAMED, by="mira")
TOMBSTONE = wish().closed(OPEN, NOW)
REMOVED = transitions.removed(TOMBSTONE, NOW)
ANY = [None, OPEN, PINNED, TOMBSTONE, REMOVED]


@pytest.fixture
def bucket() -> MemoryBucket:
    """An empty store."""
    return MemoryBucket()


@pytest.fixture
def store(bucket: MemoryBucket) -> LeaseStore:
    """The lease of pr-12 in it."""
    return store_of(bucket)


# --- transitions -------------------------------------------------------------------------------------------------


def test_a_lease_that_is_taken_lasts_from_now() -> None:
    """It says who, which commit, since when and until when."""
    assert (OPEN.created, OPEN.renewed, OPEN.expires) == (NOW, NOW, NOW + HOURS)
    assert (OPEN.owner.run, OPEN.commit, OPEN.open) == ("run-a", "c1", True)


@pytest.mark.parametrize("found", [OPEN, PINNED])
def test_the_next_push_takes_over_and_keeps_what_people_said(found: Lease) -> None:
    """Owner and commit are the new ones; it was created when it was, and a pin stays."""
    lease = wish(run="run-b", commit="c2").taken(found, LATER)

    assert (lease.owner.run, lease.commit, lease.renewed) == ("run-b", "c2", LATER)
    assert (lease.created, lease.pinned) == (found.created, found.pinned)


def test_a_push_does_not_make_an_extended_lease_shorter() -> None:
    """Somebody wanted it for longer."""
    extended = transitions.extended(OPEN, NOW, named=NAMED, lasts=timedelta(days=30))

    assert wish().taken(extended, LATER).expires == NOW + timedelta(days=30)


@pytest.mark.parametrize("found", [TOMBSTONE, REMOVED])
@pytest.mark.parametrize("deed", [wish(run="late").taken, wish(run="late").renewed])
def test_a_tombstone_refuses_whoever_comes_late(found: Lease, deed: Callable[[Lease | None, datetime], Lease]) -> None:
    """Taking and renewing alike."""
    with pytest.raises(EnvironmentClosed, match="`pr-12` was closed at 2026-11-25 12:00 UTC by ana@laptop"):
        deed(found, LATER)


@pytest.mark.parametrize("found", [TOMBSTONE, REMOVED])
def test_reopening_begins_a_new_lease(found: Lease) -> None:
    """Nothing of the old one counts: neither its beginning nor its end."""
    assert wish(run="again").taken(found, LATER, reopen=True) == wish(run="again").taken(None, LATER)


@pytest.mark.parametrize("found", [None, OPEN, PINNED])
def test_reopening_what_is_open_is_taking_it(found: Lease | None) -> None:
    """A wrong `--reopen` forgets nothing."""
    assert wish().taken(found, LATER, reopen=True) == wish().taken(found, LATER)


@pytest.mark.parametrize("found", ANY)
def test_closing_leaves_a_tombstone_whatever_was_there(found: Lease | None) -> None:
    """Also where nothing was: the run that makes it may be on its way. A pin does not hold it."""
    lease = wish(who="bot").closed(found, LATER)

    assert lease.closed is not None
    assert (lease.closed.removed, lease.pinned) == (None, None)
    assert (lease.closed.when, lease.closed.by) == (LATER, "bot")


@pytest.mark.parametrize("found", [None, OPEN, PINNED])
def test_what_is_not_closed_cannot_have_been_removed(found: Lease | None) -> None:
    """It was opened again meanwhile."""
    assert transitions.removed(found, LATER) is None


@pytest.mark.parametrize("found", [None, TOMBSTONE, REMOVED])
@pytest.mark.parametrize("deed", ["extend", "pin", "unpin"])
def test_people_change_open_leases_only(found: Lease | None, deed: str) -> None:
    """An environment that is not there has nothing to be kept."""
    deeds: dict[str, Callable[[], Lease]] = {
        "extend": lambda: transitions.extended(found, LATER, named=NAMED, lasts=HOURS),
        "pin": lambda: transitions.pinned(found, LATER, named=NAMED, by="mira"),
        "unpin": lambda: transitions.unpinned(found, LATER, named=NAMED, lasts=HOURS),
    }
    with pytest.raises((UsageError, EnvironmentClosed)):
        deeds[deed]()


def test_extending_never_shortens() -> None:
    """An hour more of something that lasts for three days is nothing."""
    assert transitions.extended(OPEN, NOW, named=NAMED, lasts=timedelta(hours=1)) == OPEN
    longer = transitions.extended(OPEN, LATER, named=NAMED, lasts=HOURS)
    assert longer.expires == LATER + HOURS


def test_a_pinned_lease_has_no_end_and_one_whose_pin_is_out_has_time() -> None:
    """It does not go at the moment at which the pin is taken out."""
    much_later = NOW + timedelta(days=90)
    freed = transitions.unpinned(PINNED, much_later, named=NAMED, lasts=HOURS)

    assert OPEN.expired(much_later)
    assert not PINNED.expired(much_later)
    assert not freed.expired(much_later)
    assert freed.pinned is None


def test_it_has_expired_from_the_very_moment_on() -> None:
    """And not before."""
    assert not OPEN.expired(NOW + HOURS - timedelta(seconds=1))
    assert OPEN.expired(NOW + HOURS)


def test_idle_is_without_a_run_for_so_long() -> None:
    """Counted from the last renewal."""
    assert not OPEN.idle(LATER, timedelta(hours=6))
    assert OPEN.idle(LATER, timedelta(hours=5))


@pytest.mark.parametrize(("found", "goes"), [(OPEN, False), (TOMBSTONE, False), (REMOVED, True)])
def test_a_tombstone_goes_only_when_what_it_was_for_has_gone(found: Lease, goes: bool) -> None:
    """Of something half removed it is the only thing that tells."""
    assert found.buried(NOW + timedelta(days=14), timedelta(days=14)) is goes
    assert not found.buried(NOW + timedelta(days=13), timedelta(days=14))


# --- as an object ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lease", [each for each in ANY if each is not None])
def test_what_is_written_is_read(lease: Lease) -> None:
    """Every form of it; and two writings differ, so that the second spoils what was begun on the first."""
    assert parse(lease.text(), environment="pr-12") == lease
    assert lease.text() != lease.text()


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"environment": "pr-1"},
        {"number": "12"},
        {"expires": "2026-11-25T12:00:00"},
        {"expires": None},
        {"closed": {}},
        {"owner": None},
    ],
)
def test_what_is_not_understood_is_no_lease(change: dict[str, Any]) -> None:
    """Of a newer schema, of another environment, damaged."""
    assert parse(json.dumps({**json.loads(OPEN.text()), **change}).encode(), environment="pr-12") is None


def test_a_damaged_lease_stops_everybody_but_who_closes(bucket: MemoryBucket, store: LeaseStore) -> None:
    """Nobody knows whether it was closed, so nothing is made; closing makes it whole again."""
    bucket.put_json(store.key, {"schema": 1})
    deeds: list[Callable[[], object]] = [
        lambda: store.take(wish()),
        lambda: store.keep(wish()),
        store.require_closed,
        store.mark_removed,
        lambda: store.extend(HOURS, first=lambda _lease: None),
    ]
    for deed in deeds:
        with pytest.raises(Damaged):
            deed()
    assert [(found.environment, found.lease) for found in all_leases(bucket)] == [("pr-12", None)]

    assert store.close(wish())
    store.require_closed()


# --- in the store ------------------------------------------------------------------------------------------------


def test_taking_it_twice_is_one_lease(bucket: MemoryBucket, store: LeaseStore) -> None:
    """The second run renews it."""
    first = store.take(wish(run="one"))
    bucket.wait(hours=1)
    second = store.take(wish(run="two"))

    assert (second.created, second.owner.run) == (first.created, "two")
    assert list(leased(bucket)) == ["pr-12"]


def test_time_is_the_stores(bucket: MemoryBucket, store: LeaseStore) -> None:
    """Our clock may be wrong by minutes: no time of ours is written or compared."""
    bucket.wait(days=-3000)
    before = bucket.clock()
    lease = store.take(wish())
    assert lease.created == before
    bucket.wait(hours=73)

    assert lease.expired(store.read().now)


def test_may_reopen_is_asked_after_the_tombstone_was_read(bucket: MemoryBucket, store: LeaseStore) -> None:
    """What GitHub said before somebody closed it says nothing; and who closes again meanwhile is not overwritten."""
    store.close(wish())
    answers = [True, False]

    def ask() -> bool:
        if len(answers) == 2:
            store_of(bucket).close(wish(run="closes again"))
        return answers.pop(0)

    with pytest.raises(EnvironmentClosed):
        store.take(wish(run="late"), may_reopen=ask)
    assert answers == []
    store.require_closed()


def test_github_is_not_asked_where_no_tombstone_is(store: LeaseStore) -> None:
    """The question costs a request."""
    store.take(wish(), may_reopen=lambda: pytest.fail("asked"))


def test_closing_again_spoils_a_reopening_that_was_begun_before(bucket: MemoryBucket, store: LeaseStore) -> None:
    """The second `down` writes a tombstone of its own, although there is one."""
    store.close(wish())
    seen = bucket.get(store.key)
    assert seen is not None
    store.close(wish())

    assert not bucket.try_put(store.key, b"{}", replaces=seen.etag)


def test_a_run_renews_late_what_has_expired(bucket: MemoryBucket, store: LeaseStore) -> None:
    """It slept for days and nobody swept: the lease lives on."""
    store.take(wish())
    bucket.wait(days=10)
    lease = store.keep(wish())

    assert not lease.expired(store.read().now)


def test_a_run_puts_back_a_lease_that_is_gone(bucket: MemoryBucket, store: LeaseStore) -> None:
    """Somebody removed the object by hand, or a tombstone went in the moment in which it was taken."""
    store.take(wish())
    bucket.delete([store.key])
    store.keep(wish())

    assert store.read().lease is not None


def test_renewing_is_not_written_more_often_than_it_matters(bucket: MemoryBucket, store: LeaseStore) -> None:
    """The gate looks before each change."""
    store.take(wish())
    written = len(bucket.writes)
    store.keep(wish())
    assert len(bucket.writes) == written
    bucket.wait(minutes=6)
    store.keep(wish())

    assert len(bucket.writes) == written + 1


def test_a_tombstone_stops_the_run_that_has_the_lease(store: LeaseStore) -> None:
    """At its next change."""
    store.take(wish())
    store.close(wish(run="down"))

    with pytest.raises(EnvironmentClosed):
        store.keep(wish())


def test_a_reopening_stops_the_run_that_removes(store: LeaseStore) -> None:
    """At its next removal, and it does not claim that nothing is left."""
    store.close(wish())
    store.require_closed()
    store.take(wish(run="again"), may_reopen=lambda: True)

    with pytest.raises(EnvironmentReopened):
        store.require_closed()
    assert not store.mark_removed()


def test_a_missing_tombstone_stops_the_run_that_removes(bucket: MemoryBucket, store: LeaseStore) -> None:
    """Nothing says that it may go."""
    store.close(wish())
    bucket.delete([store.key])

    with pytest.raises(EnvironmentReopened):
        store.require_closed()


def test_only_what_still_is_so_is_closed(bucket: MemoryBucket, store: LeaseStore) -> None:
    """A sweep has seen it expired; somebody has pushed since."""
    store.take(wish())
    bucket.wait(days=4)
    assert store.read().lease is not None
    store.take(wish(run="push"))

    assert not store.close(
        wish(run="sweep"), why=EXPIRED, only=lambda held: held.lease is not None and held.lease.expired(held.now)
    )
    lease = store.read().lease
    assert lease is not None
    assert lease.open


def test_a_tombstone_is_deleted_after_its_time(bucket: MemoryBucket, store: LeaseStore) -> None:
    """And nothing else is."""
    store.take(wish())
    assert not store.forget(after=timedelta())
    store.close(wish())
    assert not store.forget(after=timedelta())
    assert store.mark_removed()
    assert not store.forget(after=timedelta(days=14))
    bucket.wait(days=14)
    assert store.forget(after=timedelta(days=14))

    assert list(leased(bucket)) == []


def test_a_name_that_begins_alike_is_another_lease(bucket: MemoryBucket) -> None:
    """pr-1 and pr-12."""
    store_of(bucket, 1).take(wish(1))
    store_of(bucket, 12).take(wish(12))
    store_of(bucket, 1).close(wish(1))

    store_of(bucket, 12).keep(wish(12))
    assert sorted(leased(bucket)) == ["pr-1", "pr-12"]
    assert {found.environment for found in all_leases(bucket)} == {"pr-1", "pr-12"}


def test_a_lease_that_everybody_writes_is_said() -> None:
    """Instead of trying for ever."""

    class Contended(MemoryBucket):
        def try_put(self, key: str, body: bytes, *, replaces: str | None) -> bool:
            return False

    closed = Contended()
    closed.put_json("leases/pr-12.json", json.loads(wish().closed(OPEN, NOW, why=EXPIRED).text()))
    deeds: list[Callable[[], object]] = [
        lambda: store_of(Contended()).take(wish()),
        lambda: store_of(Contended()).close(wish()),
        lambda: store_of(closed).keep(wish(), may_reopen=lambda: True),
    ]
    for deed in deeds:
        with pytest.raises(ServiceFailed, match="the lease of `pr-12` is being written by somebody else") as caught:
            deed()
        assert caught.value.hint == "run the same command again"


def test_what_to_type_next_acts_on_the_same_target(bucket: MemoryBucket) -> None:
    """On the sandbox a command without its word would act on the cloud."""
    store = store_of(bucket)
    store.take(wish())
    with pytest.raises(EnvironmentReopened) as reopened:
        store.require_closed()
    with pytest.raises(UsageError) as missing:
        transitions.extended(None, NOW, named=NAMED, lasts=HOURS)

    assert "`inv pr.up --env pr-12 --sandbox` makes it whole again" in (reopened.value.hint or "")
    assert "`inv pr.list --sandbox`" in (missing.value.hint or "")
