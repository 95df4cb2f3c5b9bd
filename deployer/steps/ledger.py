"""The release ledger of one environment: what was done to it, by whom and how that ended; and by that its lock.

Entries are objects that are only ever created, one after the other, each with the digest of the one before. A run opens
before the first thing it changes and closes at its end, so an entry `opened` that is the last one is the lock: whoever
opens has seen the one before closed, and of two that try the same number one is refused by the store. A second object,
the head, says how far the ledger goes, so that a tail that was cut off is missed. It is written after the entry and may
lag behind when somebody was killed in between; it never runs ahead. Only after the very first entry may there be none:
nobody writes a second one before there is a head, so entries without one have lost it, and nothing is done on top.

This module stores and finds. What entries mean together is in `ledger_runs`, whether they fit in `ledger_check`.
"""

from __future__ import annotations

import contextlib
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
# From this entry on there is a head.
_HAS_HEAD: Final = 2
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
            last = max(self.sequences(), default=0)
            if last < _HAS_HEAD:
                return Head() if last == 0 else self._head_from(self._require(last))
            # Written since, if these entries are younger than our look at it.
            noted = self.noted_head()
            if noted is None:
                raise self.damaged(
                    f"the ledger has {last} entries and no head, so nobody knows whether its end is there"
                )
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
        """What the head object says: sequence, digest, event; None if there is none, Damaged if it is no head."""
        found = self.bucket.get(self.head_key)
        return None if found is None else self._noted_in(found.body)

    def _noted_in(self, body: bytes) -> tuple[int, str, str]:
        data = _json(body)
        sequence, digest, event = (data.get(name) for name in ("sequence", "digest", "event"))
        fits = type(sequence) is int and sequence > 0 and isinstance(digest, str) and event in (OPENED, CLOSED)
        if not fits or data.get("environment") != self.environment:
            raise self.damaged("this is no head of a ledger of this environment")
        return data["sequence"], data["digest"], data["event"]

    def damaged(self, what: str, *, key: str | None = None) -> Damaged:
        """The error about the head, or about the entry at `key` that it names."""
        return Damaged(
            what,
            place=self.place(key or self.head_key),
            hint=f"{self.named.command('history', '--verify')} lists what is wrong; "
            "then docs/runbooks/ledger-damaged.md",
        )

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
            raise self.damaged(
                f"the head of the ledger names entry {sequence}, which is not there", key=self.key(sequence)
            )
        return entry

    def _head_from(self, entry: Entry) -> Head:
        return Head(sequence=entry.sequence, digest=entry.digest, open=entry if entry.opens else None)

    def now(self) -> str:
        """The moment by the store's clock, for an entry."""
        return stamp(self.bucket.now())

    # --- writing -------------------------------------------------------------------------------------------------

    def append(self, body: Mapping[str, Any], *, after: Head) -> Entry | None:
        """Create the entry behind `after`; None if somebody else has. A lost answer to our own write is no lost race.

        `body` names its run, so no two writers ever write the same bytes.
        """
        sequence = after.sequence + 1
        key = self.key(sequence)
        if sequence == _HAS_HEAD:
            self._require_head()
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

    def _require_head(self) -> None:
        """Write the head behind the very first entry if whoever wrote that one did not come to it."""
        if self.bucket.get(self.head_key) is not None:
            return
        body = self._head_naming(self._require(1))
        try:
            self.bucket.try_put(self.head_key, body, replaces=None)
        except DeployError:
            if self.bucket.get(self.head_key) is None:
                raise

    def _advance(self, entry: Entry) -> None:
        """Let the head name `entry`, unless it is further already. It may lag: readers look behind it.

        One that is lost or no head any more is left so: the next run says it, and a person looks.
        """
        head = self._head_naming(entry)

        def later(body: bytes | None) -> bytes:
            if body is None and entry.sequence >= _HAS_HEAD:
                raise self.damaged("the head of the ledger is gone")
            return body if body is not None and self._noted_in(body)[0] > entry.sequence else head

        try:
            self.bucket.update(self.head_key, later)
        except DeployError:
            return

    def found_end(self) -> Head:
        """The end as far as anybody can tell by what is there, for a ledger whose head cannot be relied on.

        A number that the head names stays taken although its entry is gone: it goes on being missed.
        """
        last = max(self.sequences(), default=0)
        noted = None
        with contextlib.suppress(Damaged):
            noted = self.noted_head()
        if noted is not None and noted[0] > last:
            return Head(sequence=noted[0], digest=noted[1])
        return self._head_from(self._require(last)) if last else Head()

    def accept(self, end: Head) -> None:
        """Write the head anew as `end`, which somebody has looked at."""
        found = self.bucket.get(self.head_key)
        if end.sequence == 0:
            self.bucket.delete([self.head_key])
            return
        body = self._head_text(end.sequence, end.digest, OPENED if end.open else CLOSED)
        if not self.bucket.try_put(self.head_key, body, replaces=found.etag if found else None):
            raise self.damaged("somebody else has written the head of the ledger meanwhile")

    def _head_naming(self, entry: Entry) -> bytes:
        return self._head_text(entry.sequence, entry.digest, OPENED if entry.opens else CLOSED)

    def _head_text(self, sequence: int, digest: str, event: str) -> bytes:
        head = {"schema": SCHEMA, "environment": self.environment, "sequence": sequence, "digest": digest}
        return _canonical({**head, "event": event})


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


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
