"""Leases in a bucket in memory, for tests of whoever makes, removes or sweeps ephemeral environments."""

from __future__ import annotations

from datetime import timedelta

from deployer.adapters.state import Bucket
from deployer.steps.environment_lease import Owner, Wish
from deployer.steps.lease_store import LeaseStore
from deployer.words import Named

HOURS = timedelta(hours=72)


def wish(number: int = 12, run: str = "run-a", *, commit: str = "c1", who: str = "ana@laptop") -> Wish:
    """What a run wants the lease of `pr-<number>` to say."""
    owner = Owner(run=run, who=who, url=None)
    return Wish(environment=f"pr-{number}", number=number, owner=owner, commit=commit, lasts=HOURS)


def store_of(bucket: Bucket, number: int = 12) -> LeaseStore:
    """The lease of `pr-<number>`."""
    return LeaseStore(bucket, Named(f"pr-{number}", "sandbox"))
