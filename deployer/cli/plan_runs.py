"""Makes plans for a task: from flags to bundles, text and exit code.

One environment is planned as a run of its own; several are planned side by side, each in a thread, and shown one after
the other. What a plan is, is not known here.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from deployer.cli.signals import asking
from deployer.cli.subject import Subject, begin
from deployer.errors import ChangesPending, DeployError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.adapters.target import Target
    from deployer.cli.session import Session
    from deployer.inventory.load import LoadedInventory
    from deployer.playbooks.plan import Composed
    from deployer.review.view import PlanView

_AT_ONCE: Final = 4


@dataclass(frozen=True, kw_only=True)
class PlanWish:
    """The flags of `inv plan`."""

    env: str
    sandbox: bool
    out: str = ""
    store: bool = False
    diff: bool = False
    link: str | None = None
    comment: str = ""
    # Whether whoever asks puts the plan into the step's summary anyway.
    summarized: bool = False
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What became of one environment: a plan, where it is kept and by which digest, or an error."""

    environment: str
    view: PlanView | None = None
    kept: str | None = None
    digest: str | None = None
    error: DeployError | None = None


def plan_environments(session: Session, wish: PlanWish) -> int:
    """Plan one environment or several and return the exit code."""
    planned = plan_all(session, wish)
    for each in planned:
        if each.error is not None:
            raise each.error
    return ChangesPending.exit_code if any(each.view and pending(each.view) for each in planned) else 0


def plan_all(session: Session, wish: PlanWish) -> list[Planned]:
    """Plan one environment or several, show the plans, and return what became of each."""
    from deployer.cli.plan_comments import commenter

    names = _names(session, wish)
    comments = commenter(session, wish, names[0])
    with asking(session.stop):
        if len(names) == 1:
            planned = [_plan_alone(session, wish, comments.environment if comments else names[0], told=bool(comments))]
        else:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                planned = list(pool.map(lambda name: _plan_beside(session, wish, name), names))
    _show(session, wish, planned)
    if comments is not None:
        comments.write(planned, link=wish.link, summarized=wish.summarized)
    return planned


def pending(view: PlanView) -> bool:
    """Whether an apply would change anything but files of the machine that it runs on."""
    return any(not change.local for change in view.changes)


def _names(session: Session, wish: PlanWish) -> list[str]:
    """The environments that `--env` names; those made from a template are known by their states."""
    from fnmatch import fnmatchcase

    words = [word.strip() for word in wish.env.split(",") if word.strip()]
    patterns = any(word == "all" or "*" in word for word in words)
    if len(words) < 2 and not patterns:
        return words or [""]
    loaded = session.inventory(wish.settings)
    known = _known(session, wish, loaded) if patterns else []
    found: list[str] = []
    nothing: list[str] = []
    for word in words:
        fitting = known if word == "all" else [each for each in known if fnmatchcase(each, word)]
        if not fitting and "*" in word:
            nothing.append(word)
        # By its own name: an alias may be named beside it.
        found += fitting or ([] if "*" in word else [loaded.environment(word).name])
    if not found:
        raise UsageError(
            f"no environment is called like `{wish.env}`", hint=f"there are: {', '.join(known)}; `inv envs` lists them"
        )
    for word in nothing:
        session.sink.talk(f"note: no environment is called like `{word}`")
    return list(dict.fromkeys(found))


def _known(session: Session, wish: PlanWish, loaded: LoadedInventory) -> list[str]:
    """All environments. The bucket is asked only if there are templates."""
    from deployer.cli.subject import open_run
    from deployer.inventory.state_keys import STATES
    from deployer.playbooks.environments import all_environments, written_out

    written = written_out(loaded)
    if len(written) == len(loaded.entries):
        return written
    wiring = open_run(session, env=loaded.sample_name(), sandbox=wish.sandbox)
    return all_environments(loaded, wiring.state_bucket.list_keys(STATES))


def _plan_alone(session: Session, wish: PlanWish, name: str, *, told: bool) -> Planned:
    """Plan the only one; where somebody is told of it, also of an error, that is kept until then."""
    try:
        return _plan(session, wish, name, folder=_folder(wish.out), alone=True)
    except DeployError as error:
        if not told:
            raise
        return Planned(environment=name, error=error)


def _plan_beside(session: Session, wish: PlanWish, name: str) -> Planned:
    """Plan one of several: an error is kept, the others go on."""
    folder = _folder(wish.out, name)
    try:
        return _plan(session, wish, name, folder=folder, alone=False)
    except DeployError as error:
        return Planned(environment=name, error=error)


def _folder(out: str, *below: str) -> Path | None:
    """Where the bundle goes; without `..`, which would be a name like any other to those who put things beside it."""
    return Path(os.path.normpath(out), *below) if out else None


