"""A bucket in memory, for steps that are tested without a service."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from deployer.adapters.aws import AwsAccess
from deployer.adapters.state import Bucket, Entry, Object
from deployer.steps.state_object import StateObject
from deployer.words import Named


@dataclass(frozen=True)
class MemoryBucket(Bucket):
    """Objects by key; an object's tag is its number. Threads may share it, as clients share a store."""

    access: AwsAccess = field(default_factory=lambda: AwsAccess(service="s3", region="auto"))
    name: str = "states"
    objects: dict[str, Object] = field(default_factory=dict)
    # The store's clock: a second for each write, and what a test lets pass.
    writes: list[str] = field(default_factory=list)
    passed: list[dt.timedelta] = field(default_factory=list)
    # Whether the bucket is still to be made: with something in it, it is.
    missing: list[bool] = field(default_factory=list)
    _turn: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def clock(self) -> dt.datetime | None:
        """What time it is for the store, if the bucket is there."""
        return None if self.missing else self._now()

    def _now(self) -> dt.datetime:
        return dt.datetime(2026, 11, 1, tzinfo=dt.UTC) + sum(self.passed, dt.timedelta(seconds=len(self.writes)))

    def wait(self, **time: float) -> None:
        """Let time pass: `wait(minutes=6)`."""
        self.passed.append(dt.timedelta(**time))

    def exists(self) -> bool:
        """It is, unless a test says otherwise."""
        return not self.missing

    def get(self, key: str) -> Object | None:
        """One object."""
        found = self.objects.get(key)
        return found and replace(found, age=self._now() - found.modified)

    def try_put(self, key: str, body: bytes, *, replaces: str | None) -> bool:
        """Write, if nobody else has."""
        self.require_own([key])
        with self._turn:
            found = self.objects.get(key)
            if (found.etag if found else None) != replaces:
                # Like the real one: our own write, sent again, has won.
                return found is not None and found.body == body
            self.objects[key] = self._written(key, body, str(int(replaces or 0) + 1))
            return True

    def _written(self, key: str, body: bytes, etag: str) -> Object:
        self.writes.append(key)
        return Object(body, etag, self._now())

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """In the order of the keys."""
        for key in sorted(key for key in self.objects if key.startswith(prefix)):
            yield Entry(key, len(self.objects[key].body), self.objects[key].modified)

    def delete(self, keys: list[str]) -> None:
        """Remove them."""
        self.require_own(keys)
        with self._turn:
            for key in keys:
                self.objects.pop(key, None)

    def put_json(self, key: str, value: Any) -> None:
        """An object as a test wants it, whatever was there."""
        self.objects[key] = self._written(key, json.dumps(value).encode(), "1")


def state_in(
    bucket: Bucket, environment: str = "development", stack: str = "site", *, target: str = "cloudflare"
) -> StateObject:
    """The state of a stack in a bucket."""
    return StateObject(bucket=bucket, named=Named(environment, target), stack=stack)


def terraform_state(
    *resources: tuple[str, dict[str, Any]], serial: int = 1, lineage: str = "5d1f2c3e-0000-4000-8000-000000000001"
) -> dict[str, Any]:
    """A state that holds these resources: type and attributes."""
    return {
        "version": 4,
        "serial": serial,
        "lineage": lineage,
        "outputs": {},
        "resources": [
            {"mode": "managed", "type": kind, "name": "this", "instances": [{"attributes": attributes}]}
            for kind, attributes in resources
        ],
    }
