"""One line of the table in docs/benchmarks.md."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """A figure beside its bar."""

    what: str
    ours: str
    theirs: str
    result: str
    bar: str
    met: bool