def _plan(session: Session, wish: PlanWish, name: str, *, folder: Path | None, alone: bool) -> Planned:
    from deployer.cli.targets import connect

    if folder is not None:
        from deployer.steps.bundle import require_replaceable

        require_replaceable(folder)
    subject = begin(session, env=name, sandbox=wish.sandbox, settings=wish.settings)
    with subject.locked(session):
        target = connect(session, subject.loaded, subject.environment, sandbox=wish.sandbox)
        composed = _run(session, wish, subject, target, alone=alone)
        environment, view = subject.environment.name, composed.view
        from deployer.steps.policy import refuse_violations  # Terraform was started before this was needed

        try:
            refuse_violations(view.findings, named=subject.named)
        except DeployError as error:
            # A plan that breaks a rule is shown and not kept: nobody can approve or apply it.
            return Planned(environment=environment, view=view, error=error)
        kept, digest = _keep(session, wish, subject, target, composed, folder)
    return Planned(environment=environment, view=view, kept=kept, digest=digest)


def _run(session: Session, wish: PlanWish, subject: Subject, target: Target, *, alone: bool) -> Composed:
    from functools import partial

    from deployer.steps.ahead import HeadStart

    wiring = subject.wiring(session, target)
    head_starts: dict[str, HeadStart] = {
        name: HeadStart(partial(wiring.stack, name)) for name in subject.environment.stacks
    }
    for start in head_starts.values():
        start.begin()
    # What is imported here takes as long as Terraform takes.
    from deployer.engine.run import Listener, RunOptions, run
    from deployer.playbooks.plan import Noted, compose, plan
    from deployer.report.terminal import TerminalReport
    from deployer.steps.reviewing import PlanKept

    kept, noted = PlanKept(whole=bool(wish.out or wish.store)), Noted()
    listeners: list[Listener] = []
    if alone:
        listeners.append(
            TerminalReport(session.sink, environment=subject.environment.name, target=subject.target, brief=True)
        )
    options = RunOptions(
        check=True, workers=subject.environment.limits.parallel_steps, stop=session.stop, listeners=listeners
    )
    result = run(plan(wiring, kept, noted, head_starts=head_starts), options)
    if result.error is not None:
        raise result.error
    return compose(wiring, result=result, kept=kept, noted=noted, settings=wish.settings)


def _keep(
    session: Session, wish: PlanWish, subject: Subject, target: Target, composed: Composed, folder: Path | None
) -> tuple[str | None, str | None]:
    """Write the bundle where it was asked for; returns what `--plan` takes, and the digest that approvals bind to."""
    if folder is None and not wish.store:
        return None, None
    from deployer.cli.bundles import copies
    from deployer.playbooks.plan import bundle_files
    from deployer.steps.bundle import read_bundle, write_bundle
    from deployer.steps.bundle_store import PlanStore

    identifier = composed.view.manifest.id
    kept = str(folder) if folder else identifier
    manifest, files = bundle_files(composed, plan=kept, link=wish.link)
    place = folder or copies(subject.folder.path) / identifier
    write_bundle(place, manifest, files)
    if wish.store:
        PlanStore(subject.wiring(session, target).state_bucket).put(read_bundle(place))
    return kept, manifest.bundle_digest


def _show(session: Session, wish: PlanWish, planned: Sequence[Planned]) -> None:
    from deployer.report.plan_text import plan_lines
    from deployer.report.text import error_lines

    target = "sandbox" if wish.sandbox else "cloudflare"
    if session.json:
        documents = [_document(each, target) for each in planned]
        if len(documents) == 1:
            session.document(documents[0])
            return
        session.environment, session.target = None, target
        outcomes = {document["outcome"] for document in documents}
        worst = next(outcome for outcome in ("failed", "changes", "ok") if outcome in outcomes)
        session.answer({"plans": documents}, outcome=worst)
        return
    sink = session.sink
    for number, each in enumerate(planned):
        if number:
            sink.data("")
        if each.view is not None:
            for line in plan_lines(each.view, width=sink.width, paint=sink.paint, diff=wish.diff, plan=each.kept):
                sink.data(line)
        elif each.error is not None and each.error is not next(one.error for one in planned if one.error):
            # The first failure is said last of all, by the boundary.
            for line in error_lines(each.error, width=sink.width):
                sink.talk(f"{each.environment}: {line}" if line.startswith("error") else line)


def _document(planned: Planned, target: str) -> dict[str, Any]:
    from deployer.report.document import error_document, failure_document
    from deployer.report.plan_document import plan_document

    if planned.view is not None and planned.error is not None:
        return {**plan_document(planned.view), "error": error_document(planned.error)}
    if planned.view is not None:
        return plan_document(planned.view)
    assert planned.error is not None
    return failure_document(planned.error, command="plan", environment=planned.environment, target=target)
