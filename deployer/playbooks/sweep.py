"""A sweep: what there is of ephemeral environments, what of it has to go, and the run that removes one of them.

    survey:   listings of all providers, then leases, then pull requests, then who is at work on what would go
    removal:  tombstone  ->  the destroy of that environment, where there is a state  ->  what is left over, by name

The order of the survey matters: whoever made a thing had its lease before, and was open before that. A removal is a run
like any other: it holds the environment, is in its ledger, and looks at the lease again before each change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from deployer.engine.playbook import Playbook
from deployer.engine.workfolder import WorkFolder
from deployer.errors import DeployError, Interrupted, UsageError
from deployer.inventory.names import LARGEST_NUMBER, NUMBER
from deployer.playbooks.credentials import require_credentials
from deployer.playbooks.ephemeral_wiring import management_of
from deployer.playbooks.github_wiring import hub_of, why_not_asked
from deployer.playbooks.recording import owners_of
from deployer.steps.environment_lease import Lease
from deployer.steps.holder import describe
from deployer.steps.lease_store import Held, all_leases
from deployer.steps.ledger import Ledger
from deployer.steps.sweep import Cause, Facts, Finding, Judgement, Kind, LeaseFact, Rules, judge
from deployer.steps.sweep_listing import Providers, Seen, look
from deployer.steps.sweep_names import EphemeralNames
from deployer.steps.sweep_removal import LeftoversRemoved, Removers
from deployer.words import Named

if TYPE_CHECKING:
    from deployer.adapters.github import GitHub
    from deployer.inventory.load import LoadedInventory
    from deployer.playbooks.ephemeral import Down
    from deployer.playbooks.wiring import Wiring

Say = Callable[[str], None]
LEFTOVERS: Final = "leftovers"
_READERS: Final = 8


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Everything that was found out."""

    facts: Facts
    rules: Rules
    judgement: Judgement
    seen: Seen
    hub: GitHub | None = field(repr=False)
    # Leases of environments that no template makes.
    strays: tuple[str, ...] = ()

    def still_goes(self, finding: Finding, held: Held) -> bool:
        """Whether what was found is so at this moment, by a fresh look at the lease and the pull request."""
        facts = replace(
            self.facts,
            now=held.now,
            leases={finding.environment: fact_of(held.lease)} if held.etag else {},
            numbers={finding.environment: finding.number},
            things=finding.things,
            open=self._open(finding.number),
            held={},
        )
        return any(each.environment == finding.environment for each in judge(facts, self.rules).findings)

    def _open(self, number: int) -> frozenset[int] | None:
        if self.hub is None:
            return None
        pull = self.hub.pull(number)
        return frozenset({number}) if pull is not None and pull.open else frozenset()


def sample_of(loaded: LoadedInventory) -> str:
    """The name of some environment of a template, by whose eyes a sweep looks: whatever it is, it writes nothing."""
    for entry in EphemeralNames.of(loaded).entries:
        return entry.replace(NUMBER, str(LARGEST_NUMBER))
    raise UsageError(
        "the inventory has no template of ephemeral environments that may be removed",
        place=loaded.file,
        hint=f'a table such as [environments."pr-{NUMBER}"] makes one',
    )


def survey(wiring: Wiring, *, say: Say, number: int | None = None) -> Survey:
    """Look at everything and judge it; with `number`, only what has this number."""
    require_credentials(wiring, references={})
    names, hub = EphemeralNames.of(wiring.loaded), hub_of(wiring)
    if hub is None:
        say(f"note: {why_not_asked(wiring.target, loaded=wiring.loaded)}; leases alone decide")
    management = management_of(wiring, say=say)
    bucket = wiring.state_bucket
    seen = look(
        Providers(
            names=names,
            cloudflare=wiring.cloudflare,
            zone=wiring.loaded.inventory.project.zone,
            bucket=bucket,
            previews=management,
        )
    )
    found = all_leases(bucket)
    known = {each.environment: names.environment(each.environment) for each in found}
    pulls = frozenset(pull.number for pull in hub.open_pulls()) if hub is not None else None
    facts = Facts(
        now=bucket.now(),
        leases={each.environment: fact_of(each.lease) for each in found if known[each.environment]},
        numbers={name: whose.number for name, whose in known.items() if whose is not None},
        things=seen.things,
        open=pulls,
        worked=seen.worked,
    )
    if number is not None:
        facts = _only(facts, number)
    rules = _rules(wiring.loaded, facts)
    going = [each for each in judge(facts, rules).findings if each.cause is not Cause.TOMBSTONE]
    facts = replace(facts, held=_held(wiring, going))
    return Survey(
        facts=facts,
        rules=rules,
        judgement=judge(facts, rules),
        seen=seen,
        hub=hub,
        strays=tuple(sorted(name for name, whose in known.items() if whose is None)),
    )


