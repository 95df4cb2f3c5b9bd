"""A service's memory: one JSON document in RAM, written to its folder after each change.

Knows nothing of HTTP. Written by rename and not fsynced: that survives kill -9 of any process, and costs about a
millisecond. Large bodies (modules, assets, objects) do not belong into the document; put them into files beside it,
named by digest.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.home import read_json, write_json


class Snapshot:
    """`data` is the document. Change it under `lock` and call `changed()`; the core's `flush()` writes it."""

    def __init__(self, path: Path, empty: Callable[[], dict[str, Any]] = dict) -> None:
        self.lock = threading.RLock()
        self._path = path
        self._empty = empty
        self._dirty = False
        self.data: dict[str, Any] = read_json(path) or empty()

    def changed(self) -> None:
        """Remember that the document differs from the file."""
        self._dirty = True

    def flush(self) -> None:
        """Write the document if it changed since the last time."""
        with self.lock:
            if self._dirty:
                write_json(self._path, self.data)
                self._dirty = False

    def clear(self) -> None:
        """Forget everything, on disk too."""
        with self.lock:
            self.data = self._empty()
            self._dirty = True
            self.flush()
