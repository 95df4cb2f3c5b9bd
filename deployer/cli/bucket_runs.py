"""Runs the bootstrap of the state bucket: a run like a deploy's, of no environment, so without lock and ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from deployer.cli.signals import asking
from deployer.cli.subject import Subject, begin
from deployer.errors import DeployError

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.engine.result import RunResult
    from deployer.playbooks.wiring import Wiring

# Where it keeps its files; no environment can bear that name.
_FOLDER: Final = "_state"


def run_bootstrap(session: Session, *, sandbox: bool, check: bool, diff: bool) -> int:
    """Run it and return the exit code."""
    from deployer.cli.targets import connect
    from deployer.engine.run import RunOptions, run
    from deployer.engine.workfolder import WorkFolder
    from deployer.playbooks.bootstrap import bootstrap
    from deployer.report.terminal import TerminalReport

    sample = begin(session, env=session.inventory().sample_name(), sandbox=sandbox)
    session.environment = None
    folder = WorkFolder.of(session.root, target=sample.target, environment=_FOLDER)
    subject = Subject(loaded=sample.loaded, environment=sample.environment, target=sample.target, folder=folder)
    notes: list[str] = []
    with subject.locked(session):
        target = connect(session, subject.loaded, subject.environment, sandbox=sandbox)
        wiring = subject.wiring(session, target)
        report = TerminalReport(session.sink, environment=wiring.state_bucket.name, target=subject.target, diff=diff)
        with asking(session.stop):
            result = run(
                bootstrap(wiring, note=notes.append),
                RunOptions(
                    check=check,
                    workers=subject.environment.limits.parallel_steps,
                    stop=session.stop,
                    listeners=[report],
                ),
            )
            if check:
                notes.append("conditional writes were not tried: that takes an object, and --check writes none")
            elif result.error is None:
                result = replace(result, error=_unproven(wiring))
            return _conclude(session, subject, result, notes, diff=diff)


def _unproven(wiring: Wiring) -> DeployError | None:
    """What speaks against the bucket once it is as the inventory says."""
    from deployer.steps.bucket_proof import require_conditional_writes

    try:
        require_conditional_writes(wiring.state_bucket)
    except DeployError as error:
        return error
    return None


def _conclude(session: Session, subject: Subject, result: RunResult, notes: list[str], *, diff: bool) -> int:
    from deployer.report.document import run_document

    for note in notes:
        session.sink.talk(f"note: {note}")
    if session.json:
        document = run_document(
            result, command=session.command, environment=None, target=subject.target, url=None, diff=diff
        )
        session.document({**document, "bucket": subject.loaded.inventory.project.state_bucket, "notes": notes})
    if result.error is not None:
        raise result.error
    return 0
