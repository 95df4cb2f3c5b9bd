"""Where the leases of ephemeral environments lie, and how two who write one at the same time come to one result.

    store = LeaseStore(bucket, Named("pr-12", "cloudflare"))
    store.take(wish)             before anything is made; refused by a tombstone
    store.keep(wish)             before each change, and at the end: the tombstone of somebody else stops the run
    store.close(wish)            before anything is removed
    store.require_closed()       before each removal: reopened by somebody else, nothing more is removed
    store.mark_removed()         once nothing is left

Every writing is conditional on what was read. A run changes things only while it holds the environment (the ledger),
and looks at the lease after it came to hold it; whoever closes or reopens writes the lease first and then waits for the
environment. So of two that wish opposite things one always sees the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from deployer.adapters.state import Bucket, Object
from deployer.errors import Damaged, EnvironmentReopened, ServiceFailed
from deployer.steps import environment_lease as transitions
from deployer.steps.environment_lease import BY_HAND, Lease, Wish, parse
from deployer.words import Named

FOLDER: Final = "leases/"
_ENDING: Final = ".json"
_ATTEMPTS: Final = 20
_READERS: Final = 16
# A run that is at work renews so often; its lease lasts for days.
_RENEWED_EVERY: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What was found: the lease (None: none), the version that a writing replaces, and the store's time."""

    lease: Lease | None
    etag: str | None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One object of a listing; `lease` is None if it cannot be read."""

    environment: str
    lease: Lease | None


@dataclass(frozen=True)
class LeaseStore:
    """The lease of one environment in the state bucket."""

    bucket: Bucket
    named: Named

    @property
    def environment(self) -> str:
        """Whose lease it is."""
        return self.named.environment

    @property
    def key(self) -> str:
        """Where it lies."""
        return key_of(self.environment)

    @property
    def place(self) -> str:
        """The same for people."""
        return self.bucket.place(self.key)

    def read(self) -> Held:
        """What is there; Damaged if it cannot be read, since nobody may make or remove anything then."""
        found = self.bucket.get(self.key)
        held = self._held(found)
        if found is not None and held.lease is None:
            raise Damaged(
                f"the lease of `{self.environment}` cannot be read, so nobody knows whether it was closed",
                place=self.place,
                hint=f"{self.named.command('pr.down')} writes it anew and removes the environment; "
                "docs/runbooks/ephemeral-stuck.md",
            )
        return held

    # --- by who makes the environment ----------------------------------------------------------------------------

    def take(self, wish: Wish, *, may_reopen: Callable[[], bool] = lambda: False) -> Lease:
        """Take or renew it. A tombstone refuses, unless `may_reopen`.

        That is asked once the tombstone was read: what was true before it was written says nothing. Whoever closes
        again meanwhile spoils the writing.
        """

        def change(found: Lease | None, now: datetime) -> Lease:
            closed = found is not None and found.closed is not None
            return wish.taken(found, now, reopen=closed and may_reopen())

        return self._change(change)

    def keep(self, wish: Wish, *, may_reopen: Callable[[], bool] = lambda: False, now: bool = False) -> Lease:
        """Make sure that nobody has closed it, and renew it when that is due, or `now`: EnvironmentClosed if so.

        A tombstone that nobody has written by hand is overruled if `may_reopen`: who wrote it was late.
        """
        for _ in range(_ATTEMPTS):
            held = self.read()
            lease = held.lease
            if lease is None or lease.closed is None:
                due = lease is None or held.now - lease.renewed >= _RENEWED_EVERY or lease.owner != wish.owner
                return self._change(wish.renewed) if now or due or lease is None else lease
            if not transitions.reopens(lease.closed) or not may_reopen():
                raise transitions.refused(lease.closed, self.environment)
            reopened = wish.taken(lease, held.now, reopen=True)
            if self._write(reopened, held):
                return reopened
        raise self._contended()

    # --- by who removes it ---------------------------------------------------------------------------------------

    def close(self, wish: Wish, *, why: str = BY_HAND, only: Callable[[Held], bool] | None = None) -> bool:
        """Write the tombstone, also over one that is there or that cannot be read.

        `only` looks at each version before it is closed (is it still expired?); False if it says no.
        """
        for _ in range(_ATTEMPTS):
            held = self._held(self.bucket.get(self.key))
            if only is not None and not only(held):
                return False
            if self._write(wish.closed(held.lease, held.now, why=why), held):
                return True
        raise self._contended()

    def withdraw(self, wish: Wish, before: Lease | None) -> None:
        """Take back the tombstone of this run: the lease is what it was `before`, if that was an open one."""
        if before is None or before.closed is not None:
            return
        for _ in range(_ATTEMPTS):
            held = self.read()
            closed = None if held.lease is None else held.lease.closed
            if closed is None or closed.run != wish.owner.run or self._write(before, held):
                return
        raise self._contended()

    def require_closed(self) -> None:
        """Before each removal: EnvironmentReopened if it was opened again (or its tombstone is gone)."""
        lease = self.read().lease
        if lease is None or lease.closed is None:
            raise EnvironmentReopened(
                f"`{self.environment}` was opened again while it was being removed; the rest of it stays",
                place=self.place,
                hint=f"{self.named.command('history')} says who works on it; {self.named.command('pr.up')} makes it "
                "whole again",
            )

    def mark_removed(self) -> bool:
        """Nothing is left of it; False if it was opened again meanwhile."""
        for _ in range(_ATTEMPTS):
            held = self.read()
            lease = transitions.removed(held.lease, held.now)
            if lease is None:
                return False
            if lease == held.lease or self._write(lease, held):
                return True
        raise self._contended()

    def forget(self, *, after: timedelta) -> bool:
        """Delete the tombstone of something long gone; False if it is none.

        The store deletes without a condition: a run that takes the lease in that very moment puts it back (`keep`).
        """
        held = self.read()
        if held.lease is None or not held.lease.buried(held.now, after):
            return False
        self.bucket.delete([self.key])
        return True

    # --- by people; `first` is done before the lease is written: what it raises leaves the lease as it was -----------

    def extend(self, lasts: timedelta, *, first: Callable[[Lease], None] = lambda _lease: None) -> Lease:
        """It lasts so long from now on."""
        return self._change_after(first, partial(transitions.extended, named=self.named, lasts=lasts))

    def pin(self, by: str, *, first: Callable[[Lease], None] = lambda _lease: None) -> Lease:
        """It has no end."""
        return self._change_after(first, partial(transitions.pinned, named=self.named, by=by))

    def unpin(self, lasts: timedelta, *, first: Callable[[Lease], None] = lambda _lease: None) -> Lease:
        """It has an end again."""
        return self._change_after(first, partial(transitions.unpinned, named=self.named, lasts=lasts))

    def _change_after(self, first: Callable[[Lease], None], change: Callable[[Lease | None, datetime], Lease]) -> Lease:
        def changed(found: Lease | None, now: datetime) -> Lease:
            lease = change(found, now)
            first(lease)
            return lease

        return self._change(changed)

    # --- reading and writing -------------------------------------------------------------------------------------

    def _change(self, change: Callable[[Lease | None, datetime], Lease]) -> Lease:
        for _ in range(_ATTEMPTS):
            held = self.read()
            lease = change(held.lease, held.now)
            if lease == held.lease or self._write(lease, held):
                return lease
        raise self._contended()

    def _write(self, lease: Lease, held: Held) -> bool:
        return self.bucket.try_put(self.key, lease.text(), replaces=held.etag)

    def _held(self, found: Object | None) -> Held:
        if found is None:
            return Held(lease=None, etag=None, now=self.bucket.now())
        lease = parse(found.body, environment=self.environment)
        return Held(lease=lease, etag=found.etag, now=found.modified + found.age)

    def _contended(self) -> ServiceFailed:
        return ServiceFailed(
            f"the lease of `{self.environment}` is being written by somebody else all the time",
            place=self.place,
            hint="run the same command again",
        )


def key_of(environment: str) -> str:
    """Where the lease of an environment lies."""
    return f"{FOLDER}{environment}{_ENDING}"


def leased(bucket: Bucket) -> Iterator[str]:
    """Names of all environments that have a lease or a tombstone; one listing."""
    for key in bucket.list_keys(FOLDER):
        name = key.removeprefix(FOLDER).removesuffix(_ENDING)
        if key == key_of(name) and "/" not in name:
            yield name


def all_leases(bucket: Bucket) -> list[Found]:
    """All leases and tombstones, read side by side."""

    def read(name: str) -> Found | None:
        found = bucket.get(key_of(name))
        return None if found is None else Found(environment=name, lease=parse(found.body, environment=name))

    with ThreadPoolExecutor(_READERS) as pool:
        return [found for found in pool.map(read, leased(bucket)) if found is not None]
