"""A sandbox of its own for a test module: started in a temporary home, ended without leftovers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import lifecycle
from sandbox.home import Home


@dataclass
class Running:
    """A sandbox that answers."""

    home: Home

    @property
    def connection(self) -> dict[str, Any]:
        """What clients are told."""
        return dict(json.loads(self.home.connection.read_bytes()))

    @property
    def environment(self) -> dict[str, str]:
        """The variables that clients need."""
        return dict(self.connection["environment"])

    def url(self, service: str) -> str:
        """Where a service answers."""
        return str(self.connection["services"][service])

    def control(self, method: str, path: str, value: Any = None) -> Any:
        """One control request."""
        return lifecycle.call(self.home, method, path, None if value is None else json.dumps(value).encode())

    def requests(self) -> list[dict[str, Any]]:
        """The request log since the last reset."""
        return list(self.control("GET", "/requests")["requests"])

    def restart(self, only: Sequence[str] = ()) -> None:
        """Down and up again."""
        lifecycle.down(self.home)
        lifecycle.up(self.home, only=only)


@contextmanager
def running_sandbox(folder: Path, *, only: Sequence[str] = (), seed: Any = None) -> Iterator[Running]:
    """Up, and down whatever happens."""
    home = Home.at(folder)
    lifecycle.up(home, seed_text=None if seed is None else json.dumps(seed), only=only)
    try:
        yield Running(home)
    finally:
        lifecycle.down(home)
