"""The lease of an ephemeral environment as a value: who owns it and until when, and whether it was closed.

Pure: each transition takes what was there (None: nothing) and the moment by the store's clock, and gives what is to be
there, or refuses. A closed lease is a tombstone: it stays where it is, so that a run that comes too late finds it.
Where leases lie, and how two writers meet, is known in `lease_store`.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from deployer.errors import EnvironmentClosed, UsageError
from deployer.words import Named, moment

SCHEMA: Final = 1
# Why a lease was closed, in words for people. What somebody has removed by hand is not opened again by a run that is
# at work; of anything else the pull request's state decides.
BY_HAND: Final = "removed by hand"
CLOSED: Final = "pull request closed"
EXPIRED: Final = "expired"
EVICTED: Final = "evicted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The run that has taken or renewed it last."""

    run: str = ""
    who: str = ""
    url: str | None = None
    """The job that this was, where a CI ran it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """The tombstone of the run `run`. `removed` is when nothing was left; None until that is certain."""

    when: datetime
    by: str
    run: str = ""
    why: str = BY_HAND
    removed: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """Kept whatever its age, until a person takes the pin out or the pull request is closed."""

    when: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One ephemeral environment's lease. All times are by the store's clock."""

    environment: str
    number: int
    owner: Owner
    commit: str | None
    created: datetime
    renewed: datetime
    expires: datetime
    pinned: Pin | None = None
    closed: Closed | None = None

    @property
    def open(self) -> bool:
        """Whether the environment may be made and changed."""
        return self.closed is None

    def expired(self, now: datetime) -> bool:
        """Whether its time is over. A pinned one has no end."""
        return self.pinned is None and self.expires <= now

    def idle(self, now: datetime, after: timedelta) -> bool:
        """Whether nobody has worked on it for so long."""
        return now - self.renewed >= after

    def buried(self, now: datetime, after: timedelta) -> bool:
        """Whether it is a tombstone of something long gone, that may go as well."""
        return self.closed is not None and self.closed.removed is not None and now - self.closed.removed >= after

    # --- as an object --------------------------------------------------------------------------------------------

    def fields(self) -> dict[str, Any]:
        """As data, for the object and for `--json`."""
        return {
            "schema": SCHEMA,
            "environment": self.environment,
            "number": self.number,
            "owner": {"run": self.owner.run, "who": self.owner.who, "url": self.owner.url},
            "commit": self.commit,
            "created": _stamp(self.created),
            "renewed": _stamp(self.renewed),
            "expires": _stamp(self.expires),
            "pinned": None if self.pinned is None else {"when": _stamp(self.pinned.when), "by": self.pinned.by},
            "closed": None
            if self.closed is None
            else {
                "when": _stamp(self.closed.when),
                "by": self.closed.by,
                "run": self.closed.run,
                "why": self.closed.why,
                "removed": None if self.closed.removed is None else _stamp(self.closed.removed),
            },
        }

    def text(self) -> bytes:
        """As bytes. Never twice the same: tags are digests, and each writing has to spoil those begun before it."""
        return (json.dumps({**self.fields(), "beat": uuid.uuid4().hex}, indent=1, sort_keys=True) + "\n").encode()


