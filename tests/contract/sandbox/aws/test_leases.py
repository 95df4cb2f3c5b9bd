"""Leases on R2's S3 interface: what a memory bucket promises holds for the real client too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from deployer.adapters.aws import AwsAccess
from deployer.adapters.state import Bucket
from deployer.errors import EnvironmentClosed
from deployer.steps.lease_store import LeaseStore, all_leases, leased
from deployer.words import Named
from tests.support.leases import store_of, wish
from tests.support.sandbox import running_sandbox


@pytest.fixture(name="bucket", scope="module")
def _bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with running_sandbox(Path(tmp_path_factory.mktemp("leases")), only=("s3",)) as world:
        made = world.environment
        access = AwsAccess(
            service="s3", region="auto", endpoint=world.url("s3"), access_key=made["R2_ACCESS_KEY_ID"],
            secret_key=made["R2_SECRET_ACCESS_KEY"], isolated=True,
        )  # fmt: skip
        bucket = Bucket(access, "leases")
        bucket.create(location="weur")
        yield bucket


def store(bucket: Bucket, number: int) -> LeaseStore:
    """A client of its own."""
    return LeaseStore(Bucket(bucket.access, bucket.name), Named(f"pr-{number}", "sandbox"))


def at_the_same_time(*deeds: Callable[[], object]) -> list[BaseException]:
    """Do all of these; gives what they raised."""
    raised: list[BaseException] = []
    start = threading.Barrier(len(deeds))

    def one(deed: Callable[[], object]) -> None:
        start.wait()
        try:
            deed()
        except BaseException as error:  # noqa: BLE001 -- the test looks at it
            raised.append(error)

    threads = [threading.Thread(target=one, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_eight_at_once_take_one_lease(bucket: Bucket) -> None:
    """Nobody fails, and one of them is the owner."""
    runs = [f"run-{number}" for number in range(8)]
    takes = [partial(store(bucket, 1).take, wish(1, run)) for run in runs]
    assert at_the_same_time(*takes) == []
    lease = store_of(bucket, 1).read().lease
    assert lease is not None
    assert lease.owner.run in runs
    assert lease.open


def test_whoever_takes_while_somebody_closes_sees_it_at_last(bucket: Bucket) -> None:
    """However they meet: afterwards it is closed, and the one who has taken it is told so."""
    for number in range(20, 40):
        raised = at_the_same_time(
            partial(store(bucket, number).take, wish(number)),
            partial(store(bucket, number).close, wish(number, "down")),
        )
        assert all(isinstance(error, EnvironmentClosed) for error in raised)
        store_of(bucket, number).require_closed()
        with pytest.raises(EnvironmentClosed):
            store_of(bucket, number).keep(wish(number))


def test_a_life_by_the_stores_clock(bucket: Bucket) -> None:
    """Taken, kept, closed, gone, forgotten."""
    own = store_of(bucket, 2)
    lease = own.take(wish(2))
    held = own.read()
    assert held.lease == lease
    assert abs(held.now - lease.created) < timedelta(seconds=30)
    assert own.keep(wish(2)) == lease
    assert own.close(wish(2, "down"))
    assert own.mark_removed()
    assert not own.forget(after=timedelta(days=1))
    assert "pr-2" in set(leased(bucket))
    assert own.forget(after=timedelta())
    assert "pr-2" not in {found.environment for found in all_leases(bucket)}
