"""What the last deploys left on record beside the Terraform state: digests that the services themselves do not tell.

Nothing is believed because it is recorded: a record only says what to compare a service's answer with. It is written
with a condition, so that two deploys cannot overwrite each other's part.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deployer.adapters.state import Bucket
from deployer.errors import ServiceFailed

SCHEMA = 1
_ATTEMPTS = 5


@dataclass(frozen=True)
class ReleaseRecord:
    """One environment's record; a section (`worker`, `convex`) belongs to the step that writes it."""

    bucket: Bucket
    environment: str

    @property
    def key(self) -> str:
        """Where it lies."""
        return f"releases/{self.environment}/current.json"

    def section(self, name: str) -> Mapping[str, Any]:
        """One step's part; empty if there is none, or one of another schema."""
        found = self.bucket.get(self.key)
        return _parse(found.body).get(name, {}) if found else {}

    def write(self, name: str, section: Mapping[str, Any]) -> None:
        """Replace one step's part and leave the others alone."""
        self._change(lambda record: record.update({name: dict(section)}))

    def _change(self, change: Callable[[dict[str, Any]], None]) -> None:
        for _ in range(_ATTEMPTS):
            found = self.bucket.get(self.key)
            record = _parse(found.body) if found else {}
            change(record)
            body = json.dumps({**record, "schema": SCHEMA, "environment": self.environment}, sort_keys=True, indent=1)
            if self.bucket.put(self.key, body.encode(), replaces=found.etag if found else None):
                return
        raise ServiceFailed(
            "the release record is being written by somebody else all the time",
            place=f"bucket `{self.bucket.name}`, `{self.key}`",
            hint="run the same command again; it goes on from here",
        )


def _parse(body: bytes) -> dict[str, Any]:
    try:
        record = json.loads(body)
    except ValueError:
        return {}
    # A record that cannot be read costs one deploy that is not needed, and no more.
    return record if isinstance(record, dict) and record.get("schema") == SCHEMA else {}
