"""Secret values of the sandbox: invented once, random, kept in the home, never logged.

They survive `reset` too, so that a shell that exported them stays valid.
"""

from __future__ import annotations

import secrets
import threading
from pathlib import Path

from sandbox.home import read_json, write_json
from sandbox.seed import Reference


class Vault:
    """Values by environment variable name, and by AWS secret id and JSON key."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        stored = read_json(path) or {}
        self._environment: dict[str, str] = stored.get("environment", {})
        self._documents: dict[str, dict[str, str]] = stored.get("aws", {})

    def environment(self) -> dict[str, str]:
        """Every variable that has a value."""
        with self._lock:
            return dict(self._environment)

    def document(self, secret_id: str) -> dict[str, str]:
        """The JSON keys of one AWS secret."""
        with self._lock:
            return dict(self._documents.get(secret_id, {}))

    def documents(self) -> dict[str, dict[str, str]]:
        """All AWS secrets that have been seeded or assigned."""
        with self._lock:
            return {name: dict(keys) for name, keys in self._documents.items()}

    def value(self, reference: Reference) -> str | None:
        """What a client that follows the reference finds."""
        with self._lock:
            if reference.env is not None:
                return self._environment.get(reference.env)
            return self._documents.get(reference.aws or "", {}).get(reference.key or "")

    def assign(self, reference: Reference, value: str) -> None:
        """Put a value that has a form of its own (a deploy key) behind a reference."""
        with self._lock:
            if self.value(reference) == value:
                return
            if reference.env is not None:
                self._environment[reference.env] = value
            else:
                self._documents.setdefault(reference.aws or "", {})[reference.key or ""] = value
            write_json(self._path, {"environment": self._environment, "aws": self._documents})

    def invent(self, reference: Reference) -> str:
        """The value behind the reference, made up at random the first time."""
        with self._lock:
            known = self.value(reference)
            if known is None:
                known = secrets.token_urlsafe(32)
                self.assign(reference, known)
            return known
