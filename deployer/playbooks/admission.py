"""Whether the accounts have room for another ephemeral environment, and who would have to go if not.

Asked before anything is made, and only for one that is new: an environment that is there takes no more room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from deployer.errors import GuardRefused, QuotaReached
from deployer.playbooks.deploy import AFTER_WORKER
from deployer.playbooks.ephemeral_wiring import management_of
from deployer.steps.environment_lease import Lease
from deployer.steps.eviction import Candidate, Room, candidates
from deployer.steps.lease_store import all_leases
from deployer.steps.ledger import Ledger
from deployer.words import Named

if TYPE_CHECKING:
    from deployer.playbooks.wiring import Wiring

# So many are named to a person; more would be a list and no advice.
_NAMED: Final = 10


@dataclass(frozen=True, kw_only=True)
class Admission:
    """What was counted, and who could go (asked for only when there is no room)."""

    rooms: Sequence[Room]
    wiring: Wiring

    @property
    def short(self) -> int:
        """How many environments have to go."""
        return max((room.short for room in self.rooms), default=0)

    def could_go(self) -> Iterator[Candidate]:
        """Who should go first, first."""
        wiring = self.wiring
        leases = readable(wiring)
        now = wiring.state_bucket.now()
        return candidates(
            leases, now, idle=idle_of(wiring), at_work=lambda name: at_work(wiring, name), but=wiring.environment.name
        )


def idle_of(wiring: Wiring) -> timedelta:
    """After how long without a run an environment of this kind is idle."""
    return timedelta(hours=wiring.environment.lease.idle_hours)


def readable(wiring: Wiring) -> list[Lease]:
    """All leases that can be read."""
    return [found.lease for found in all_leases(wiring.state_bucket) if found.lease is not None]


def at_work(wiring: Wiring, name: str) -> bool:
    """Whether a run holds an environment, alive or not."""
    return Ledger(wiring.state_bucket, Named(name, wiring.target.name)).head().open is not None


def examine(wiring: Wiring, *, say: Callable[[str], None]) -> Admission:
    """Count what each provider has, where the inventory says how much there may be."""
    quotas, environment = wiring.loaded.inventory.project.quotas, wiring.environment
    api = wiring.cloudflare
    rooms: list[Room] = []
    if quotas.workers is not None:
        has = api.total(f"/accounts/{api.account}/workers/scripts")
        rooms.append(Room(what="Workers", has=has, needs=1, quota=quotas.workers))
    if AFTER_WORKER in environment.stacks and (quotas.custom_domains is not None or quotas.dns_records is not None):
        zone = api.require_zone_id(wiring.loaded.inventory.project.zone)
        if quotas.custom_domains is not None:
            has = api.total(f"/accounts/{api.account}/workers/domains?zone_id={zone}")
            rooms.append(Room(what="custom domains", has=has, needs=1, quota=quotas.custom_domains))
        if quotas.dns_records is not None:
            has = api.total(f"/zones/{zone}/dns_records?per_page=5")
            rooms.append(Room(what="DNS records", has=has, needs=1, quota=quotas.dns_records))
    if quotas.convex_deployments is not None and environment.convex.type == "preview":
        management = management_of(wiring, say=say)
        if management is not None:
            room = Room(what="Convex deployments", has=management.count(), needs=1, quota=quotas.convex_deployments)
            rooms.append(room)
    return Admission(rooms=rooms, wiring=wiring)


def require_room(admission: Admission, *, evict: bool) -> list[Candidate]:
    """Who is to be evicted: nobody if there is room; QuotaReached if there is none and nobody may be, or too few."""
    missing = admission.short
    if not missing:
        return []
    found = list(admission.could_go())
    going = [each for each in found if each.evictable][:missing]
    allowed = admission.wiring.environment.lease.evict
    if evict and not allowed:
        raise GuardRefused(
            "`--evict` is not allowed: lease.evict is false",
            place=f"environments.toml, kind `{admission.wiring.environment.kind}`",
            hint="remove one by hand, or let the inventory allow it",
        )
    if evict and len(going) == missing:
        return going
    raise _full(admission, found, evictable=len(going) == missing and allowed)


def _full(admission: Admission, found: Sequence[Candidate], *, evictable: bool) -> QuotaReached:
    wiring = admission.wiring
    named = wiring.named
    shown = found[:_NAMED]
    lines = [room.text for room in admission.rooms if room.short]
    lines += [
        f"could go: {replace(named, environment=each.lease.environment).command('pr.down')} "
        f"({each.why}, last run {each.lease.renewed:%Y-%m-%d %H:%M} UTC)"
        for each in shown
    ]
    if len(found) > len(shown):
        lines.append(f"and {len(found) - len(shown)} more, which {named.listing('pr.list')} shows")
    if not found:
        lines.append("every other environment is pinned or at work")
    count = admission.short
    again = f"{named.command('pr.up', '--evict')} removes the first {count} of them"
    by_hand = f"remove {count} of them" if found else "let one of them go (`inv pr.pin --off` takes a pin out)"
    return QuotaReached(
        f"there is no room for `{wiring.environment.name}`; nothing was made",
        place="table [project.quotas] of environments.toml",
        details=lines,
        hint=again if evictable else f"{by_hand}, or raise the quota; then run the same command again",
    )
