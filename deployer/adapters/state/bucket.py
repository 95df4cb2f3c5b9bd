"""One bucket on R2: whether it is there, and its objects with conditional writes.

It moves bytes. What a state file or a release record means is decided elsewhere.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deployer.adapters.aws import LOCKED, AwsAccess, boto_errors, error_code, is_refusal, locked, translate
from deployer.adapters.guard import Guard
from deployer.adapters.once import once
from deployer.errors import CredentialsRefused, DeployError, ServiceFailed

_SERVICE = "R2 (S3 API)"
_ABSENT = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound"})
_LOST_RACE = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})
_DELETE_AT_ONCE = 1000
_ATTEMPTS = 5
_LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Object:
    """An object's bytes and the tag by which a later write says which version it replaces.

    `age` is by the store's own clock, written against answered, so that no clock of ours can be wrong.
    """

    body: bytes
    etag: str
    modified: dt.datetime = _LONG_AGO
    age: dt.timedelta = dt.timedelta()


@dataclass(frozen=True)
class Entry:
    """An object in a listing."""

    key: str
    size: int
    modified: dt.datetime


@dataclass(frozen=True)
class Bucket:
    """The bucket `name`."""

    access: AwsAccess
    name: str
    # Asked before an object is written or removed.
    guard: Guard | None = field(default=None, repr=False, compare=False, kw_only=True)
    _seen: threading.Event = field(default_factory=threading.Event, init=False, repr=False, compare=False)
    _looking: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def place(self, key: str = "") -> str:
        """The bucket, or what lies in it at `key`, for people."""
        return f"bucket `{self.name}`{f', `{key}`' if key else ''}"

    def exists(self) -> bool:
        """Whether the bucket is there; one HEAD request, also of several steps that ask at once. It stays there."""
        with self._looking:
            if self._seen.is_set():
                return True
            try:
                self._client.head_bucket(Bucket=self.name)
            except boto_errors() as error:
                if error_code(error) in _ABSENT:
                    return False
                raise self._error(error) from None
            self._seen.set()
            return True

    def seen(self) -> None:
        """Take note that it is there: somebody has just read what lies in it."""
        self._seen.set()

    def clock(self) -> dt.datetime | None:
        """What time it is for the store, None if the bucket is not there; one HEAD request."""
        try:
            answer = self._client.head_bucket(Bucket=self.name)
        except boto_errors() as error:
            if error_code(error) in _ABSENT:
                return None
            raise self._error(error) from None
        return email.utils.parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])

    def now(self) -> dt.datetime:
        """The moment by the store's clock; by ours as long as there is no bucket, and nothing in it to compare with."""
        return self.clock() or dt.datetime.now(dt.UTC)

    def create(self, *, location: str) -> None:
        """Make the bucket. That it is there already, ours, is no error: a lost answer was repeated."""
        if self.guard is not None:
            self.guard.shared(self.name)
        try:
            self._client.create_bucket(Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": location})
        except boto_errors() as error:
            if error_code(error) != "BucketAlreadyOwnedByYou":
                raise self._error(error) from None

    def get(self, key: str) -> Object | None:
        """An object, or None if it, or the bucket, does not exist."""
        try:
            answer = self._client.get_object(Bucket=self.name, Key=key)
            modified, now = answer["LastModified"], answer["ResponseMetadata"]["HTTPHeaders"]["date"]
            age = email.utils.parsedate_to_datetime(now) - modified
            return Object(answer["Body"].read(), answer["ETag"], modified, age)
        except boto_errors() as error:
            if error_code(error) in _ABSENT:
                return None
            raise self._error(error, key) from None

    def put(self, key: str, body: bytes, *, replaces: str | None) -> None:
        """Like `try_put`, for those to whom a lost race is an error."""
        if not self.try_put(key, body, replaces=replaces):
            raise ServiceFailed(
                "somebody else has written this object at the same time",
                place=self.place(key),
                hint="run the same command again; it goes on from here",
            )

    def update(self, key: str, change: Callable[[bytes | None], bytes]) -> None:
        """Replace what is there (None: nothing) by what `change` makes of it, in spite of others who do the same."""
        for _ in range(_ATTEMPTS):
            found = self.get(key)
            body = change(found.body if found else None)
            if self.try_put(key, body, replaces=found.etag if found else None):
                return
        raise ServiceFailed(
            "this object is being written by somebody else all the time",
            place=self.place(key),
            hint="run the same command again; it goes on from here",
        )

    def try_put(self, key: str, body: bytes, *, replaces: str | None) -> bool:
        """Write an object if it still is the version `replaces` (None: if there is none yet); False if it is not."""
        self.require_own([key])
        condition = {"IfNoneMatch": "*"} if replaces is None else {"IfMatch": replaces}
        try:
            self._client.put_object(Bucket=self.name, Key=key, Body=body, ContentType="application/json", **condition)
        except boto_errors() as error:
            code = error_code(error)
            if code == "NoSuchBucket":
                raise ServiceFailed(
                    "the state bucket is not there",
                    place=self.place(key),
                    hint="`inv state.bootstrap` makes it (on the sandbox with `--sandbox`), as does the first deploy",
                ) from None
            # What is to be replaced and is gone was removed by somebody else: that race is lost as well.
            gone = replaces is not None and code == "NoSuchKey"
            if code in _LOST_RACE or gone or (replaces is None and code == LOCKED):
                # When an answer was lost, the client has sent the request twice, and the first one won.
                found = self.get(key)
                return found is not None and found.body == body
            raise self._error(error, key) from None
        return True

    def list_keys(self, prefix: str = "") -> Iterator[str]:
        """The keys of all objects below `prefix`; none if the bucket does not exist."""
        return (entry.key for entry in self.entries(prefix))

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """All objects below `prefix`, in the order of their keys; none if the bucket does not exist."""
        try:
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix):
                for entry in page.get("Contents", ()):
                    yield Entry(entry["Key"], entry["Size"], entry["LastModified"])
        except boto_errors() as error:
            if error_code(error) not in _ABSENT:
                raise self._error(error, prefix) from None

    def delete(self, keys: list[str]) -> None:
        """Remove these objects; one that is gone already is no error."""
        self.require_own(keys)
        for start in range(0, len(keys), _DELETE_AT_ONCE):
            batch = [{"Key": key} for key in keys[start : start + _DELETE_AT_ONCE]]
            try:
                answer = self._client.delete_objects(Bucket=self.name, Delete={"Objects": batch, "Quiet": True})
            except boto_errors() as error:
                raise self._error(error, keys[start]) from None
            self._check_deleted(answer.get("Errors") or [])

    def require_own(self, keys: Sequence[str]) -> None:
        """Refuse to change objects that are not this run's."""
        if self.guard is not None:
            for key in keys:
                self.guard.key(self.name, key)

    def _check_deleted(self, errors: Sequence[Mapping[str, str]]) -> None:
        """The service answers 200 also when it has refused some of the objects."""
        refused = [error for error in errors if error.get("Code") not in _ABSENT]
        if not refused:
            return
        place = self.place(refused[0].get("Key") or "")
        if all(error.get("Code") == LOCKED for error in refused):
            raise locked(place)
        codes = ", ".join(sorted({error.get("Code") or "no code" for error in refused}))
        kind = CredentialsRefused if any(is_refusal(error.get("Code") or "") for error in refused) else ServiceFailed
        raise kind(
            f"{_SERVICE} did not delete {len(refused)} object{'s' if len(refused) > 1 else ''} ({codes})",
            place=place,
            hint="docs/guide/credentials.md says what the key must be allowed to do; then run the same command again",
        )

    @once
    def _client(self) -> Any:
        return self.access.client()

    def _error(self, error: Exception, key: str = "") -> DeployError:
        return translate(error, service=_SERVICE, place=self.place(key))
