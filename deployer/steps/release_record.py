"""What the last deploys left on record beside the Terraform state: digests that the services themselves do not tell.

Nothing is believed because it is recorded: a record only says what to compare a service's answer with. It is written
with a condition, so that two deploys cannot overwrite each other's part.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deployer.adapters.state import Bucket

SCHEMA = 1


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

        def change(body: bytes | None) -> bytes:
            record = _parse(body) if body is not None else {}
            record = {**record, name: dict(section), "schema": SCHEMA, "environment": self.environment}
            return json.dumps(record, sort_keys=True, indent=1).encode()

        self.bucket.update(self.key, change)


def _parse(body: bytes) -> dict[str, Any]:
    try:
        record = json.loads(body)
    except ValueError:
        return {}
    # A record that cannot be read costs one deploy that is not needed, and no more.
    return record if isinstance(record, dict) and record.get("schema") == SCHEMA else {}
