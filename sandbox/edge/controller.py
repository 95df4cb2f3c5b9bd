"""Tells the edge process what to serve. Knows the file and the reload request, not how Miniflare works.

A site is `{"worker", "hosts": [...], "routes": [...], "version", "modules": [{"name", "type", "path"}],
"main_module", "assets_dir" | None, "assets_config": {...}, "compatibility_date", "compatibility_flags",
"bindings": [raw], "crons": [...]}`; optional `"weight"` (percent) lets several versions of one worker share its hosts.
Files lie below `<home>/cloudflare/`.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from sandbox import loopback
from sandbox.home import Home, read_json, write_json

_log = logging.getLogger(__name__)
_RELOAD_SECONDS = 20.0


class Controller:
    """The sites of one sandbox; `publish` is what `Context.publish` calls."""

    def __init__(self, home: Home, address: str, on_live: Callable[[], None] = lambda: None) -> None:
        self._folder = home.folder("edge")
        self._path = self._folder / "sites.json"
        self._address = address
        self._on_live = on_live
        self._lock = threading.Lock()

    def publish(self, sites: Sequence[Mapping[str, Any]]) -> None:
        """Serve exactly these sites; returns when they are live (while the edge starts, when they are on disk)."""
        self._write(sites)
        if self._ask("POST", "/__sandbox/reload") is not None:
            self._on_live()

    def clear(self) -> None:
        """Serve nothing, and forget what Workers stored."""
        self._write([])
        (self._folder / "buckets.json").unlink(missing_ok=True)
        if self._ask("POST", "/__sandbox/clear") is None:
            shutil.rmtree(self._folder / "data", ignore_errors=True)

    def sites(self) -> list[dict[str, Any]]:
        """What was published last."""
        return list((read_json(self._path) or {"sites": []})["sites"])

    def _write(self, sites: Sequence[Mapping[str, Any]]) -> None:
        with self._lock:
            write_json(self._path, {"schema": 1, "sites": list(sites)})

    def _ask(self, method: str, path: str) -> Any:
        """One request to the edge process; None while it is not there (it reads the files when it starts)."""
        try:
            answer = loopback.ask(method, self._address + path, timeout=_RELOAD_SECONDS)
        except OSError:
            _log.info("the edge is not up; it will find the sites in its file")
            return None
        if answer.status != HTTPStatus.OK:
            _log.error("the edge refused `%s`: %s", path, answer.body.decode(errors="replace"))
            return {}
        return json.loads(answer.body)
