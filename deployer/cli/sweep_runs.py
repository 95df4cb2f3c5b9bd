"""Sweeps for a task: looks at everything, then removes one environment after the other, whatever becomes of each.

Who was told that an environment is up is told that it is removed: no other run does it after a lease that ran out, nor
where GitHub has started none when the pull request was closed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deployer.cli.runs import Verb, Wish, execute
from deployer.cli.sweep_views import conclude, show
from deployer.errors import (
    ChangesPending,
    DeployError,
    EnvironmentLocked,
    EnvironmentReopened,
    Interrupted,
    Unswept,
    UsageError,
)
from deployer.words import Named

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.cli.sweep_views import Outcome
    from deployer.playbooks.sweep import Survey
    from deployer.playbooks.wiring import Wiring
    from deployer.steps.sweep import Finding


@dataclass(frozen=True, kw_only=True)
class SweepWish:
    """The flags of a sweep."""

    check: bool = False
    number: str = ""
    sandbox: bool = False
    detailed_exitcode: bool = False


def sweep(session: Session, wish: SweepWish) -> int:
    """Sweep and return the exit code; what could not be removed or looked at is one error at the end."""
    from deployer.playbooks.sweep import survey

    if wish.detailed_exitcode and not wish.check:
        raise UsageError("--detailed-exitcode goes with --check", hint="add `--check`; a run without it removes things")
    number = _number(wish.number)
    wiring = _looking(session, sandbox=wish.sandbox)
    found = survey(wiring, say=session.sink.talk, number=number)
    show(session, found)
    outcomes = [_remove(session, wish, found, each) for each in found.judgement.findings] if not wish.check else []
    session.environment = None
    error = _problem(found, outcomes, wiring.named)
    conclude(session, found, outcomes, check=wish.check, error=error)
    if error is not None:
        raise error
    return ChangesPending.exit_code if wish.detailed_exitcode and found.judgement.findings else 0


def _number(text: str) -> int | None:
    if not text:
        return None
    if re.fullmatch(r"[1-9][0-9]{0,6}", text) is None:
        raise UsageError(f"`--number {text}` is no number of a pull request", hint="e.g. --number 12")
    return int(text)


def _looking(session: Session, *, sandbox: bool) -> Wiring:
    """The wiring that looks at everything. What it connects to is set up for an environment that is written out."""
    from deployer.cli.subject import Subject, begin
    from deployer.cli.targets import connect
    from deployer.engine.workfolder import WorkFolder
    from deployer.playbooks.environments import written_out
    from deployer.playbooks.sweep import sample_of

    loaded = session.inventory()
    sample = sample_of(loaded)
    subject = begin(session, env=[*written_out(loaded), sample][0], sandbox=sandbox)
    session.environment = None
    target = connect(session, subject.loaded, subject.environment, sandbox=sandbox)
    folder = WorkFolder.of(session.root, target=subject.target, environment="_sweep")
    folder.make()
    seen = Subject(loaded=subject.loaded, environment=loaded.environment(sample), target=subject.target, folder=folder)
    return seen.wiring(session, target)


def _remove(session: Session, wish: SweepWish, found: Survey, finding: Finding) -> Outcome:
    """Remove one environment. An interruption ends the sweep, everything else is told at the end."""
    from deployer.cli.sweep_views import Outcome
    from deployer.steps.sweep import Cause

    session.sink.talk(f"{finding.environment}: {finding.why}")
    try:
        if finding.cause is Cause.TOMBSTONE:
            return Outcome(finding=finding, removed=_forgotten(session, wish, found, finding))
        return _run(session, wish, found, finding)
    except Interrupted:
        raise
    except (EnvironmentLocked, EnvironmentReopened) as error:
        return Outcome(finding=finding, skipped=error.message)
    except DeployError as error:
        return Outcome(finding=finding, error=error, left=tuple(range(len(finding.things))))


def _run(session: Session, wish: SweepWish, found: Survey, finding: Finding) -> Outcome:
    from deployer.cli.sweep_views import Outcome
    from deployer.playbooks.ephemeral import Down
    from deployer.playbooks.sweep import removal

    life = Down(
        say=session.sink.talk,
        why=str(finding.cause),
        only=lambda held: found.still_goes(finding, held),
    )
    wirings: list[Wiring] = []

    def begin(wiring: Wiring) -> None:
        wirings.append(wiring)
        life.begin(wiring)

    verb = Verb(
        playbook=lambda wiring: removal(wiring, finding, life),
        begin=begin,
        gate=life.gate,
        ended=life.ended,
        flags={"number": str(finding.number), "sandbox": wish.sandbox},
    )
    ended = execute(session, Wish(env=finding.environment, sandbox=wish.sandbox), verb)
    error = ended.result.error
    if isinstance(error, (EnvironmentLocked, EnvironmentReopened)):
        return Outcome(finding=finding, skipped=error.message)
    if error is None:
        removed = Outcome(finding=finding, removed=True)
        return _told(session, found, wirings[-1], removed) if life.removed else removed
    if isinstance(error, Interrupted):
        raise error
    return Outcome(finding=finding, error=error, left=_left(wirings[-1], finding))


def _told(session: Session, found: Survey, wiring: Wiring, removed: Outcome) -> Outcome:
    """Bring up to date what its pull request was told. That it went stays true, whatever becomes of telling it."""
    from deployer.cli.report_runs import tell_removed

    if found.hub is None:
        return removed
    try:
        return replace(removed, told=tell_removed(session, wiring, found.hub))
    except Interrupted:
        raise
    except DeployError as error:
        return replace(removed, untold=error)


def _left(wiring: Wiring, finding: Finding) -> tuple[int, ...]:
    """Which of its things are still there after a removal that failed, by their places; those nobody can tell too."""
    from deployer.playbooks.sweep import removers_of

    removers = removers_of(wiring)
    there = []
    for place, thing in enumerate(finding.things):
        try:
            if removers.is_there(thing):
                there.append(place)
        except DeployError:
            there.append(place)
    return tuple(there)


def _forgotten(session: Session, wish: SweepWish, found: Survey, finding: Finding) -> bool:
    """Delete the tombstone of something long gone; False if it is needed again."""
    from deployer.cli.subject import open_run
    from deployer.playbooks.ephemeral_wiring import store_of

    wiring = open_run(session, env=finding.environment, sandbox=wish.sandbox)
    return store_of(wiring).forget(after=found.rules.retention_of(finding.environment))


def _problem(found: Survey, outcomes: Sequence[Outcome], named: Named) -> Unswept | None:
    """One error for everything that is left, and for everything that nobody could look at."""
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    untold = [outcome for outcome in outcomes if outcome.untold is not None]
    unseen = found.seen.unseen
    if not failed and not unseen and not untold:
        return None
    lines = [f"{what} could not be listed: {error.message}" for what, error in unseen]
    for outcome in failed:
        assert outcome.error is not None
        finding = outcome.finding
        lines.append(f"{finding.environment}: {outcome.error.message}")
        lines += [f"  {detail}" for detail in outcome.error.details]
        lines += [f"  {outcome.error.hint}"] if outcome.error.hint else []
        lines += [f"  left: {thing.kind} `{thing.name}`" for thing in outcome.things_left]
        lines.append(f"  {named.listing('pr.sweep', f'--number {finding.number}')} goes on with it")
    for outcome in untold:
        assert outcome.untold is not None
        name = outcome.finding.environment
        lines.append(f"{name} is removed, and its pull request was not told: {outcome.untold.message}")
        lines.append(f"  {Named(name, named.target).command('pr.report')} tells it")
    parts = []
    if failed:
        parts.append(f"{len(failed)} of {len(outcomes)} environments could not be removed as a whole")
    if unseen:
        parts.append(f"{len(unseen)} listing{'s' if len(unseen) > 1 else ''} could not be had")
    if untold:
        parts.append(f"{len(untold)} pull request{'s' if len(untold) > 1 else ''} could not be told")
    return Unswept(
        "; ".join(parts),
        place=", ".join(each.finding.environment for each in failed or untold) or unseen[0][0],
        details=lines,
        hint=f"{named.listing('pr.sweep')} goes on from here once that is mended; docs/runbooks/sweep-failed.md",
    )
