"""The release ledger of one environment: what was done to it, by whom and how that ended; and by that its lock.

Entries are objects that are only ever created, one after the other, each with the digest of the one before. A run opens
before the first thing it changes and closes at its end, so an entry `opened` that is the last one is the lock: whoever
opens has seen the one before closed, and of two that try the same number one is refused by the store. A second object,
the head, says how far the ledger goes, so that a tail that was cut off is missed. It is written after the entry and may
lag behind when somebody was killed in between; it never runs ahead.

This module stores and finds. What entries mean together is in `ledger_runs`, whether they fit in `ledger_check`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import NoneType
from typing import Any, Final

from deployer.adapters.state import Bucket, Object
from deployer.errors import Damaged, DeployError
from deployer.words import Named

SCHEMA: Final = 1
OPENED: Final = "opened"
CLOSED: Final = "closed"
_READERS: Final = 8
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNote:
    """What a command adds to the entry that its run opens: the reviewed plan, who approved it, a freeze set aside."""

    plan_id: str | None = None
    plan_digest: str | None = None
    """The bundle's digest: what approvals bind to, and by which the ledger knows what was applied."""
    approvals: Sequence[str] = ()
    freeze: str | None = None
    reason: str | None = None
    """Why the freeze was set aside."""

    def fields(self) -> dict[str, Any]:
        """The entry's part."""
        return {
            "plan": None if self.plan_digest is None else {"id": self.plan_id, "digest": self.plan_digest},
            "approvals": list(self.approvals),
            "override": None if self.freeze is None else {"freeze": self.freeze, "reason": self.reason},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry as it lies in the bucket. `body` is empty for one that cannot be read."""

    key: str
    sequence: int
    digest: str
    body: Mapping[str, Any] = field(default_factory=dict)
    # By the store's clock.
    written: datetime = _LONG_AGO
    age: timedelta = timedelta()

    @property
    def opens(self) -> bool:
        """Whether a run began with it. One that cannot be read locks like one that does."""
        return self.body.get("event") != CLOSED

    @property
    def run(self) -> str:
        """The run that it belongs to."""
        return str(self.body.get("run") or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of the ledger: how many entries it has, the digest of the last one, and that one if a run is open."""

    sequence: int = 0
    digest: str = ""
    open: Entry | None = None


@dataclass(frozen=True)
class Ledger:
    """The ledger of the environment `named` in the state bucket."""

    bucket: Bucket
    named: Named

    # --- keys ----------------------------------------------------------------------------------------------------

    @property
    def environment(self) -> str:
        """Whose ledger it is."""
        return self.named.environment

    @property
    def prefix(self) -> str:
        """Below it lie the entries."""
        return f"ledger/{self.environment}/"

    @property
    def head_key(self) -> str:
        """Where the head lies."""
        return f"ledger-heads/{self.environment}.json"

    def key(self, sequence: int) -> str:
        """Where an entry lies: listed in order."""
        return f"{self.prefix}{sequence:08d}.json"

    def place(self, key: str) -> str:
        """A key for people."""
        return self.bucket.place(key)

    # --- reading -------------------------------------------------------------------------------------------------

    def head(self) -> Head:
        """How far it goes and whether a run is open; two small requests, however long it is."""
        noted = self.noted_head()
        if noted is None:
            # None yet, or it was removed: only the entries can tell.
            last = max(self.sequences(), default=0)
            return Head() if last == 0 else self._head_from(self._require(last))
        sequence, digest, event = noted
        later = self.entry(sequence + 1)
        while later is not None:
            # Whoever wrote it was killed before the head.
            found, later = later, self.entry(later.sequence + 1)
            if later is None:
                return self._head_from(found)
        if event == CLOSED:
            return Head(sequence=sequence, digest=digest)
        return self._head_from(self._require(sequence))

    def noted_head(self) -> tuple[int, str, str] | None:
        """What the head object says: sequence, digest, event; None if it is not there or says nothing."""
        found = self.bucket.get(self.head_key)
        try:
            data = json.loads(found.body) if found else {}
            return int(data["sequence"]), str(data["digest"]), str(data["event"])
        except (ValueError, KeyError, TypeError):
            return None

    def sequences(self) -> list[int]:
        """The numbers of the entries that are there, in order."""
        names = (key.removeprefix(self.prefix).removesuffix(".json") for key in self.bucket.list_keys(self.prefix))
        return [int(name) for name in names if name.isascii() and name.isdecimal()]

    def entry(self, sequence: int) -> Entry | None:
        """One entry, None if there is none."""
        key = self.key(sequence)
        found = self.bucket.get(key)
        return None if found is None else _entry(key, sequence, found)

    def entries(self, sequences: Iterable[int] | None = None) -> list[Entry]:
        """All entries, or those that are wanted, in order."""
        wanted = sorted(self.sequences() if sequences is None else sequences)
        with ThreadPoolExecutor(_READERS) as pool:
            return [entry for entry in pool.map(self.entry, wanted) if entry is not None]

    def _require(self, sequence: int) -> Entry:
        entry = self.entry(sequence)
        if entry is None:
            raise Damaged(
                f"the head of the ledger names entry {sequence}, which is not there",
                place=self.place(self.key(sequence)),
                hint=f"{self.named.command('history', '--verify')} lists what is missing; "
                "then docs/runbooks/ledger-damaged.md",
            )
        return entry

    def _head_from(self, entry: Entry) -> Head:
        return Head(sequence=entry.sequence, digest=entry.digest, open=entry if entry.opens else None)

    def now(self) -> str:
        """The moment by the store's clock, for an entry."""
        return stamp(self.bucket.clock() or datetime.now(UTC))

    # --- writing -------------------------------------------------------------------------------------------------

    def append(self, body: Mapping[str, Any], *, after: Head) -> Entry | None:
        """Create the entry behind `after`; None if somebody else has. A lost answer to our own write is no lost race.

        `body` names its run, so no two writers ever write the same bytes.
        """
        sequence = after.sequence + 1
        key = self.key(sequence)
        text = _canonical(
            {
                **body,
                "schema": SCHEMA,
                "environment": self.environment,
                "sequence": sequence,
                "previous": after.digest,
            }
        )
        try:
            won = self.bucket.try_put(key, text, replaces=None)
        except DeployError:
            # It may have arrived all the same; then it is ours, and whoever thinks otherwise would leave it open.
            found = self.entry(sequence)
            if found is None or found.digest != _digest(text):
                raise
            won = True
        if not won:
            return None
        entry = Entry(key=key, sequence=sequence, digest=_digest(text), body=json.loads(text))
        self._advance(entry)
        return entry

    def _advance(self, entry: Entry) -> None:
        """Let the head name `entry`, unless it is further already. It may lag: readers look behind it."""
        head = {
            "schema": SCHEMA,
            "environment": self.environment,
            "sequence": entry.sequence,
            "digest": entry.digest,
            "event": entry.body["event"],
        }

        def later(body: bytes | None) -> bytes:
            return body if body is not None and _sequence_in(body) > entry.sequence else _canonical(head)

        try:
            self.bucket.update(self.head_key, later)
        except DeployError:
            return


# What readers of entries rely on: the type of each key that is there.
_TEXTS: Final = ("environment", "previous", "event", "run", "time", "command", "who", "outcome")
_TABLES: Final = ("process", "plan", "override", "ci", "closed_by", "found", "worker", "convex", "terraform")
_SHAPE: Final[Mapping[str, type | tuple[type, ...]]] = {
    **dict.fromkeys(("schema", "sequence", "opened"), int),
    **dict.fromkeys(_TEXTS, str),
    **dict.fromkeys(_TABLES, (dict, NoneType)),
    "steps": dict,
    "approvals": list,
    "seconds": (int, float),
}


def _entry(key: str, sequence: int, found: Object) -> Entry:
    return Entry(
        key=key,
        sequence=sequence,
        digest=_digest(found.body),
        body=_readable(found.body),
        written=found.modified,
        age=found.age,
    )


def _readable(text: bytes) -> Mapping[str, Any]:
    """An entry's data; empty if it is not what an entry is, so that it counts as one that cannot be read."""
    try:
        body = json.loads(text)
        if not isinstance(body, dict):
            return {}
        fits = all(isinstance(body[key], kind) for key, kind in _SHAPE.items() if key in body)
        # A moment without an offset can be compared with no other.
        return body if fits and ("time" not in body or datetime.fromisoformat(body["time"]).tzinfo) else {}
    except (ValueError, RecursionError):
        return {}


def stamp(moment: datetime) -> str:
    """A moment as an entry keeps it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _canonical(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _sequence_in(body: bytes) -> int:
    try:
        return int(json.loads(body)["sequence"])
    except (ValueError, KeyError, TypeError):
        return 0
