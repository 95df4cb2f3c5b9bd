"""The life of an ephemeral environment: what is asked and written around the playbooks that make and remove it.

    Up:    begin (pull request, key)  ->  admit (lease, quotas)  ->  deploy, gated by the lease  ->  ended (renewed)
    Down:  begin (tombstone)          ->  wait for whoever is at work  ->  destroy, gated  ->  ended (noted as removed)

Who wishes the opposite writes the lease first and then waits for the environment, so that the other one sees it before
its next change. An `up` that meets a tombstone takes back what it has made; that is a `down` without a new tombstone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from deployer.engine.playbook import Playbook
from deployer.errors import EnvironmentClosed, EnvironmentReopened, UsageError
from deployer.playbooks.credentials import require_credentials, values_of
from deployer.playbooks.deploy import deploy
from deployer.playbooks.destroy import destroy
from deployer.playbooks.ephemeral_wiring import lasts_of, management_of, number_of, store_of, wish_of
from deployer.steps.convex import require_own_key
from deployer.steps.convex_preview import PreviewKept
from deployer.steps.environment_lease import BY_HAND, CLOSED, Lease, Wish
from deployer.steps.lease_store import Held
from deployer.steps.secrets import DEPLOY_KEY
from deployer.words import Named

if TYPE_CHECKING:
    from deployer.playbooks.wiring import Wiring

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Pulls:
    """Whether a pull request is open, as far as somebody can be asked."""

    # None for a number that nobody knows; raises what goes wrong.
    ask: Callable[[], str | None] | None
    number: int
    named: Named
    say: Say
    unasked: str = ""
    """Why nobody can be asked."""

    def require_open(self) -> None:
        """Refuse a number that is not open. Where GitHub cannot be asked, the lease alone decides."""
        if self.ask is None:
            self.say(f"note: {self.unasked}")
            return
        state = self.ask()
        if state is None:
            raise UsageError(
                f"there is no pull request {self.number}",
                hint=f"{self.named.listing('pr.list')} shows what has a lease",
            )
        if state != "open":
            # GitHub opens nothing again that is merged.
            first = "open it again first; " if state == "closed" else ""
            raise EnvironmentClosed(
                f"pull request {self.number} is {state}, so nothing is made for it",
                hint=f"{first}{self.named.command('pr.down')} removes what is left of it",
            )

    def is_open(self) -> bool:
        """Whether GitHub says so now."""
        return self.ask is not None and self.ask() == "open"


@dataclass(kw_only=True)
class Up:
    """What `pr.up` does around the deploy. One per command; a run that lost a race is admitted again."""

    pulls: Pulls
    say: Say
    check: bool = False
    reopen: bool = False
    # Makes room, if there is none: raises, or has removed somebody.
    make_room: Callable[[Wiring], None]
    lease: Lease | None = field(default=None, init=False)
    _wish: Wish | None = field(default=None, init=False)

    def begin(self, wiring: Wiring) -> None:
        """Before anything is waited for or started."""
        number_of(wiring)
        require_credentials(wiring, references=wiring.references)
        check_preview_key(wiring)
        self.pulls.require_open()

    def admit(self, wiring: Wiring) -> None:
        """Once nobody is at work: take the lease. Nothing is written with `--check`."""
        store, wish = store_of(wiring), wish_of(wiring)
        self._wish = wish
        held = store.read()
        if held.lease is None or held.lease.closed is not None:
            if held.lease is not None:
                # Refused before anything is counted.
                wish.taken(held.lease, held.now, reopen=self._may_reopen())
            if not any(wiring.holdings.states()):
                self.make_room(wiring)
        if self.check:
            self.lease = held.lease
            return
        require_bucket(wiring, self.say)
        self.lease = store.take(wish, may_reopen=self._may_reopen)

    def _may_reopen(self) -> bool:
        return self.reopen or self.pulls.is_open()

    def gate(self, wiring: Wiring, _step: str) -> None:
        """Before each change, once the environment is held: nobody has closed it, or it is open all the same."""
        if self._wish is not None:
            self.lease = store_of(wiring).keep(self._wish, may_reopen=self.pulls.is_open)

    def ended(self, wiring: Wiring) -> None:
        """After a run that went well: the lease lasts from now, if nobody has closed it at the last moment."""
        if self._wish is not None and not self.check:
            self.lease = store_of(wiring).keep(self._wish, may_reopen=self.pulls.is_open, now=True)

    def playbook(self, wiring: Wiring) -> Playbook:
        """The deploy, and the preview kept as long as the lease."""
        made = deploy(wiring)
        if wiring.environment.convex.type != "preview":
            return made
        kept = PreviewKept(
            name="convex expiry",
            needs=("convex functions",),
            tags=frozenset({"convex"}),
            management=management_of(wiring, say=self.say),
            preview=wiring.environment.name,
            needed=lambda: self._needed(wiring),
        )
        return replace(made, steps=(*made.steps, kept))

    def _needed(self, wiring: Wiring) -> datetime | None:
        if self.lease is None or self.lease.closed is not None:
            return wiring.state_bucket.now() + lasts_of(wiring)
        return needed(self.lease)


@dataclass(kw_only=True)
class Down:
    """What `pr.down` does around the destroy. `only` looks at the lease once more before it is closed.

    With `unless_open` an open pull request keeps its environment: whoever heard that it was closed was late. It is
    asked before the tombstone is written and again after: of a reopening in between one of both sees the other.
    """

    say: Say
    check: bool = False
    why: str = BY_HAND
    only: Callable[[Held], bool] | None = None
    unless_open: Callable[[Wiring], Pulls] | None = None
    # A run that takes itself back has met a tombstone and writes none.
    closes: bool = True
    removed: bool = field(default=False, init=False)

    def begin(self, wiring: Wiring) -> None:
        """The tombstone first, so that whoever is at work stops, and whoever comes late does not begin."""
        number_of(wiring)
        require_credentials(wiring, references={})
        pulls = self.unless_open(wiring) if self.unless_open is not None else None
        self._refuse_open(wiring, pulls)
        if self.closes and not self.check:
            self._close(wiring, pulls)

    def _close(self, wiring: Wiring, pulls: Pulls | None) -> None:
        require_bucket(wiring, self.say)
        store, wish = store_of(wiring), wish_of(wiring)
        before: list[Lease | None] = []

        def only(held: Held) -> bool:
            before.append(held.lease)
            return self.only is None or self.only(held)

        if not store.close(wish, why=CLOSED if pulls else self.why, only=only):
            raise EnvironmentReopened(f"`{wiring.environment.name}` was worked on again meanwhile, so it stays")
        try:
            self._refuse_open(wiring, pulls)
        except EnvironmentReopened:
            store.withdraw(wish, before[-1])
            raise

    def _refuse_open(self, wiring: Wiring, pulls: Pulls | None) -> None:
        if pulls is not None and pulls.is_open():
            raise EnvironmentReopened(
                f"pull request {pulls.number} is open, so `{wiring.environment.name}` stays",
                hint="leave out --unless-open to remove it all the same",
            )

    def gate(self, wiring: Wiring, _step: str) -> None:
        """Before each removal, once the environment is held: nobody has opened it again."""
        store_of(wiring).require_closed()

    def ended(self, wiring: Wiring) -> None:
        """After a run that went well: nothing is left."""
        if self.check:
            return
        self.removed = store_of(wiring).mark_removed()
        if not self.removed:
            self.say(f"note: `{wiring.environment.name}` was opened again meanwhile; whoever did that makes it whole")

    def playbook(self, wiring: Wiring) -> Playbook:
        """The destroy; the Convex preview goes with it, where the token for that is there."""
        return destroy(wiring, management_of(wiring, say=self.say))


def needed(lease: Lease) -> datetime | None:
    """Until when what belongs to a lease has to be there; None without an end."""
    return None if lease.pinned is not None else lease.expires


def require_bucket(wiring: Wiring, say: Say) -> None:
    """The bucket that keeps the leases: the very first command on an account makes it."""
    if not wiring.state_bucket.exists():
        say(f"note: the bucket `{wiring.state_bucket.name}` is made, it keeps the leases")
        wiring.state_bucket.create(location=wiring.loaded.inventory.project.location)


def check_preview_key(wiring: Wiring) -> None:
    """The deploy key is the one of this environment, before any tool starts: with another the CLI deploys elsewhere.

    One that is missing in AWS is said by the first step, together with all other secrets that are.
    """
    convex, project = wiring.environment.convex, wiring.loaded.inventory.project
    reference = wiring.references[DEPLOY_KEY]
    if reference.aws is not None and wiring.target.missing_aws():
        return
    key = values_of(wiring, {DEPLOY_KEY: reference})[DEPLOY_KEY]
    if not key:
        return
    wiring.redactor.add(key)
    require_own_key(key, convex, project)
