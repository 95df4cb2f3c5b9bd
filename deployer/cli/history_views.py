"""What history prints: a table for people, or one JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from deployer.cli.subject import open_run
from deployer.errors import Damaged, UsageError

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.steps.ledger import Ledger
    from deployer.steps.ledger_check import Problem
    from deployer.steps.ledger_runs import Run

_STYLES = {"ok": ("green",), "failed": ("red",), "killed": ("red",), "interrupted": ("yellow",), "open": ("bold",)}


def show_history(session: Session, *, env: str, sandbox: bool, limit: str, verify: bool) -> int:
    """Print the last runs; with `verify` raise Damaged if the ledger is not whole."""
    from deployer.playbooks.credentials import require_credentials
    from deployer.playbooks.recording import ledger_of
    from deployer.steps.ledger_check import verify as problems_of
    from deployer.steps.ledger_runs import last_runs

    count = parse_limit(limit)
    wiring = open_run(session, env=env, sandbox=sandbox)
    require_credentials(wiring, references={})
    ledger = ledger_of(wiring)
    runs = last_runs(ledger, count)
    problems = problems_of(ledger) if verify else None
    damage = _damage(ledger, problems) if problems else None
    if session.json:
        found = {} if problems is None else {"problems": [{"key": each.key, "text": each.text} for each in problems]}
        session.answer({"runs": [run.document() for run in runs], **found}, error=damage)
    else:
        _print(session, runs)
    if damage is not None:
        raise damage
    if verify:
        session.sink.talk(f"the ledger of `{ledger.environment}` is whole: {len(ledger.sequences())} entries")
    return 0


def parse_limit(text: str) -> int:
    """Read `--limit`; 0 means all."""
    if not (text.isascii() and text.isdecimal()):
        raise UsageError(f"`--limit {text}` is not a number", hint="e.g. --limit 50; 0 shows all")
    return int(text)


def _print(session: Session, runs: Sequence[Run]) -> None:
    from deployer.report.text import wrapped

    sink = session.sink
    if not runs:
        sink.talk(f"nothing was ever changed in `{session.environment}` from here")
        return
    sink.data(sink.paint(f"{'run':>5}  {'time (UTC)':<19}  {'outcome':<11}  {'took':>12}  who", "bold"))
    for run in runs:
        body = run.opened.body
        when = str(body.get("time") or "?")[:19].replace("T", " ")
        outcome = sink.paint(f"{run.outcome:<11}", *_STYLES.get(run.outcome, ()))
        sink.data(f"{run.number:>5}  {when:<19}  {outcome}  {_took(run):>12}  {body.get('who', '?')}")
        said = "  ".join(_particulars(run)) or "nothing is known of what it made"
        for text in (str(body.get("command", "?")), said):
            for line in wrapped(text, indent=" " * 7):
                sink.data(line)


def _took(run: Run) -> str:
    from deployer.report.text import seconds

    took = run.closed.body.get("seconds") if run.closed else None
    return seconds(took) if isinstance(took, int | float) else "-"


def _particulars(run: Run) -> list[str]:
    opened = run.opened.body
    ended: dict[str, Any] = {} if run.closed is None else dict(run.closed.body)
    commit = opened.get("commit")
    worker = _of(ended, "worker", "version")
    override = opened.get("override") or {}
    parts = {
        "commit": f"{str(commit)[:12]}{'+' if opened.get('dirty') else ''}" if commit else None,
        "Worker": str(worker)[:13] if worker else None,
        "plan": run.plan.get("id"),
        "approved by": ", ".join(opened.get("approvals") or ()) or None,
        "in spite of freeze": override.get("freeze"),
        "reason": ended.get("reason") if run.outcome in ("failed", "interrupted") else None,
        "accepted": "; ".join(ended.get("accepted") or ()) or None,
        "closed by": _of(ended, "closed_by", "who"),
    }
    return [f"{label} {value}" for label, value in parts.items() if value]


def _of(ended: dict[str, Any], *path: str) -> Any:
    """A value of the closing entry; of a run that was killed, what the next one found."""
    for place in (ended, dict(ended.get("found") or {})):
        value: Any = place
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if value:
            return value
    return None


def _damage(ledger: Ledger, problems: Sequence[Problem]) -> Damaged:
    count = len(problems)
    return Damaged(
        f"the ledger of `{ledger.environment}` is not what was written: {count} problem{'' if count == 1 else 's'}",
        place=ledger.place(ledger.prefix),
        details=[f"{problem.key} {problem.text}" for problem in problems],
        hint="who may write the bucket? docs/runbooks/ledger-damaged.md says how to go on",
    )
