"""The ledger on R2's S3 interface: what a memory bucket promises holds for the real client too."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployer.adapters.aws import AwsAccess
from deployer.adapters.state import Bucket
from deployer.steps.heartbeat import Heartbeat
from deployer.steps.ledger import Head, Ledger
from deployer.steps.ledger_check import verify
from deployer.steps.ledger_runs import last_runs
from deployer.words import Named
from tests.support.ledgers import closed, opened
from tests.support.sandbox import Running, running_sandbox


@pytest.fixture(name="bucket", scope="module")
def _bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    with running_sandbox(tmp_path_factory.mktemp("ledger"), only=("s3",)) as world:
        yield connected(world)


def connected(world: Running) -> Bucket:
    """A client of its own, and the bucket made."""
    made = world.environment
    access = AwsAccess(
        service="s3", region="auto", endpoint=world.url("s3"), access_key=made["R2_ACCESS_KEY_ID"],
        secret_key=made["R2_SECRET_ACCESS_KEY"], isolated=True,
    )  # fmt: skip
    bucket = Bucket(access, "ledgers")
    if not bucket.exists():
        bucket.create(location="weur")
    return bucket


def test_two_writers_that_race_lose_nothing(bucket: Bucket) -> None:
    """Two hundred runs of two writers: each is there once, opened and closed, and the chain is whole."""

    def work(name: str) -> None:
        ledger = Ledger(Bucket(bucket.access, bucket.name), Named("raced", "cloudflare"))
        done = 0
        while done < 100:
            head, run = ledger.head(), f"{name}-{done}"
            if head.open is not None or (entry := ledger.append(opened(run), after=head)) is None:
                continue
            after = Head(sequence=entry.sequence, digest=entry.digest)
            assert ledger.append(closed(run, entry.sequence), after=after) is not None
            done += 1

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger = Ledger(bucket, Named("raced", "cloudflare"))
    runs = [run.opened.run for run in last_runs(ledger, 0)]
    assert sorted(runs) == sorted(f"{name}-{number}" for name in ("one", "two") for number in range(100))
    assert verify(ledger) == []


def test_the_stores_clock_tells_age_and_moment(bucket: Bucket, tmp_path: Path) -> None:
    """Of an entry and of the bucket; a bucket that is not there has no time."""
    ledger = Ledger(bucket, Named("clocked", "cloudflare"))
    assert ledger.append(opened("one"), after=ledger.head()) is not None
    entry = ledger.entry(1)
    moment = bucket.clock()
    assert entry is not None
    assert moment is not None
    assert 0 <= entry.age.total_seconds() <= 60
    assert abs((moment - entry.written).total_seconds()) <= 60
    assert Bucket(bucket.access, "no-such-bucket").clock() is None


def test_a_renewed_heartbeat_spoils_the_claim_that_saw_the_one_before(bucket: Bucket) -> None:
    """The tag of an object is a digest of its bytes here: renewals differ."""
    heartbeat = Heartbeat(bucket, "beating")
    assert heartbeat.renew("one")
    seen = bucket.get(heartbeat.key)
    assert seen is not None
    assert heartbeat.renew("one")
    assert not bucket.try_put(heartbeat.key, b'{"claimed": "one"}', replaces=seen.etag)
