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


@dataclass(frozen=True, kw_only=True)
class ConditionalWrites(BaseStep[bool]):
    """Whether of two writers one is refused. The only way to know is to try, with an object that is removed again."""

    bucket: Bucket
    note: Callable[[str], None]

    def observe(self, context: Context) -> bool:
        """Try it; a check writes nothing, so it cannot."""
        if context.check:
            self.note("conditional writes were not tried: that takes an object, and --check writes none")
            return False
        key = f"{PROBES}{uuid.uuid4().hex}"
        try:
            self._try(key)
        finally:
            self.bucket.delete([key])
        return True

    def diff(self, context: Context, facts: bool) -> Sequence[Change]:
        """Nothing is left of it."""
        return ()

    def _try(self, key: str) -> None:
        first, second = b"first", b"second"
        self._expect(
            self.bucket.try_put(key, first, replaces=None), "an object that is new was refused (If-None-Match)"
        )
        self._expect(
            not self.bucket.try_put(key, second, replaces=None), "an object that is there was replaced (If-None-Match)"
        )
        found = self.bucket.get(key)
        self._expect(found is not None and found.body == first, "a refused write has changed the object")
        assert found is not None
        self._expect(self.bucket.try_put(key, second, replaces=found.etag), "the right version was refused (If-Match)")
        self._expect(
            not self.bucket.try_put(key, first, replaces=found.etag), "another version was replaced (If-Match)"
        )

    def _expect(self, kept: bool, otherwise: str) -> None:
        if not kept:
            raise ServiceFailed(
                f"the store does not keep conditional writes: {otherwise}",
                place=self.bucket.place(),
                hint="state locks and the ledger rest on them, so nothing may be deployed from here; "
                "check that `project.account_id` and `project.state_bucket` name a bucket on R2",
            )
