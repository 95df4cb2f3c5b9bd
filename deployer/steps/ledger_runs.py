"""What the entries of a ledger mean together: runs, each opened and, unless it is at work or was cut off, closed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from deployer.steps.ledger import CLOSED, Entry, Ledger

_FIRST_LOOK: Final = 16
# So many entries are looked through for one run.
_FAR: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run. `closed` is None as long as nobody has said how it ended."""

    opened: Entry
    closed: Entry | None = None

    @property
    def number(self) -> int:
        """By which people call it: the number of the entry that it opened."""
        return self.opened.sequence

    @property
    def outcome(self) -> str:
        """ok, failed, interrupted or killed; open while it is at work, unreadable where the entry is damaged."""
        if self.closed is None:
            return "open" if self.opened.body else "unreadable"
        return str(self.closed.body.get("outcome") or "unreadable")

    @property
    def plan(self) -> Mapping[str, Any]:
        """The reviewed plan that it applied: id and digest; empty for a run without one."""
        return dict(self.opened.body.get("plan") or {})

    def document(self) -> dict[str, Any]:
        """All that is known of it, in the words of its entries."""
        left_out = {"schema", "environment", "sequence", "previous", "event", "time", "opened", "run"}
        ended = {} if self.closed is None else self.closed.body
        return {
            "number": self.number,
            "run": self.opened.run,
            "opened": self.opened.body.get("time"),
            "closed": ended.get("time"),
            **{key: value for key, value in self.opened.body.items() if key not in left_out},
            "outcome": self.outcome,
            **{key: value for key, value in ended.items() if key not in left_out},
        }


def join(entries: Iterable[Entry]) -> list[Run]:
    """The runs that these entries tell of, in order; a closing entry whose opening one is not among them tells none."""
    runs: dict[int, Run] = {}
    for entry in entries:
        if entry.body.get("event") != CLOSED:
            runs[entry.sequence] = Run(opened=entry)
            continue
        opened = entry.body.get("opened")
        if isinstance(opened, int) and opened in runs and runs[opened].closed is None:
            runs[opened] = Run(opened=runs[opened].opened, closed=entry)
    return list(runs.values())


def last_runs(ledger: Ledger, limit: int) -> list[Run]:
    """The last `limit` runs (0: all), oldest first; of a long ledger only its end is read."""
    sequences = ledger.sequences()
    # A run has at most two entries; one more, so that the first of them is not half of one.
    wanted = sequences[-(2 * limit + 1) :] if limit else sequences
    return join(ledger.entries(wanted))[-limit:]


def runs_since(ledger: Ledger, moment: dt.datetime) -> list[Run]:
    """The runs since `moment`, oldest first, and those of the day before it: the clocks that wrote them may differ."""
    limit, earliest = _FIRST_LOOK, moment - dt.timedelta(days=1)
    while True:
        runs = last_runs(ledger, limit)
        if len(runs) < limit or _began(runs[0]) < earliest:
            return [run for run in runs if _began(run) >= earliest]
        limit *= 4


def _began(run: Run) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(str(run.opened.body["time"]))
    except (KeyError, ValueError):
        # An entry that cannot be read might be from any time.
        return dt.datetime.max.replace(tzinfo=dt.UTC)


def is_over(ledger: Ledger, run: str) -> bool:
    """Whether the ledger has the end of this run; what is long ago is not looked for."""
    for sequence in reversed(ledger.sequences()[-_FAR:]):
        entry = ledger.entry(sequence)
        if entry is not None and entry.run == run:
            return entry.body.get("event") == CLOSED and not (entry.body.get("closed_by") or {}).get("forced")
    return False
