"""Lets runs go on where the end of a ledger is not certain, because a person has looked; the ledger keeps that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.cli.command_line import command_line
from deployer.cli.signals import asking
from deployer.cli.subject import begin
from deployer.errors import Damaged, UsageError

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.playbooks.wiring import Wiring


def accept_end(session: Session, *, env: str, sandbox: bool, others: bool) -> int:
    """Take what is there for the end of the ledger, and open and close a run that says so; `others` are other flags."""
    from deployer.cli.targets import connect
    from deployer.playbooks.credentials import require_credentials

    if others:
        raise UsageError("`--accept` goes with no other flag of this command", hint="look first, then accept")
    subject = begin(session, env=env, sandbox=sandbox)
    with subject.locked(session):
        target = connect(session, subject.loaded, subject.environment, sandbox=sandbox)
        wiring = subject.wiring(session, target)
        require_credentials(wiring, references={})
        command = command_line(session.command, {"env": env, "accept": True, "sandbox": sandbox})
        with asking(session.stop):
            accepted = _accepted(session, wiring, command)
    if session.json:
        session.answer({"accepted": accepted})
    for line in accepted:
        session.sink.talk(f"accepted: {line}")
    said = "runs go on from here" if accepted else "its end is certain: there is nothing to accept"
    session.sink.talk(f"the ledger of `{subject.environment.name}`: {said}")
    return 0


def _accepted(session: Session, wiring: Wiring, command: str) -> list[str]:
    """What was wrong, written down; nothing if the end is certain."""
    from deployer.playbooks.recording import environment_lock, holding, ledger_of
    from deployer.steps.ledger_check import verify

    ledger, say = ledger_of(wiring), session.sink.talk
    try:
        ledger.head()
    except Damaged:
        pass
    else:
        return []
    problems = [f"{problem.key} {problem.text}" for problem in verify(ledger)]
    end = ledger.found_end()
    if end.open is not None:
        lock = environment_lock(wiring, command=command, say=say)
        verdict = lock.owners.judge(end.open)
        if not verdict.gone:
            raise lock.held(end.open, verdict)
    ledger.accept(end)
    with holding(wiring, command=command, say=say) as recorder:
        recorder.more["accepted"] = problems
    return problems
