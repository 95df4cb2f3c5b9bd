"""What pr.list and pr.show print, and the two small changes of a lease: extend and pin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from deployer.cli.pr_names import environment_of
from deployer.cli.subject import open_run
from deployer.errors import UsageError
from deployer.words import moment

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.playbooks.wiring import Wiring
    from deployer.steps.environment_lease import Lease
    from deployer.words import Named

_STYLES = {"open": ("green",), "pinned": ("bold",), "expired": ("yellow",), "closed": ("dim",), "closing": ("red",)}


def show_leases(session: Session, *, sandbox: bool, closed: bool) -> int:
    """Print all leases; tombstones only if they are wanted, or if something of theirs may be left."""
    from deployer.playbooks.credentials import require_credentials
    from deployer.steps.lease_store import all_leases

    wiring = open_run(session, env=session.inventory().sample_name(), sandbox=sandbox)
    session.environment = None
    require_credentials(wiring, references={})
    now = wiring.state_bucket.now()
    found = all_leases(wiring.state_bucket)
    unreadable = [each.environment for each in found if each.lease is None]
    leases = sorted((each.lease for each in found if each.lease is not None), key=lambda each: each.number)
    shown = [lease for lease in leases if closed or state_of(lease, now) != "closed"]
    if session.json:
        session.answer({"leases": [_document(lease, now) for lease in shown], "unreadable": unreadable})
        return 0
    for name in unreadable:
        session.sink.talk(f"note: the lease of `{name}` cannot be read")
    if not shown:
        session.sink.talk("no ephemeral environment has a lease")
        return 0
    session.table(
        ("environment", "state", "until (UTC)", "last run (UTC)", "commit", "who"),
        [
            (
                lease.environment,
                state_of(lease, now),
                "" if lease.pinned or lease.closed else f"{lease.expires:%Y-%m-%d %H:%M}",
                f"{lease.renewed:%Y-%m-%d %H:%M}",
                (lease.commit or "")[:8],
                lease.owner.who,
            )
            for lease in shown
        ],
    )
    return 0


def show_lease(session: Session, *, number: str, env: str, sandbox: bool) -> int:
    """Print everything that is known of one environment without asking the providers."""
    from deployer.playbooks.ephemeral_wiring import store_of
    from deployer.playbooks.pull_requests import pulls_of

    wiring = _open(session, number=number, env=env, sandbox=sandbox)
    held = store_of(wiring).read()
    lease, now = held.lease, held.now
    pulls = pulls_of(wiring, say=session.sink.talk)
    pull = pulls.ask() if pulls.ask is not None else None
    run = _last_run(wiring)
    url = wiring.target.public_url(wiring.environment.host)
    states = sorted(wiring.holdings.states())
    if session.json:
        session.answer(
            {
                "lease": None if lease is None else _document(lease, now),
                "pull_request": {"number": wiring.environment.number, "state": pull},
                "last_run": run,
                "stacks": states,
                "url": url,
            }
        )
        return 0
    unknown = "not known to GitHub" if pulls.ask is not None else "GitHub was not asked"
    rows = [("url", url), ("pull request", f"{wiring.environment.number}, {pull or unknown}")]
    rows += _rows(lease, now, wiring.named)
    rows.append(("stacks", ", ".join(states) or "none has a state"))
    if run is not None:
        rows.append(("last run", f"`{run.get('command')}` of {run.get('who')}: {run.get('outcome')}"))
    for name, text in rows:
        session.sink.data(f"{name:<13} {text}")
    return 0


def extend_lease(session: Session, *, number: str, env: str, sandbox: bool, hours: str) -> int:
    """Let it last longer."""
    from deployer.playbooks.ephemeral_wiring import store_of

    wiring = _open(session, number=number, env=env, sandbox=sandbox)
    lasts = timedelta(hours=_hours(hours, wiring.environment.lease.hours))
    first = _aligned(session, wiring)
    return _changed(session, wiring, store_of(wiring).extend(lasts, first=first))


def pin_lease(session: Session, *, number: str, env: str, sandbox: bool, off: bool) -> int:
    """Let it have no end, or an end again."""
    from deployer.adapters.environ import identity
    from deployer.playbooks.ephemeral_wiring import lasts_of, store_of

    wiring = _open(session, number=number, env=env, sandbox=sandbox)
    store, first = store_of(wiring), _aligned(session, wiring)
    lease = store.unpin(lasts_of(wiring), first=first) if off else store.pin(identity(), first=first)
    return _changed(session, wiring, lease)


def state_of(lease: Lease, now: datetime) -> str:
    """In one word; `closing` is a tombstone of something that may still be there."""
    if lease.closed is not None:
        return "closed" if lease.closed.removed is not None else "closing"
    return "pinned" if lease.pinned is not None else "expired" if lease.expired(now) else "open"


def _aligned(session: Session, wiring: Wiring) -> Callable[[Lease], None]:
    """The Convex preview goes with the lease, not before and not long after.

    Convex is asked before the lease is written: one that lasts longer than Convex keeps a preview would fail each
    later run.
    """
    from deployer.playbooks.ephemeral import needed
    from deployer.playbooks.ephemeral_wiring import management_of
    from deployer.steps.convex_preview import align

    management = management_of(wiring, say=session.sink.talk)

    def first(lease: Lease) -> None:
        if management is not None:
            align(management, wiring.environment.name, needed(lease))

    return first


def _changed(session: Session, wiring: Wiring, lease: Lease) -> int:
    """Say what became of it."""
    now = wiring.state_bucket.now()
    if session.json:
        session.answer({"lease": _document(lease, now)})
        return 0
    until = "has no end" if lease.pinned is not None else f"lasts until {moment(lease.expires)}"
    session.sink.talk(f"`{lease.environment}` {until}")
    return 0


def _open(session: Session, *, number: str, env: str, sandbox: bool) -> Wiring:
    from deployer.playbooks.credentials import require_credentials

    name = environment_of(session, number=number, env=env)
    wiring = open_run(session, env=name, sandbox=sandbox)
    require_credentials(wiring, references={})
    return wiring


def _last_run(wiring: Wiring) -> dict[str, Any] | None:
    from deployer.playbooks.recording import ledger_of
    from deployer.steps.ledger_runs import last_runs

    runs = last_runs(ledger_of(wiring), 1)
    return dict(runs[0].document()) if runs else None


def _document(lease: Lease, now: datetime) -> dict[str, Any]:
    return {**lease.fields(), "state": state_of(lease, now)}


def _rows(lease: Lease | None, now: datetime, named: Named) -> list[tuple[str, str]]:
    if lease is None:
        return [("lease", "none")]
    rows = [("lease", state_of(lease, now)), ("made", moment(lease.created))]
    if lease.closed is not None:
        rows.append(("closed", f"{moment(lease.closed.when)} by {lease.closed.by} ({lease.closed.why})"))
        gone = lease.closed.removed
        rows.append(
            ("removed", moment(gone) if gone else f"not yet, or not wholly: {named.command('pr.down')} goes on")
        )
    elif lease.pinned is not None:
        rows.append(("pinned", f"{moment(lease.pinned.when)} by {lease.pinned.by}"))
    else:
        rows.append(("until", moment(lease.expires)))
    rows.append(("commit", lease.commit or "unknown"))
    rows.append(
        ("taken by", f"{lease.owner.who}, run {lease.owner.run}" + (f", {lease.owner.url}" if lease.owner.url else ""))
    )
    return rows


def _hours(text: str, default: int) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= 2160:
        raise UsageError(f"`--hours {text}` is not a number from 1 to 2160", hint="e.g. `--hours 48`")
    return int(text)
