"""Tells a pull request how its environment stands, from flags to what GitHub shows.

What is told comes from the environment's ledger and its lease, so that a step of a workflow can tell what an earlier
one did, whichever way that ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployer.cli.pr_names import environment_of
from deployer.cli.subject import open_run
from deployer.errors import DeployError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

    from deployer.adapters.github import GitHub
    from deployer.cli.session import Session
    from deployer.playbooks.reporting import Told
    from deployer.playbooks.wiring import Wiring
    from deployer.report.environment_report import EnvironmentReport
    from deployer.steps.environment_lease import Lease
    from deployer.steps.ledger_runs import Run

# The last run in the ledger was one of these: what it changed was not removed.
_MAKING = ("inv deploy", "inv apply", "inv pr.up")


@dataclass(frozen=True, kw_only=True)
class ReportWish:
    """The flags of `inv pr.report`."""

    number: str
    sandbox: bool
    env: str = ""
    state: str = ""
    tests: str = ""
    tests_url: str = ""
    # What was deployed and tested; without it, the pull request's newest commit.
    commit: str = ""
    only_print: bool = False


def report_pull_request(session: Session, wish: ReportWish) -> int:
    """Tell it and return the exit code."""
    from deployer.adapters.actions import COMMIT
    from deployer.playbooks.ephemeral_wiring import number_of
    from deployer.playbooks.github_wiring import require_hub
    from deployer.playbooks.reporting import Told, report_environment
    from deployer.report.environment_report import STATES, TEMPLATE, TESTS

    _one_of(wish.state, STATES, flag="state")
    _one_of(wish.tests, TESTS, flag="e2e")
    if wish.commit and not COMMIT.fullmatch(wish.commit):
        raise UsageError(f"`--commit {wish.commit}` is no whole commit", hint="`git rev-parse HEAD` prints one")
    wiring = open_run(session, env=environment_of(session, number=wish.number, env=wish.env), sandbox=wish.sandbox)
    number = number_of(wiring)
    hub = None if wish.only_print else require_hub(wiring, purpose="tells the pull request")
    newest = _newest_commit(hub, number, sweep=wiring.named.listing("pr.sweep", "--check")) if hub else None
    sha = wish.commit or newest
    lease, run = _known(wiring)
    report = _report(wiring, wish, lease, run, sha=sha)
    body = session.redactor.text(wiring.templates.render(TEMPLATE, report.values()))
    if hub is None or sha is None:
        if session.json:
            session.answer({"number": number, "state": report.state, "body": body})
        else:
            session.sink.data(body.rstrip("\n"))
        return 0
    superseded = _superseded(wish.commit, newest=newest, lease=lease)
    if superseded:
        told = Told(notes=[superseded])
        session.sink.talk(f"note: {superseded}")
    else:
        told = report_environment(hub, report, number=number, sha=sha, body=body, say=session.sink.talk)
        if told.comment is None:
            _put_elsewhere(session, body)
    if session.json:
        session.answer({"number": number, "state": report.state, **told.fields()})
    elif not superseded:
        session.sink.talk(_said(told, number, report))
    return 0


def tell_removed(session: Session, wiring: Wiring, hub: GitHub) -> Told | None:
    """Tell of an environment that a sweep has removed, where it was told of before; None if it is there again."""
    from deployer.playbooks.ephemeral_wiring import number_of
    from deployer.playbooks.reporting import report_removed
    from deployer.report.environment_report import TEMPLATE

    number = number_of(wiring)
    lease, run = _known(wiring)
    if lease is not None and (lease.closed is None or lease.closed.removed is None):
        # Whoever has opened it again tells how it stands.
        return None
    wish = ReportWish(number=str(number), sandbox=wiring.target.name == "sandbox", state="removed")
    report = _report(wiring, wish, lease, run, sha=None)
    body = session.redactor.text(wiring.templates.render(TEMPLATE, report.values()))
    told = report_removed(hub, report, number=number, body=body, say=session.sink.talk)
    if told.changed:
        session.sink.talk(_said(told, number, report))
    return told


def _one_of(value: str, known: tuple[str, ...], *, flag: str) -> None:
    if value and value not in known:
        raise UsageError(f"`--{flag} {value}` is none of {', '.join(known)}", hint=f"e.g. --{flag} {known[0]}")


def _newest_commit(hub: GitHub, number: int, *, sweep: str) -> str:
    pull = hub.pull(number)
    if pull is None:
        _refuse_unknown(hub, number, sweep=sweep)
    return pull.head_sha


def _superseded(commit: str, *, newest: str | None, lease: Lease | None) -> str:
    """Why another run tells it: what this one has tested is no longer there. Empty if that is not so."""
    at = lease.commit if lease else None
    if not commit or commit == newest or at in (None, commit):
        return ""
    return f"the environment is of commit {str(at)[:12]} by now, whose run tells how it stands"


def _refuse_unknown(hub: GitHub, number: int, *, sweep: str) -> NoReturn:
    raise UsageError(
        f"{hub.repository} has no pull request {number}",
        hint=f"check the number; what was left of it is found by {sweep}",
    )


def _put_elsewhere(session: Session, body: str) -> None:
    from deployer.cli.ci_runs import actions_of

    if actions_of(session).summary(body):
        session.sink.talk("note: the text is in the step's summary instead")
    elif not session.json:
        session.sink.data(body.rstrip("\n"))


def _said(told: Told, number: int, report: EnvironmentReport) -> str:
    where = told.comment or f"pull request {number}"
    return f"{where}: {report.state}" + ("" if told.changed else ", as it said already")


# --- what is told -------------------------------------------------------------------------------------------------


def _report(
    wiring: Wiring, wish: ReportWish, lease: Lease | None, run: Run | None, *, sha: str | None
) -> EnvironmentReport:
    from deployer.playbooks.ephemeral_wiring import number_of
    from deployer.playbooks.recording import ci_of
    from deployer.playbooks.reporting import derived_state
    from deployer.report.environment_report import EnvironmentReport

    closed = lease is not None and lease.closed is not None
    state: Any = wish.state or derived_state(closed=closed, outcome=run.outcome if run else None)
    if lease is not None and lease.closed is not None and lease.closed.removed is not None:
        # A job that came too late, or was told so, says what it knows: the tombstone knows better.
        state = "removed"
    tests: Any = wish.tests or None
    body = run.opened.body if run else {}
    ended: Mapping[str, Any] = run.closed.body if run and run.closed else {}
    steps = {str(name): str(status) for name, status in dict(ended.get("steps") or {}).items()}
    worker = ended.get("worker")
    closing = closed and state == "failed"
    commit = wish.commit or (lease.commit if lease else None) or body.get("commit") or sha
    removing = state == "removed" and not str(body.get("command") or "").startswith(_MAKING)
    task = "pr.down" if state == "removed" or closed else "pr.up"
    return EnvironmentReport(
        environment=wiring.environment.name,
        state=state,
        url=wiring.target.public_url(wiring.environment.host),
        commit=str(commit) if commit else None,
        release=str(worker["digest"]) if isinstance(worker, dict) and worker.get("digest") else None,
        took=float(ended["seconds"]) if isinstance(ended.get("seconds"), int | float) else None,
        tests=tests,
        tests_url=wish.tests_url,
        log_url=(ci_of(wiring.target.process_environment) or {}).get("url") or "",
        expires=lease.expires if lease and not closing else None,
        pinned=bool(lease and lease.pinned),
        failure=_failure(run, steps),
        closing=closing,
        command=f"inv {task} --number {number_of(wiring)}{wiring.named.flags}",
        why=lease.closed.why if state == "removed" and lease and lease.closed else "",
        removed=[name for name, status in steps.items() if status == "changed"] if removing else [],
        left=[name for name, status in steps.items() if status == "failed"] if removing else [],
    )


def _known(wiring: Wiring) -> tuple[Lease | None, Run | None]:
    """The lease and the last run. What cannot be asked is unknown: telling that must not fail for it."""
    from deployer.playbooks import recording
    from deployer.playbooks.ephemeral_wiring import store_of
    from deployer.steps.ledger_runs import last_runs

    if not recording.can_ask(wiring):
        return None, None
    ledger = recording.ledger_of(wiring)
    try:
        lease = store_of(wiring).read().lease
    except DeployError:
        lease = None
    try:
        runs = last_runs(ledger, 1)
    except DeployError:
        runs = []
    return lease, runs[-1] if runs else None


def _failure(run: Run | None, steps: Mapping[str, str]) -> str:
    """Why the last run did not end well, in a sentence; empty if it did."""
    if run is None or run.outcome in ("ok", "open"):
        return ""
    reason = (run.closed.body.get("reason") if run.closed else None) or "no reason is known"
    failed = [name for name, status in steps.items() if status == "failed"]
    where = f" in {', '.join(failed)}" if failed else ""
    return f"run {run.number} ended {run.outcome}{where} ({reason})"
