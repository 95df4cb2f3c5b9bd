"""What Cloudflare's API knows of an R2 bucket and its S3 interface does not: the location, lifecycle and lock rules.

Rules of one kind are read and written as a whole list, without a condition: whoever writes has to have read just
before. What the rules should be is not known here.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from deployer.adapters.cloudflare.api import CloudflareApi

RuleKind = Literal["lifecycle", "lock"]
Rule = Mapping[str, Any]


@dataclass(frozen=True)
class BucketSettings:
    """The settings of one bucket."""

    api: CloudflareApi
    bucket: str

    def location(self) -> str | None:
        """Where it lies, in small letters (`weur`); None if there is no such bucket or Cloudflare does not say."""
        found = self.api.get(self._path) or {}
        return str(found["location"]).lower() if found.get("location") else None

    def rules(self, kind: RuleKind) -> tuple[Rule, ...]:
        """All rules of one kind, in their order; none if there is no such bucket."""
        found = self.api.get(f"{self._path}/{kind}") or {}
        return tuple(found.get("rules") or ())

    def write_rules(self, kind: RuleKind, rules: Sequence[Rule]) -> None:
        """Replace all rules of one kind."""
        self.api.put(f"{self._path}/{kind}", {"rules": list(rules)})

    @property
    def _path(self) -> str:
        return f"/accounts/{self.api.account}/r2/buckets/{urllib.parse.quote(self.bucket, safe='')}"
