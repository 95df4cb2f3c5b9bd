"""Looks for secret values wherever a run may leave them, in the forms in which tools repeat them.

The forms are worked out here anew and not taken from the deployer's redaction, which is what is being tested.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import time
import urllib.parse
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

_PAUSE = 0.01


def forms(value: str) -> set[bytes]:
    """The value raw, in base64 at each of the three alignments, URL- and JSON-escaped, and by its lines."""
    raw = value.encode()
    found = {raw, json.dumps(value)[1:-1].encode(), json.dumps(value, ensure_ascii=False)[1:-1].encode()}
    found |= {urllib.parse.quote(value, safe=safe).encode() for safe in ("", "/")}
    found |= {urllib.parse.quote_plus(value).encode(), json.dumps(json.dumps(value))[1:-1].encode()}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            # The first and last characters depend on what stands beside the value.
            found.add(encode(b"\0" * shift + raw).rstrip(b"=")[shift + 1 : -2])
    found |= {line.strip().encode() for line in value.splitlines()}
    return {form for form in found if len(form) >= 8}


@dataclass(frozen=True)
class Canary:
    """Values by a name that may be printed."""

    values: Mapping[str, str] = field(repr=False)

    def found_in(self, data: bytes | str) -> set[str]:
        """Names of the values that occur in `data`."""
        content = data.encode() if isinstance(data, str) else data
        return {name for name, value in self.values.items() if any(form in content for form in forms(value))}

    def found_below(self, folder: Path, *, but: Iterable[str] = ()) -> dict[str, set[str]]:
        """Files below `folder` that hold a value, also within archives; `but` names paths that are not looked at."""
        skipped = [folder / name for name in but]
        found = {}
        for path in _files(folder, skipped):
            names = set().union(*(self.found_in(part) for part in _parts(path)))
            if names:
                found[str(path.relative_to(folder))] = names
        return found


def _files(folder: Path, skipped: list[Path]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path in skipped or path.is_symlink():
            continue
        if path.is_dir():
            yield from _files(path, skipped)
        elif path.is_file():
            yield path


def _parts(path: Path) -> Iterator[bytes]:
    with contextlib.suppress(FileNotFoundError):
        yield path.read_bytes()
        if zipfile.is_zipfile(path):  # a saved plan
            with zipfile.ZipFile(path) as archive:
                yield from (archive.read(name) for name in archive.namelist())


@dataclass(frozen=True)
class Process:
    """A process as it was seen."""

    pid: int
    argv: tuple[str, ...]
    environment: bytes = field(repr=False)

    @property
    def program(self) -> str:
        """What it is to us: the tool that it runs."""
        words = " ".join(self.argv[:3])
        tools = {"terraform": "terraform", "wrangler.js": "wrangler", "convex/bin": "convex", "vite": "build"}
        return next((tool for mark, tool in tools.items() if mark in words), "other")


class Watch:
    """Looks at every process of the machine, many times a second, while the block runs."""

    def __init__(self) -> None:
        self.seen: set[Process] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.is_set():
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit():
                    with contextlib.suppress(OSError):
                        argv = tuple((entry / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1])
                        self.seen.add(Process(int(entry.name), argv, (entry / "environ").read_bytes()))
            time.sleep(_PAUSE)
