"""Tells the edge process what to serve. Knows the file and the reload request, not how Miniflare works.

A site is `{"worker", "hosts": [...], "routes": [...], "version", "modules": [{"name", "type", "path"}],
"main_module", "assets_dir" | None, "assets_config": {...}, "compatibility_date", "compatibility_flags",
"bindings": [raw], "crons": [...]}`; optional `"weight"` (percent) lets several versions of one worker share its hosts.
Files lie below `<home>/cloudflare/`.
"""

from __future__ import annotations

import json
import logging
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.home import Home, write_json

_log = logging.getLogger(__name__)
_RELOAD_SECONDS = 20.0


class Controller:
    """The sites of one sandbox; `publish` is what `Context.publish` calls."""

    def __init__(self, home: Home, address: str) -> None:
        self._path = home.folder("edge") / "sites.json"
        self._address = address
        self._lock = threading.Lock()

    def publish(self, sites: Sequence[Mapping[str, Any]]) -> None:
        """Serve exactly these sites; returns when they are live (while the edge starts, when they are on disk)."""
        with self._lock:
            write_json(self._path, {"schema": 1, "sites": list(sites)})
        request = urllib.request.Request(f"{self._address}/__sandbox/reload", method="POST")  # noqa: S310 - loopback http
        try:
            with urllib.request.urlopen(request, timeout=_RELOAD_SECONDS):  # noqa: S310
                pass
        except urllib.error.HTTPError as error:
            _log.error("the edge refused the sites: %s", error.read().decode(errors="replace"))
        except OSError:
            # Not up yet, or starting again: it reads the file when it starts.
            _log.info("the edge is not up; it will find the sites in its file")

    def sites(self) -> list[dict[str, Any]]:
        """What was published last."""
        try:
            return list(json.loads(self._path.read_bytes())["sites"])
        except FileNotFoundError:
            return []
