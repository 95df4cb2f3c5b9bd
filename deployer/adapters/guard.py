"""The last door before something is written: what adapters ask whether this run may write what bears this name.

Adapters know how a service is told what to change, and so by which name a thing goes. Which names belong to a run is
decided above them and handed in. Reading is never asked about.
"""

from __future__ import annotations

from typing import Protocol


class Guard(Protocol):
    """Refuses with a GuardRefused; an adapter without one may write everything."""

    def thing(self, what: str, name: str | None, *, place: str) -> None:
        """Whether a thing with this name may be made, changed or removed; None is one whose name nobody knows."""

    def key(self, bucket: str, key: str) -> None:
        """Whether an object may be written or removed."""

    def shared(self, bucket: str) -> None:
        """Whether this bucket may be made: the run's own, or the one that all share."""

    def credential(self, kind: str, *, place: str) -> None:
        """Whether a Convex key of this kind (`prod`, `dev`, `preview`) may be written with."""
