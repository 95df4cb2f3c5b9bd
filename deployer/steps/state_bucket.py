"""The bucket that keeps Terraform's state and the release records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from deployer.adapters.files import digest_of
from deployer.adapters.state import Bucket
from deployer.engine.change import Action, Change
from deployer.engine.step import BaseStep, Context

# The step's name, in each playbook that has it: what needs a bucket waits for it.
STATE_BUCKET: Final = "state bucket"


@dataclass(frozen=True, kw_only=True)
class StateBucket(BaseStep[bool]):
    """Present, or made."""

    bucket: Bucket
    location: str

    def observe(self, context: Context) -> bool:
        """Whether it is there."""
        return self.bucket.exists()

    def diff(self, context: Context, facts: bool) -> Sequence[Change]:
        """One change, if it is not."""
        if facts:
            return ()
        address = f"r2:{self.bucket.name}"
        meaning = digest_of(self.location)
        return (Change(action=Action.CREATE, address=address, summary="bucket of the state", meaning=meaning),)

    def apply(self, context: Context, facts: bool, changes: Sequence[Change]) -> Mapping[str, object]:
        """Make it."""
        self.bucket.create(location=self.location)
        return {}
