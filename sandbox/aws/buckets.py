"""The one set of R2 buckets, and their objects kept over a restart.

Moto holds the living objects; this module holds what R2 knows of a bucket and mirrors both to the home: an index per
bucket, a file per object. It knows nothing of HTTP. Multipart uploads that are not completed are not kept.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from sandbox.aws import backends
from sandbox.home import read_json, write_bytes, write_json
from sandbox.service import Bucket, BucketExistsError, BucketNotEmptyError, NoSuchBucketError


class Elsewhere(Protocol):
    """Where the objects of buckets live that Workers bind."""

    def holds(self, bucket: str) -> bool:
        """True when the objects of that bucket are there."""

    def occupied(self, bucket: str) -> bool:
        """True when there is at least one."""

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Any:
        """One S3 request; answers with `status`, `headers` and `body`."""


class MotoBuckets:
    """`service.Buckets` on moto's S3 backend; `elsewhere` has the objects that Workers can reach."""

    def __init__(self, folder: Path) -> None:
        self.lock = threading.RLock()
        self.elsewhere: Elsewhere | None = None
        self._file = folder / "buckets.json"
        self._objects = folder / "objects"
        self._known: dict[str, Bucket] = {}
        self._written: dict[str, dict[str, Any]] = {}
        self._restore()

    def create(
        self, name: str, *, location: str = "WEUR", storage_class: str = "Standard", jurisdiction: str = "default"
    ) -> Bucket:
        """Make a bucket."""
        with self.lock:
            if name in self._known:
                raise BucketExistsError(name)
            created_on = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
            bucket = Bucket(name, created_on, location, storage_class, jurisdiction)
            self._adopt(bucket)
            self._write_known()
            return bucket

    def get(self, name: str) -> Bucket:
        """One bucket."""
        with self.lock:
            if name not in self._known:
                raise NoSuchBucketError(name)
            return self._known[name]

    def list(self) -> list[Bucket]:
        """All, by name."""
        with self.lock:
            return sorted(self._known.values(), key=lambda bucket: bucket.name)

    def set_storage_class(self, name: str, storage_class: str) -> Bucket:
        """Change the class of new objects."""
        with self.lock:
            self._known[name] = replace(self.get(name), storage_class=storage_class)
            self._write_known()
            return self._known[name]

    def set_locks(self, name: str, rules: Sequence[Mapping[str, Any]]) -> None:
        """Replace the lock rules."""
        with self.lock:
            self._known[name] = replace(self.get(name), locks=tuple(rules))
            self._write_known()

    def written(self, name: str, key: str) -> datetime | None:
        """When an object was written, wherever it lives; None if there is none."""
        if self.elsewhere is not None and self.held_elsewhere(name):
            answer = self.elsewhere.request("HEAD", f"/{name}/{quote(key)}", {}, b"")
            stamp = next((value for header, value in answer.headers if header.lower() == "last-modified"), None)
            return parsedate_to_datetime(stamp) if answer.status == HTTPStatus.OK and stamp else None
        found = backends.s3().get_bucket(name).keys.get(key) if name in self._known else None
        return None if found is None else found.last_modified.replace(tzinfo=UTC)

    def remove(self, name: str, key: str) -> None:
        """Remove one object, wherever it lives."""
        with self.lock:
            if self.elsewhere is not None and self.held_elsewhere(name):
                self.elsewhere.request("DELETE", f"/{name}/{quote(key)}", {}, b"")
            elif key in backends.s3().get_bucket(name).keys:
                backends.s3().get_bucket(name).keys.pop(key)
                self.save(name)

    def delete(self, name: str) -> None:
        """Remove an empty bucket."""
        with self.lock:
            self.get(name)
            if backends.s3().get_bucket(name).keys or (self.elsewhere and self.elsewhere.occupied(name)):
                raise BucketNotEmptyError(name)
            backends.s3().delete_bucket(name)
            del self._known[name]
            self._write_known()
            self.save(name)

    def save(self, name: str) -> None:
        """Mirror the objects of one bucket to disk; called after each request that may have changed them."""
        with self.lock:
            folder = self._objects / name
            bucket = backends.s3().buckets.get(name)
            written = self._written.setdefault(name, {})
            living = dict(bucket.keys.items()) if bucket else {}
            if written == living:  # moto makes a new object for each write; equal means identical here
                return
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for key, item in living.items():
                if written.get(key) is not item:
                    write_bytes(folder / _file_name(key, item), item.value)
            keep = {_file_name(key, item) for key, item in living.items()}
            write_json(folder / "index.json", [_describe(key, item) for key, item in living.items()])
            for path in folder.iterdir():
                if path.name not in keep and path.name != "index.json":
                    path.unlink()
            self._written[name] = living
            if bucket is None:
                (folder / "index.json").unlink()
                folder.rmdir()
                del self._written[name]

    def clear(self) -> None:
        """Forget all buckets and objects."""
        with self.lock:
            backend = backends.s3()
            for name in list(self._known):
                for key in list(backend.buckets[name].keys):
                    backend.buckets[name].keys.pop(key)
                backend.delete_bucket(name)
                del self._known[name]
                self.save(name)
            self._write_known()

    def held_elsewhere(self, name: str) -> bool:
        """True when the objects of this bucket are not moto's."""
        return name in self._known and self.elsewhere is not None and self.elsewhere.holds(name)

    def move_out(self) -> None:
        """Hand over the objects of buckets that a Worker has bound in the meantime, so that it sees them."""
        with self.lock:
            for name in self._known:
                bucket = backends.s3().get_bucket(name)
                if not bucket.keys or self.elsewhere is None or not self.elsewhere.holds(name):
                    continue
                for key, item in list(bucket.keys.items()):
                    headers = {name.lower(): str(value) for name, value in item.metadata.items()}
                    self.elsewhere.request("PUT", f"/{name}/{quote(key)}", headers, item.value)
                    bucket.keys.pop(key)
                self.save(name)

    def _adopt(self, bucket: Bucket) -> None:
        backends.s3().create_bucket(bucket.name, backends.REGION)
        self._known[bucket.name] = bucket

    def _write_known(self) -> None:
        write_json(self._file, [asdict(bucket) for bucket in self._known.values()])

    def _restore(self) -> None:
        for entry in read_json(self._file) or []:
            bucket = Bucket(**entry)
            self._adopt(bucket)
            folder = self._objects / bucket.name
            for item in read_json(folder / "index.json") or []:
                _put_back(bucket.name, item, (folder / item["file"]).read_bytes())
            self._written[bucket.name] = dict(backends.s3().buckets[bucket.name].keys.items())


def _file_name(key: str, item: Any) -> str:
    """A new name for each content and each write, so that the index never points at bytes of another write."""
    return sha256(f"{key}\0{item.etag}\0{item.last_modified.isoformat()}".encode()).hexdigest()


def _describe(key: str, item: Any) -> dict[str, Any]:
    return {
        "key": key,
        "file": _file_name(key, item),
        "etag": item.etag.strip('"'),
        "modified": item.last_modified.isoformat(),
        "metadata": dict(item.metadata),
        "storage": item.storage_class,
        "checksum": [item.checksum_algorithm, item.checksum_value, item.checksum_type, item.checksum_parts],
    }


def _put_back(bucket: str, entry: dict[str, Any], value: bytes) -> None:
    key = backends.s3().put_object(bucket, entry["key"], value, storage=entry["storage"], etag=entry["etag"])
    key.last_modified = datetime.fromisoformat(entry["modified"])
    key.set_metadata(dict(entry["metadata"]))
    key.checksum_algorithm, key.checksum_value, key.checksum_type, key.checksum_parts = entry["checksum"]
