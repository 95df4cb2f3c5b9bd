"""The request log: one line per request of every service, never a body, never a secret value.

Each process appends to an NDJSON file of its own; readers merge them. A line is written before the answer leaves, so a
client that has its answer finds its request in the log.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator, MutableMapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.home import Home

# Query parameters that grant access: presigned S3 addresses and tokens in addresses.
_GRANTING = re.compile(
    r"(?i)([?&](?:x-amz-signature|x-amz-credential|x-amz-security-token|[a-z_]*token|[a-z_]*key|jwt)=)[^&]*"
)
_READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Entry:
    """One request. `status` 0 means that no answer was sent (a connection cut on purpose)."""

    time: str
    service: str
    method: str
    path: str
    status: int
    client: str
    mutating: bool
    unknown: bool


def now() -> str:
    """RFC 3339 with microseconds, UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def redact(path: str) -> str:
    """The path with its query, access-granting parameters masked."""
    return _GRANTING.sub(r"\1***", path)


def reads_only(method: str) -> bool:
    """What the method alone says about changing anything."""
    return method.upper() in _READING_METHODS


def mark(environ: MutableMapping[str, Any], *, mutating: bool | None = None, unknown: bool | None = None) -> None:
    """Called by a service while it handles a request: a POST that only reads, a route that nobody knows."""
    if mutating is not None:
        environ["sandbox.mutating"] = mutating
    if unknown is not None:
        environ["sandbox.unknown"] = unknown


class RequestLog:
    """The file of this process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._descriptor: int | None = None

    def write(self, entry: Entry) -> None:
        """Append one line."""
        line = (json.dumps(asdict(entry), separators=(",", ":"), ensure_ascii=False) + "\n").encode()
        with self._lock:
            if self._descriptor is None:
                self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.write(self._descriptor, line)

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None


def read(home: Home, *, unknown_only: bool = False) -> list[dict[str, Any]]:
    """All requests since the last reset, oldest first."""
    entries = [entry for path in sorted(home.folder("requests").glob("*.ndjson")) for entry in _lines(path)]
    entries.sort(key=lambda entry: str(entry["time"]))
    return [entry for entry in entries if entry.get("unknown") or not unknown_only]


def clear(home: Home) -> None:
    """Begin anew. The files are emptied in place, because other processes hold them open for appending."""
    for path in home.folder("requests").glob("*.ndjson"):
        os.truncate(path, 0)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8", errors="replace") as stream:
        for line in stream:
            try:
                yield json.loads(line)
            except ValueError:
                continue  # the last line of a process that was killed while writing
