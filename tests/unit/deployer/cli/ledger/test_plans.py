"""inv plans from flags to exit code, on a bucket in memory."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from deployer.cli.ci_delivery import plan_of
from deployer.review.manifest import CiRun
from deployer.steps.bundle_store import PlanStore
from deployer.steps.ledger import RunNote
from tests.support.buckets import MemoryBucket
from tests.support.cli import Checkout
from tests.support.ledgers import ledger, past_run
from tests.support.plans import COMMIT, manifest_of

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


def store(bucket: MemoryBucket, identifier: str, *, hours: float, signed: tuple[str, ...] = (), **more: object) -> None:
    """A bundle of which the listing reads the manifest, and the approvals' names."""
    environment = identifier.rsplit("-", 2)[0]
    manifest = manifest_of(
        id=identifier,
        environment=environment,
        target="cloudflare",
        created=NOW,
        expires=NOW + dt.timedelta(hours=hours),
        **more,
    )
    bucket.try_put(f"plans/{identifier}/manifest.json", manifest.text.encode(), replaces=None)
    for name in signed:
        bucket.try_put(f"plans/{identifier}/approvals/{name}.json", b"{}", replaces=None)


@pytest.fixture(name="stored", autouse=True)
def _stored(bucket: MemoryBucket) -> None:
    store(bucket, "development-20261124T080000Z-0123456789ab", hours=2, commit="1a2b3c4d5e6f")
    store(bucket, "production-20261125T080000Z-0123456789ab", hours=2, signed=("mira", "bo"), needed=2, risk="destroy")
    store(bucket, "production-20261123T080000Z-0123456789ab", hours=-1)
    bucket.put_json("plans/production-20261126T080000Z-0123456789ab/plan.json", {})
    past_run(
        ledger(bucket),
        "one",
        **RunNote(plan_id="development-20261124T080000Z-0123456789ab", plan_digest="d" * 64).fields(),
    )


def test_stored_plans_are_listed_with_what_became_of_them(checkout: Checkout, bucket: MemoryBucket) -> None:
    """The newest first, whole ones only, within 80 columns; one that is damaged hides no other."""
    bucket.put_json("plans/development-20261126T080000Z-0123456789ab/manifest.json", {"schema": 7})
    ran = checkout.inv("plans")
    assert ran.code == 0, ran.err
    assert "note: plan `development-20261126T080000Z-0123456789ab` is left out: " in " ".join(ran.err.split())
    lines = ran.out.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        "production-20261125T080000Z-0123456789ab  open",
        "development-20261124T080000Z-0123456789ab  applied",
        "production-20261123T080000Z-0123456789ab  expired",
    ]
    assert "risk destroy signed by bo, mira 2 needed until" in " ".join(ran.out.split())
    assert "risk none applied 20" in " ".join(ran.out.split())
    assert all(len(line) <= 80 for line in lines)


def test_the_list_is_narrowed_by_environment_commit_and_number(checkout: Checkout) -> None:
    """As JSON."""

    def identifiers(*flags: str) -> list[str]:
        ran = checkout.inv("plans", "--json", *flags)
        assert ran.code == 0, ran.err
        return [each["id"].split("Z")[0] for each in json.loads(ran.out)["plans"]]

    assert identifiers("--env", "prod") == ["production-20261125T080000", "production-20261123T080000"]
    assert identifiers("--commit", "1a2b3c4d") == ["development-20261124T080000"]
    assert identifiers("--limit", "1") == ["production-20261125T080000"]
    assert len(identifiers("--limit", "0")) == 3
    assert identifiers("--env", "pr-12") == []
    assert checkout.inv("plans", "--limit", "few").code == 2


def test_a_job_applies_the_plan_of_its_own_run() -> None:
    """A newer one of the same commit, from another run, is none that those who let this run pass have seen."""
    bucket = MemoryBucket()
    mine = CiRun(repository="acme/shop", run="5", attempt="1")
    of_mine, newer = "production-20261125T080000Z-0123456789ab", "production-20261125T090000Z-0123456789ab"
    store(bucket, of_mine, hours=2, run=mine)
    store(bucket, newer, hours=2, run=CiRun(repository="acme/shop", run="6", attempt="1"))
    store(bucket, "production-20261125T095900Z-0123456789ab", hours=2)
    store(bucket, "production-20261125T095959Z-0123456789ab", hours=2, run=mine, commit="b" * 40)

    def found(made: CiRun | None) -> str | None:
        plan = plan_of(PlanStore(bucket), environment="production", commit=COMMIT, made=made, say=print)
        return plan.id if plan else None

    assert found(CiRun(repository="acme/shop", run="5", attempt="2")) == of_mine
    assert found(CiRun(repository="acme/other", run="5", attempt="1")) is None
    assert found(CiRun(repository="acme/shop", run="7", attempt="1")) is None
    assert found(None) == "production-20261125T095900Z-0123456789ab"
