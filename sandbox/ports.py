"""Loopback ports, chosen once and kept: built pages contain the backend's address, so a restart must not move it."""

from __future__ import annotations

import random
import socket
import threading
from pathlib import Path

from sandbox.errors import PortInUseError
from sandbox.home import read_json, write_json
from sandbox.process import holder_of_port

HOST = "127.0.0.1"


class Ports:
    """Port numbers by name (`cloudflare`, `edge`, `convex/brisk-otter-482`, ...)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._known: dict[str, int] = read_json(path) or {}

    def fix(self, wishes: dict[str, int]) -> None:
        """Remember the ports that somebody asked for; 0 asks for another free one."""
        with self._lock:
            self._known.update({name: port or _free(set(self._known.values())) for name, port in wishes.items()})
            write_json(self._path, self._known)

    def get(self, name: str) -> int:
        """The port of that name; a free one is chosen the first time and remembered."""
        with self._lock:
            if name not in self._known:
                self._known[name] = _free(set(self._known.values()))
                write_json(self._path, self._known)
            return self._known[name]

    def known(self) -> dict[str, int]:
        """All ports that have been given out."""
        with self._lock:
            return dict(self._known)

    def forget(self, name: str) -> None:
        """Give a port back (a deployment was deleted)."""
        with self._lock:
            if self._known.pop(name, None) is not None:
                write_json(self._path, self._known)


def require_free(name: str, port: int) -> None:
    """Fail with who holds the port before anything is started on it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise PortInUseError(
                f"port {port} of `{name}` is in use by {holder_of_port(port)}",
                f"end that process, or choose another port: `inv sandbox.up --port {name}=0`",
            ) from None


def _free(taken: set[int]) -> int:
    # Below the ephemeral ranges of Linux and macOS: while the sandbox is down, no outgoing connection takes the number.
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311 - not a secret
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        if port not in taken:
            return port
