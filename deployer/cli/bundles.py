"""From what `--plan` was given to a bundle: a folder, or the id of one in the state bucket."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from deployer.errors import PlanUnusable, UsageError

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.steps.bundle import Bundle


def open_bundle(session: Session, *, plan: str, sandbox: bool) -> Bundle:
    """The bundle, whole; a stored one is brought into the work folder with its approvals."""
    from deployer.steps.bundle import read_bundle

    if not plan:
        raise UsageError(
            f"`{session.command}` needs --plan",
            hint="the folder that `inv plan` wrote with `--out`, or the id that it printed with `--store`",
        )
    if not is_stored(plan):
        if not _exists(plan):
            raise PlanUnusable(
                "there is neither a folder nor a stored plan of that name",
                place=plan,
                hint="`inv plan --env NAME --out FOLDER` makes one",
            )
        return read_bundle(Path(plan))
    return _fetch(session, plan, sandbox=sandbox)


def open_for_here(session: Session, *, plan: str, env: str, sandbox: bool) -> Bundle:
    """The bundle, whole, if it is for this project, this environment and target, and its time is not over."""
    from deployer.playbooks.apply import refuse_elsewhere

    bundle = open_bundle(session, plan=plan, sandbox=sandbox)
    loaded = session.inventory()
    environment = loaded.environment(env).name if env else bundle.manifest.environment
    refuse_elsewhere(
        bundle.manifest,
        loaded.inventory.project,
        environment=environment,
        target="sandbox" if sandbox else "cloudflare",
        now=dt.datetime.now(dt.UTC),
    )
    return bundle


def is_stored(plan: str) -> bool:
    """Whether `--plan` means a bundle in the state bucket: a folder of that name goes first."""
    from deployer.steps.bundle_store import is_id

    return is_id(plan) and not _exists(plan)


def _exists(plan: str) -> bool:
    from deployer.steps.bundle import recover

    try:
        # One that a killed run has moved aside is there as well.
        recover(Path(plan))
        return Path(plan).exists()
    except OSError:
        # Too long for a name of a file.
        return False


def _fetch(session: Session, identifier: str, *, sandbox: bool) -> Bundle:
    from deployer.cli.subject import open_run
    from deployer.playbooks.credentials import require_credentials
    from deployer.steps.bundle_store import PlanStore, environment_of

    wiring = open_run(session, env=environment_of(identifier), sandbox=sandbox)
    require_credentials(wiring, references={})
    return PlanStore(wiring.state_bucket).fetch(identifier, copies(wiring.folder) / identifier)


def copies(folder: Path) -> Path:
    """Where an environment's work folder keeps copies of stored bundles, those whose time is over taken away."""
    from deployer.steps.bundle import forget_expired

    plans = folder / "plans"
    forget_expired(plans, now=dt.datetime.now(dt.UTC))
    return plans
