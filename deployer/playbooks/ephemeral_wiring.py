"""What runs on ephemeral environments need beyond the wiring of every run: lease and Convex's management."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from deployer.adapters.convex import MANAGEMENT_TOKEN, ConvexManagement
from deployer.adapters.environ import identity
from deployer.errors import UsageError
from deployer.steps.environment_lease import Owner, Wish
from deployer.steps.lease_store import LeaseStore

if TYPE_CHECKING:
    from deployer.playbooks.wiring import Wiring


def store_of(wiring: Wiring) -> LeaseStore:
    """The lease of the wiring's environment."""
    return LeaseStore(wiring.state_bucket, wiring.named)


def wish_of(wiring: Wiring) -> Wish:
    """What this run wants the lease to say."""
    from deployer.playbooks.recording import ci_of

    environment = wiring.environment
    ci = ci_of(wiring.target.process_environment) or {}
    commit, _ = wiring.checkout.standing()
    return Wish(
        environment=environment.name,
        number=number_of(wiring),
        owner=Owner(run=wiring.run_id, who=ci.get("account") or identity(), url=ci.get("url")),
        commit=commit,
        lasts=lasts_of(wiring),
    )


def lasts_of(wiring: Wiring) -> timedelta:
    """How long a lease lasts after a run."""
    return timedelta(hours=wiring.environment.lease.hours)


def number_of(wiring: Wiring) -> int:
    """The pull request's number."""
    number = wiring.environment.number
    if number is None:
        raise UsageError(
            f"`{wiring.environment.name}` is no ephemeral environment",
            hint="name one of a template, e.g. `--number 12`",
        )
    return number


def management_of(wiring: Wiring, *, say: Callable[[str], None]) -> ConvexManagement | None:
    """Convex's Management API, if the environment has a preview and there is a token; said if there is none."""
    if wiring.environment.convex.type != "preview":
        return None
    token = wiring.target.credentials.get(MANAGEMENT_TOKEN)
    if not token:
        say(f"note: Convex's previews are neither counted, kept nor deleted: no {MANAGEMENT_TOKEN}")
        return None
    wiring.redactor.add(token)
    project = wiring.loaded.inventory.project
    return ConvexManagement(
        http=wiring.http,
        base=wiring.target.convex_url,
        team=project.convex_team,
        project=project.convex_project,
        token=lambda: token,
        guard=wiring.guard,
    )
