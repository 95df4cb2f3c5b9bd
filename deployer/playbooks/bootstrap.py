"""Bootstrap: the state bucket is there, and is as the inventory says.

    secrets -- state bucket --+-- bucket location
                              +-- lifecycle rules, lock rules

It is the same bucket for all environments, so it belongs to none of them. Copies have no lifecycle rule: a rule knows
an age only, and would take the last copy of a state that nobody changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from deployer.adapters.cloudflare import BucketSettings, Rule
from deployer.engine.playbook import Playbook
from deployer.inventory.load import LoadedInventory
from deployer.inventory.names import NUMBER
from deployer.inventory.state_keys import STATES
from deployer.playbooks.deploy import resolve_secrets
from deployer.playbooks.wiring import Wiring
from deployer.steps.bucket_proof import PROBES, BucketLocation
from deployer.steps.bucket_rules import BucketRules, expiry, lock
from deployer.steps.secrets import COPY_KEY
from deployer.steps.state_bucket import STATE_BUCKET, StateBucket
from deployer.steps.state_copies import FOLDER


def bootstrap(wiring: Wiring, *, note: Callable[[str], None]) -> Playbook:
    """The steps; `note` is told what somebody should know and nobody can change."""
    project = wiring.loaded.inventory.project
    settings = BucketSettings(wiring.cloudflare, project.state_bucket)
    after = (STATE_BUCKET,)
    tags = frozenset({"state"})
    return Playbook(
        "bootstrap",
        (
            resolve_secrets(wiring, only=frozenset({COPY_KEY})),
            StateBucket(
                name=STATE_BUCKET, needs=("secrets",), tags=tags, bucket=wiring.state_bucket,
                location=project.location,
            ),
            BucketLocation(
                name="bucket location", needs=after, tags=tags, settings=settings, location=project.location, note=note
            ),
            BucketRules(
                name="lifecycle rules", needs=after, tags=tags, settings=settings, kind="lifecycle",
                wanted=lifecycle_rules(wiring.loaded),
            ),
            BucketRules(
                name="lock rules", needs=after, tags=tags, settings=settings, kind="lock",
                wanted=lock_rules(wiring.loaded),
            ),
        ),
    )  # fmt: skip


def lifecycle_rules(loaded: LoadedInventory) -> Sequence[Rule]:
    """What goes by itself: stored plans, and what is left of a bootstrap that was cut off."""
    days = loaded.inventory.project.state.plans_days
    return (expiry("plans", prefix="plans/", days=days), expiry("probes", prefix=PROBES, days=1))


def lock_rules(loaded: LoadedInventory) -> Sequence[Rule]:
    """What stays as it is for a while: copies and ledger of every protected environment."""
    return tuple(_locks(loaded))


def _locks(loaded: LoadedInventory) -> Iterator[Rule]:
    days = loaded.inventory.project.state.copies_locked_days
    for entry in loaded.entries if days else ():
        if loaded.sample(entry).environment.guards.protected:
            # A template stands for all environments whose names begin like its own.
            start = entry.partition(NUMBER)[0]
            end = "" if NUMBER in entry else "/"
            name = entry.replace(NUMBER, "number")
            yield lock(f"copies-{name}", prefix=f"{FOLDER}{STATES}{start}{end}", days=days)
            yield lock(f"ledger-{name}", prefix=f"ledger/{start}{end}", days=days)
