"""The objects of a stand-in: tables of JSON objects in one document, with changes that can be taken back.

Objects are never changed in place: who wants another value puts a new object. So a refused request leaves nothing
half-done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sandbox.store import Snapshot

Body = Mapping[str, Any]


class Tables:
    """Tables by kind, objects by scope (an account, a zone, a pull request) and id, in order of making."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._undo: list[tuple[str, str, Body | None]] | None = None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside happen, or none. One at a time."""
        with self._snapshot.lock:
            self._undo = []
            try:
                yield
            except BaseException:
                for kind, key, before in reversed(self._undo):
                    self._set(kind, key, before)
                raise
            finally:
                self._undo = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Nothing changes inside."""
        with self._snapshot.lock:
            yield

    def flush(self) -> None:
        """Write what changed to disk."""
        self._snapshot.flush()

    def clear(self) -> None:
        """Forget everything."""
        self._snapshot.clear()

    def get(self, kind: str, scope: str, identifier: str) -> Body | None:
        """One object; not to be changed in place."""
        found: Body | None = self._table(kind).get(f"{scope}/{identifier}")
        return found

    def put(self, kind: str, scope: str, identifier: str, body: Body) -> None:
        """Add or replace; a replaced object keeps its place in the order."""
        self._change(kind, f"{scope}/{identifier}", body)

    def delete(self, kind: str, scope: str, identifier: str) -> None:
        """Remove, if it is there."""
        self._change(kind, f"{scope}/{identifier}", None)

    def all(self, kind: str, scope: str) -> list[Body]:
        """All of one scope, oldest first."""
        start = f"{scope}/"
        return [body for key, body in self._table(kind).items() if key.startswith(start)]

    def scopes(self, kind: str) -> list[tuple[str, Body]]:
        """All objects of a kind with their scope."""
        return [(key.rpartition("/")[0], body) for key, body in self._table(kind).items()]

    def delete_scope(self, scope: str) -> None:
        """Remove every object, of whatever kind, that belongs to a scope."""
        start = f"{scope}/"
        for kind in list(self._snapshot.data):
            for key in [key for key in self._table(kind) if key.startswith(start)]:
                self._change(kind, key, None)

    def _table(self, kind: str) -> dict[str, Body]:
        table: dict[str, Body] = self._snapshot.data.setdefault(kind, {})
        return table

    def _change(self, kind: str, key: str, body: Body | None) -> None:
        if self._undo is None:
            raise RuntimeError("state changes need a transaction")
        self._undo.append((kind, key, self._table(kind).get(key)))
        self._set(kind, key, body)

    def _set(self, kind: str, key: str, body: Body | None) -> None:
        table = self._table(kind)
        if body is None:
            table.pop(key, None)
        else:
            table[key] = body
        self._snapshot.changed()
