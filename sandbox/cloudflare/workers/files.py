"""The files of Workers on disk: modules and assets, each stored once under its digest; asset folders for the edge.

Written by rename, so what carries a digest's name is complete. Knows nothing of versions or requests.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from sandbox.cloudflare.answers import Refusal, compact
from sandbox.home import write_bytes

Manifest = Mapping[str, Mapping[str, Any]]  # path -> {"hash", "size"}
_LONGEST_NAME = 255  # bytes, of every file system
_HASH = re.compile(r"[0-9A-Za-z_-]{8,128}")


class Files:
    """The folder of one sandbox's Cloudflare stand-in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put_module(self, content: bytes) -> str:
        """Keep a module's bytes; returns their digest."""
        name = sha256(content).hexdigest()
        self._write("modules", name, content)
        return name

    def module(self, name: str) -> Path:
        """Where a module lies."""
        return self._folder / "modules" / name

    def has_blob(self, name: str) -> bool:
        """True when the asset with that hash is here."""
        return (self._folder / "blobs" / name).is_file()

    def put_blob(self, name: str, content: bytes) -> None:
        """Keep an asset under the hash that its client computed; each client has its own, so it is not checked."""
        self._write("blobs", name, content)

    def put_manifest(self, manifest: Manifest) -> str:
        """Keep a manifest; returns its digest."""
        ordered = {path: {"hash": entry["hash"], "size": entry["size"]} for path, entry in sorted(manifest.items())}
        content = compact(ordered)
        name = sha256(content).hexdigest()
        self._write("manifests", name, content)
        return name

    def manifest(self, name: str) -> Manifest:
        """A kept manifest."""
        loaded: Manifest = json.loads((self._folder / "manifests" / name).read_bytes())
        return loaded

    def assets_folder(self, manifest_name: str) -> Path:
        """The assets of a manifest laid out as files; made once."""
        target = self._folder / "assets" / manifest_name
        if target.is_dir():
            return target
        building = target.with_name(f".{uuid.uuid4().hex}")
        try:
            for path, entry in self.manifest(manifest_name).items():
                file = building.joinpath(*_segments(path))
                file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                # A link costs nothing; blobs are never changed in place.
                os.link(self._folder / "blobs" / str(entry["hash"]), file)
            with contextlib.suppress(OSError):  # somebody else was quicker
                building.rename(target)
        finally:
            shutil.rmtree(building, ignore_errors=True)
        if not target.is_dir():
            raise OSError(f"the assets cannot be laid out in {target}")
        return target

    def _write(self, kind: str, name: str, content: bytes) -> None:
        path = self._folder / kind / name
        if not path.is_file():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_bytes(path, content)


def checked_manifest(raw: Any) -> Manifest:
    """A manifest as a client sent it, refused when a path or hash could leave its folder or a size is missing."""
    if not isinstance(raw, Mapping) or not raw:
        raise Refusal(400, 10021, "the manifest of assets is empty or not an object")
    _check_tree([_segments(str(path)) for path in raw])
    for path, entry in raw.items():
        fits = isinstance(entry, Mapping) and isinstance(entry.get("hash"), str) and isinstance(entry.get("size"), int)
        if not fits or not _HASH.fullmatch(entry["hash"]):
            raise Refusal(400, 10021, f"the manifest entry of {path} needs `hash` and `size`")
    return raw


def _check_tree(files: Sequence[tuple[str, ...]]) -> None:
    """Refuse what cannot lie side by side: one file twice, or a file where another needs a folder."""
    known = set(files)
    for file in files:
        if any(file[:length] in known for length in range(1, len(file))):
            raise Refusal(400, 10021, f"a folder on the way to the asset `/{'/'.join(file)}` is an asset itself")
    if len(known) != len(files):
        raise Refusal(400, 10021, "the manifest of assets has one path twice, written in different ways")


def _segments(path: str) -> tuple[str, ...]:
    """The parts of an asset's path. Wrangler escapes them, the Terraform provider does not."""
    plain = unquote(path)
    segments = PurePosixPath(plain).parts
    if not plain.startswith("/") or ".." in segments or "\0" in plain or len(segments) < 2 or _too_long(segments):
        raise Refusal(400, 10021, f"`{path}` is not the path of an asset")
    return segments[1:]


def _too_long(segments: Sequence[str]) -> bool:
    return any(len(segment.encode()) > _LONGEST_NAME for segment in segments)