def removal(wiring: Wiring, finding: Finding, life: Down) -> Playbook:
    """The steps that remove what was found: the destroy, where there is a state, and what is left then."""
    first = life.playbook(wiring).steps if finding.has_state else ()
    left = LeftoversRemoved(
        name=LEFTOVERS,
        needs=tuple(step.name for step in first),
        tags=frozenset({"sweep"}),
        things=tuple(thing for thing in finding.things if thing.kind is not Kind.STATE),
        removers=removers_of(wiring),
    )
    return Playbook("sweep", (*first, left))


def removers_of(wiring: Wiring) -> Removers:
    """How the things of the wiring's environment are looked at and removed; only those that bear its number."""
    return Removers(
        cloudflare=wiring.cloudflare,
        zone_id=lambda: wiring.cloudflare.require_zone_id(wiring.loaded.inventory.project.zone),
        bucket=wiring.bucket,
        state_bucket=wiring.state_bucket,
        previews=management_of(wiring, say=lambda _text: None),
        may_empty=wiring.environment.guards.empty_buckets_on_destroy,
    )


def fact_of(lease: Lease | None) -> LeaseFact | None:
    """What a sweep has to know of a lease; None for one that cannot be read."""
    if lease is None:
        return None
    return LeaseFact(
        number=lease.number,
        renewed=lease.renewed,
        expires=lease.expires,
        pinned=lease.pinned is not None,
        closed=lease.closed.when if lease.closed is not None else None,
        removed=lease.closed.removed if lease.closed is not None else None,
    )


def _only(facts: Facts, number: int) -> Facts:
    """What has this number."""
    leases = {name: lease for name, lease in facts.leases.items() if facts.numbers[name] == number}
    return replace(facts, leases=leases, things=[thing for thing in facts.things if thing.number == number])


def _rules(loaded: LoadedInventory, facts: Facts) -> Rules:
    """By the inventory; how long a tombstone stays is the kind's to say."""
    patience: Mapping[str, timedelta] = {
        name: timedelta(days=loaded.environment(name).lease.tombstone_days)
        for name, lease in facts.leases.items()
        if lease is not None and lease.closed is not None
    }
    return Rules(
        grace=timedelta(minutes=loaded.inventory.project.sweep.grace_minutes),
        retention=max(patience.values(), default=timedelta()),
        retentions=patience,
    )


def _held(wiring: Wiring, going: list[Finding]) -> dict[str, str]:
    """Who is at work on those that would go. The others are left alone anyway, so nobody asks."""

    def holder(finding: Finding) -> tuple[str, str] | None:
        try:
            return _holder(wiring, finding.environment)
        except Interrupted:
            raise
        except DeployError as error:
            # Nobody can know who has it: that is no licence.
            return finding.environment, error.message

    with ThreadPoolExecutor(_READERS) as pool:
        return dict(each for each in pool.map(holder, going) if each is not None)


def _holder(wiring: Wiring, name: str) -> tuple[str, str] | None:
    opened = Ledger(wiring.state_bucket, Named(name, wiring.target.name)).head().open
    if opened is None:
        return None
    folder = WorkFolder.of(wiring.root, target=wiring.target.name, environment=name)
    other = replace(wiring, environment=wiring.loaded.environment(name), folder=folder.path)
    return None if owners_of(other).judge(opened).gone else (name, describe(opened, name))
