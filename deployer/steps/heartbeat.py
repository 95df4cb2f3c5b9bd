"""The sign of life of a run that works on an environment.

Its first one is the entry that it opened. Longer runs write an object once a minute, and whoever finds the last sign
too old may take the run for dead. Age is what the store says, written against answered: no clock of ours counts. Both
sides write with a condition, so either the owner renews or somebody else claims, never both.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from deployer.adapters.state import Bucket, Object
from deployer.steps.ledger import Entry

RENEWED_EVERY: Final = 60.0
# Some renewals may fail before anybody is taken for dead.
VALID_FOR: Final = timedelta(minutes=5)
# An owner that could not renew for this long (a machine that slept) asks before it changes anything.
DOUBTFUL_AFTER: Final = VALID_FOR.total_seconds() / 2
_ATTEMPTS: Final = 3


@dataclass(frozen=True)
class Heartbeat:
    """The heartbeat of whoever works on one environment."""

    bucket: Bucket
    environment: str

    @property
    def key(self) -> str:
        """Where it lies."""
        return f"heartbeats/{self.environment}.json"

    def renew(self, run: str) -> bool:
        """Write a sign of life of `run`; False if somebody has claimed its heartbeat."""
        for _ in range(_ATTEMPTS):
            found = self.bucket.get(self.key)
            if found is not None and _read(found).get("claimed") == run:
                return False
            # Any other heartbeat is a dead one's that nobody has removed: the environment is held by `run`.
            if self.bucket.try_put(self.key, _text({"run": run}), replaces=found.etag if found else None):
                return True
        return False

    def age(self, opened: Entry) -> timedelta:
        """Since the last sign of life of the run that `opened` the environment."""
        found = self.bucket.get(self.key)
        return min(opened.age, found.age) if found is not None and _read(found).get("run") == opened.run else opened.age

    def claim(self, opened: Entry, *, by: str) -> bool:
        """End the heartbeat of the run that `opened`, if it is too old and not renewed at this moment."""
        found = self.bucket.get(self.key)
        owned = found is not None and _read(found).get("run") == opened.run
        if opened.age <= VALID_FOR or (owned and found is not None and found.age <= VALID_FOR):
            return False
        claim = _text({"claimed": opened.run, "by": by})
        return self.bucket.try_put(self.key, claim, replaces=found.etag if found else None)

    def remove(self) -> None:
        """The run has ended."""
        self.bucket.delete([self.key])


def _read(found: Object) -> Mapping[str, Any]:
    try:
        data = json.loads(found.body)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _text(data: Mapping[str, Any]) -> bytes:
    # Never twice the same: the store's tags are digests, and a renewal has to spoil a claim that was begun before it.
    return json.dumps({**data, "beat": uuid.uuid4().hex}, sort_keys=True).encode()
