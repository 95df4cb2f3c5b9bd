"""What plans prints: the stored bundles, and what became of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deployer.cli.history_views import parse_limit
from deployer.cli.subject import open_run
from deployer.words import moment

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.playbooks.wiring import Wiring
    from deployer.review.manifest import Manifest
    from deployer.steps.bundle_store import StoredPlan

_STYLES = {"applied": ("green",), "expired": ("dim",), "open": ("bold",)}
# A plan that was applied longer ago than that many runs has expired.
_RUNS = 100


def list_plans(session: Session, *, env: str, sandbox: bool, commit: str, limit: str) -> int:
    """Print them, the newest first."""
    from deployer.playbooks.credentials import require_credentials
    from deployer.steps.bundle_store import PlanStore

    count = parse_limit(limit)
    loaded = session.inventory()
    wiring = open_run(session, env=env or loaded.sample_name(), sandbox=sandbox)
    if not env:
        session.environment = None
    require_credentials(wiring, references={})

    def wanted(manifest: Manifest) -> bool:
        ours = manifest.target == wiring.target.name and (not env or manifest.environment == wiring.environment.name)
        return ours and (manifest.commit or "").startswith(commit)

    found = PlanStore(wiring.state_bucket).newest(count, wanted=wanted, say=session.sink.talk)
    applied = _applied(wiring, {each.manifest.environment for each in found})
    documents = [_document(each, applied) for each in found]
    if session.json:
        session.answer({"plans": documents})
    else:
        _print(session, documents)
    return 0


def _applied(wiring: Wiring, environments: set[str]) -> Mapping[str, str]:
    """Bundle to when a run that applied it ended well, by the store's clock."""
    from deployer.steps.ledger import Ledger
    from deployer.steps.ledger_runs import last_runs
    from deployer.words import Named

    found = {}
    for name in sorted(environments):
        for run in last_runs(Ledger(wiring.state_bucket, Named(name, wiring.target.name)), _RUNS):
            if run.plan and run.outcome == "ok" and run.closed is not None:
                found[str(run.plan.get("id"))] = run.closed.written.isoformat()
    return found


def _document(stored: StoredPlan, applied: Mapping[str, str]) -> dict[str, Any]:
    manifest = stored.manifest
    state = "applied" if manifest.id in applied else "open"
    if state == "open" and manifest.expires <= dt.datetime.now(dt.UTC):
        state = "expired"
    return {
        "id": manifest.id,
        "environment": manifest.environment,
        "state": state,
        "applied": applied.get(manifest.id),
        "created": manifest.created.isoformat(),
        "expires": manifest.expires.isoformat(),
        "planner": manifest.planner.who,
        "commit": manifest.commit,
        "dirty": manifest.dirty,
        "risk": manifest.risk.value,
        "needed": manifest.needed,
        "signed": list(stored.signed),
    }


def _print(session: Session, documents: Sequence[Mapping[str, Any]]) -> None:
    from deployer.report.text import wrapped

    sink = session.sink
    for each in documents:
        sink.data(f"{each['id']}  {sink.paint(each['state'], *_STYLES[each['state']])}")
        until = moment(dt.datetime.fromisoformat(each["applied"] or each["expires"]))
        signed = f"signed by {', '.join(each['signed'])}" if each["signed"] else "signed by nobody"
        commit = f"commit {each['commit'][:12]}{'+' if each['dirty'] else ''}" if each["commit"] else "no commit"
        parts = (
            f"by {each['planner']}",
            commit,
            f"risk {each['risk']}",
            *((signed, f"{each['needed']} needed") if each["needed"] else ()),
            f"{'applied' if each['applied'] else 'until'} {until}",
        )
        for line in wrapped("  ".join(parts), indent="  "):
            sink.data(line)
    if not documents:
        sink.talk("no such plan is stored; `inv plan --env NAME --store` stores one")
