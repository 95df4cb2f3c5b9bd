"""What the state bucket is, and whether it keeps the promise that locks and the ledger rest on."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from deployer.adapters.cloudflare import BucketSettings
from deployer.adapters.state import Bucket
from deployer.engine.change import Change
from deployer.engine.step import BaseStep, Context
from deployer.errors import ServiceFailed

PROBES: Final = "probes/"


@dataclass(frozen=True, kw_only=True)
class BucketLocation(BaseStep[str | None]):
    """Where the bucket lies. That is decided when it is made; one that lies elsewhere is said, and used."""

    settings: BucketSettings
    location: str
    note: Callable[[str], None]

    def observe(self, context: Context) -> str | None:
        """Ask for it."""
        found = self.settings.location()
        if found is not None and found != self.location:
            self.note(
                f"bucket `{self.settings.bucket}` lies in {found}, the inventory says {self.location}: a bucket stays "
                f"where it was made. Set project.location to {found}, or move the states to a new bucket"
            )
        return found

    def diff(self, context: Context, facts: str | None) -> Sequence[Change]:
        """Nothing can be done about it."""
        return ()


def require_conditional_writes(bucket: Bucket) -> None:
    """Of two writers one is refused. The only way to know is to try, with an object that is removed again.

    So this is no step: a step that looks changes nothing, and nothing is left of this that could be compared.
    """
    key = f"{PROBES}{uuid.uuid4().hex}"
    first, second = b"first", b"second"
    try:
        _expect(bucket, bucket.try_put(key, first, replaces=None), "an object that is new was refused (If-None-Match)")
        refused = not bucket.try_put(key, second, replaces=None)
        _expect(bucket, refused, "an object that is there was replaced (If-None-Match)")
        found = bucket.get(key)
        _expect(bucket, found is not None and found.body == first, "a refused write has changed the object")
        assert found is not None
        right = bucket.try_put(key, second, replaces=found.etag)
        _expect(bucket, right, "the right version was refused (If-Match)")
        refused = not bucket.try_put(key, first, replaces=found.etag)
        _expect(bucket, refused, "another version was replaced (If-Match)")
    finally:
        bucket.delete([key])


def _expect(bucket: Bucket, kept: bool, otherwise: str) -> None:
    if not kept:
        raise ServiceFailed(
            f"the store does not keep conditional writes: {otherwise}",
            place=bucket.place(),
            hint="state locks and the ledger rest on them, so nothing may be deployed from here; "
            "check that `project.account_id` and `project.state_bucket` name a bucket on R2",
        )
