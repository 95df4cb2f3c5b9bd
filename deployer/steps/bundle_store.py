"""Plan bundles in the state bucket, each below a prefix of its own: whole, or known not to be.

Every object is written once and never again; the manifest is the last one, so that a bundle whose upload was cut off
is known by not having one. Who may read the bucket may read the private files too: they hold no more than the states.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from deployer.adapters.files import disk_errors, write_private_bytes
from deployer.adapters.state import Bucket
from deployer.errors import PlanUnusable
from deployer.review.manifest import APPROVALS, FILE_NAME, Manifest
from deployer.steps.bundle import Bundle, parse_manifest, read_bundle

PREFIX: Final = "plans/"
_ID: Final = re.compile(r"([a-z0-9][a-z0-9-]*)-(\d{8}T\d{6}Z)-[0-9a-f]{12}")


def is_id(text: str) -> bool:
    """Whether this is the name of a stored bundle rather than a folder."""
    return _ID.fullmatch(text) is not None


def environment_of(identifier: str) -> str:
    """The environment that a bundle of this name is for; what its manifest says decides."""
    found = _ID.fullmatch(identifier)
    return found.group(1) if found else ""


def _made(identifier: str) -> str:
    found = _ID.fullmatch(identifier)
    return found.group(2) if found else ""


@dataclass(frozen=True, kw_only=True)
class StoredPlan:
    """What a stored bundle says of itself, and who has put an approval beside it (not whether that counts)."""

    manifest: Manifest
    signed: tuple[str, ...]


@dataclass(frozen=True)
class PlanStore:
    """The stored bundles of all environments."""

    bucket: Bucket

    def place(self, identifier: str) -> str:
        """Where a bundle lies, for people."""
        return self.bucket.place(f"{PREFIX}{identifier}/")

    def newest(self, limit: int, *, wanted: Callable[[Manifest], bool], say: Callable[[str], None]) -> list[StoredPlan]:
        """The last `limit` whole bundles (0: all) that are wanted, the newest first; one that is unreadable is said."""
        files: dict[str, list[str]] = {}
        for key in self.bucket.list_keys(PREFIX):
            identifier, _, name = key.removeprefix(PREFIX).partition("/")
            if is_id(identifier):
                files.setdefault(identifier, []).append(name)
        found: list[StoredPlan] = []
        # The moment in the name: reading all manifests to sort a few would take a request for each.
        for identifier in sorted(files, key=lambda each: (_made(each), each), reverse=True):
            if FILE_NAME not in files[identifier]:
                continue
            stored = self.bucket.get(f"{PREFIX}{identifier}/{FILE_NAME}")
            if stored is None:
                continue
            try:
                manifest = parse_manifest(stored.body, place=self.place(identifier))
            except PlanUnusable as error:
                # One that somebody has damaged must not hide all others.
                say(f"note: plan `{identifier}` is left out: {error.message}")
                continue
            if wanted(manifest):
                approvals = (PurePosixPath(name) for name in files[identifier] if name.startswith(f"{APPROVALS}/"))
                signed = tuple(sorted(path.stem for path in approvals if len(path.parts) == 2))
                found.append(StoredPlan(manifest=manifest, signed=signed))
            if limit and len(found) == limit:
                break
        return found

    def put(self, bundle: Bundle) -> None:
        """Store a bundle; what is there already with the same content is left alone."""
        for name, body in bundle.contents():
            self.bucket.put(f"{PREFIX}{bundle.manifest.id}/{name}", body, replaces=None)

    def fetch(self, identifier: str, folder: Path) -> Bundle:
        """Bring a bundle into `folder`, with its approvals, and read it."""
        found = self.bucket.get(f"{PREFIX}{identifier}/{FILE_NAME}")
        if found is None:
            raise PlanUnusable(
                f"there is no stored plan `{identifier}`",
                place=self.place(identifier),
                hint="`inv plan --env NAME --store` stores one and prints its id",
            )
        manifest = parse_manifest(found.body, place=self.place(identifier))
        files = {name: self._part(identifier, name, digest) for name, digest in manifest.files.items()}
        files |= {f"{APPROVALS}/{name}": body for name, body in self.approvals(identifier).items()}
        files[FILE_NAME] = found.body
        # File by file, since another run of this checkout may have the same folder open.
        with disk_errors(folder):
            for path in folder.rglob("*"):
                # Nothing of an earlier time counts: an approval may have been withdrawn.
                if path.relative_to(folder).as_posix() not in files and path.is_file() and path.name[0] != ".":
                    path.unlink(missing_ok=True)
        for name, body in files.items():
            write_private_bytes(folder / name, body)
        return read_bundle(folder)

    def _part(self, identifier: str, name: str, digest: str) -> bytes:
        part = self.bucket.get(f"{PREFIX}{identifier}/{name}")
        if part is None or hashlib.sha256(part.body).hexdigest() != digest:
            state = "is missing" if part is None else "is not the file that was stored"
            raise PlanUnusable(
                f"`{name}` of the stored plan {state}", place=self.place(identifier), hint="plan again: `inv plan`"
            )
        return part.body

    def approvals(self, identifier: str) -> Mapping[str, bytes]:
        """The approvals of a bundle, by file name."""
        prefix = f"{PREFIX}{identifier}/{APPROVALS}/"
        found = {key.removeprefix(prefix): self.bucket.get(key) for key in self.bucket.list_keys(prefix)}
        return {name: each.body for name, each in found.items() if each is not None and "/" not in name}

    def add_approval(self, identifier: str, name: str, body: bytes) -> bool:
        """Store an approval; False if this person's is there already."""
        return self.bucket.try_put(f"{PREFIX}{identifier}/{APPROVALS}/{name}", body, replaces=None)