def parse(body: bytes, *, environment: str) -> Lease | None:
    """The lease in an object; None if it is none of this environment that we understand."""
    try:
        data = json.loads(body)
        if data["schema"] != SCHEMA or data["environment"] != environment:
            return None
        pinned, closed = data["pinned"], data["closed"]
        return Lease(
            environment=environment,
            number=_whole(data["number"]),
            owner=Owner(**{name: data["owner"][name] for name in ("run", "who", "url")}),
            commit=data["commit"],
            created=_moment(data["created"]),
            renewed=_moment(data["renewed"]),
            expires=_moment(data["expires"]),
            pinned=None if pinned is None else Pin(when=_moment(pinned["when"]), by=str(pinned["by"])),
            closed=None
            if closed is None
            else Closed(
                when=_moment(closed["when"]),
                by=str(closed["by"]),
                run=str(closed["run"]),
                why=str(closed["why"]),
                removed=None if closed["removed"] is None else _moment(closed["removed"]),
            ),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


# --- transitions -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a run that makes an environment wants its lease to say."""

    environment: str
    number: int
    owner: Owner
    commit: str | None
    lasts: timedelta

    def taken(self, found: Lease | None, now: datetime, *, reopen: bool = False) -> Lease:
        """Take it, or renew it as another run; a tombstone is in the way unless `reopen`."""
        if found is not None and found.closed is not None and not reopen:
            raise refused(found.closed, self.environment)
        if found is None or found.closed is not None:
            return Lease(
                environment=self.environment,
                number=self.number,
                owner=self.owner,
                commit=self.commit,
                created=now,
                renewed=now,
                expires=now + self.lasts,
            )
        return self._later(found, now)

    def renewed(self, found: Lease | None, now: datetime) -> Lease:
        """A sign of life of the run that has it. One that is gone or has expired is put back, a closed one is not."""
        return self.taken(found, now)

    def closed(self, found: Lease | None, now: datetime, *, why: str = BY_HAND) -> Lease:
        """The tombstone, whatever was there. Who finds one already begins it anew: nobody knows what came between."""
        base = found or replace(self.taken(None, now), expires=now)
        return replace(base, pinned=None, closed=Closed(when=now, by=self.owner.who, run=self.owner.run, why=why))

    def _later(self, found: Lease, now: datetime) -> Lease:
        # What somebody has extended is not made shorter by the next push.
        expires = max(found.expires, now + self.lasts)
        return replace(found, owner=self.owner, commit=self.commit, renewed=now, expires=expires)


def reopens(closed: Closed) -> bool:
    """Whether a run that is at work may go on in spite of it, if the pull request is open after all."""
    return closed.why != BY_HAND


def removed(found: Lease | None, now: datetime) -> Lease | None:
    """Nothing is left of a closed environment; None if it is not closed (any more), so that nothing may be said."""
    if found is None or found.closed is None:
        return None
    return replace(found, closed=replace(found.closed, removed=found.closed.removed or now))


def extended(found: Lease | None, now: datetime, *, named: Named, lasts: timedelta) -> Lease:
    """It lasts so long from now on, if it did not last longer anyway."""
    lease = _require_open(found, named)
    return replace(lease, expires=max(lease.expires, now + lasts))


def pinned(found: Lease | None, now: datetime, *, named: Named, by: str) -> Lease:
    """It has no end; whoever pinned it first stays named."""
    lease = _require_open(found, named)
    return lease if lease.pinned is not None else replace(lease, pinned=Pin(when=now, by=by))


def unpinned(found: Lease | None, now: datetime, *, named: Named, lasts: timedelta) -> Lease:
    """It has an end again, and does not end at once."""
    lease = _require_open(found, named)
    if lease.pinned is None:
        return lease
    return replace(lease, pinned=None, expires=max(lease.expires, now + lasts))


def refused(closed: Closed, environment: str) -> EnvironmentClosed:
    """The error of whoever finds the tombstone in its way."""
    return EnvironmentClosed(
        f"`{environment}` was closed at {moment(closed.when)} by {closed.by or 'somebody'} ({closed.why})",
        hint="open the pull request again; or, where nobody asks GitHub, add `--reopen` to `inv pr.up`",
    )


def _require_open(found: Lease | None, named: Named) -> Lease:
    if found is None:
        raise UsageError(
            f"there is no lease on `{named.environment}`", hint=f"{named.listing('pr.list')} shows those that are there"
        )
    if found.closed is not None:
        raise refused(found.closed, named.environment)
    return found


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds")


def _moment(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        # It could be compared with no other.
        raise ValueError(text)
    return time


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError(value)
    return value
