"""Runs one playbook for a task: from flags to exit code.

Here the parts meet: inventory, lock, target, wiring, engine, reports. What a playbook does is not known here.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deployer.cli.signals import asking
from deployer.cli.subject import Subject, begin
from deployer.errors import ChangesPending, GuardRefused, UsageError

if TYPE_CHECKING:
    from deployer.adapters.target import Target
    from deployer.cli.session import Session
    from deployer.engine.playbook import Playbook, Selection
    from deployer.engine.result import RunResult


@dataclass(frozen=True, kw_only=True)
class Wish:
    """The flags of a run."""

    verb: str
    env: str
    sandbox: bool
    check: bool = False
    diff: bool = False
    tags: str = ""
    skip_tags: str = ""
    list_steps: bool = False
    settings: tuple[str, ...] = ()
    timeout: str = ""
    detailed_exitcode: bool = False
    yes: bool = False
    allow_protected: bool = False


def run_playbook(session: Session, wish: Wish) -> int:
    """Run the playbook that `wish.verb` names and return the exit code."""
    timeout = parse_duration(wish.timeout) if wish.timeout else None
    subject = begin(session, env=wish.env, sandbox=wish.sandbox, settings=wish.settings)
    if wish.list_steps:
        return _list_steps(session, wish, subject)
    if wish.verb == "destroy" and not wish.check:
        confirm_destroy(session, wish, subject)

    from deployer.adapters.environ import identity
    from deployer.cli.targets import connect

    with subject.folder.locked(command=f"inv {wish.verb}", who=identity()):
        target = connect(session, subject.loaded, subject.environment, sandbox=wish.sandbox)
        playbook = build(session, wish.verb, subject, target, details=wish.diff)
        selection = playbook.select(tags=_words(wish.tags), skip_tags=_words(wish.skip_tags))
        url = target.public_url(subject.environment.host) if wish.verb == "deploy" else None
        with asking(session.stop):
            result = _run(session, wish, subject, playbook, selection, timeout)
            return _conclude(session, wish, subject, result, url)


def build(session: Session, verb: str, subject: Subject, target: Target, *, details: bool = False) -> Playbook:
    """Wire the adapters and make the playbook of a verb."""
    wiring = subject.wiring(session, target, details=details)
    if verb == "deploy":
        from deployer.playbooks.deploy import deploy

        return deploy(wiring)
    from deployer.playbooks.destroy import destroy

    return destroy(wiring)


def _run(
    session: Session, wish: Wish, subject: Subject, playbook: Playbook, selection: Selection, timeout: float | None
) -> RunResult:
    from deployer.engine.journal import Journal, last_cut_off
    from deployer.engine.run import Listener, RunOptions, run
    from deployer.report.terminal import TerminalReport

    listeners: list[Listener] = [
        TerminalReport(session.sink, environment=subject.environment.name, target=subject.target, diff=wish.diff)
    ]
    cut_off = last_cut_off(subject.folder.path)
    if cut_off is not None:
        session.sink.talk(f"note: {cut_off}")
    if not wish.check:
        listeners.append(Journal(subject.folder.path))
    return run(
        playbook,
        RunOptions(
            check=wish.check,
            workers=subject.environment.limits.parallel_steps,
            timeout=timeout,
            selection=selection,
            stop=session.stop,
            listeners=listeners,
        ),
    )


def _conclude(session: Session, wish: Wish, subject: Subject, result: RunResult, url: str | None) -> int:
    from deployer.engine.result import Outcome
    from deployer.report.document import run_document

    if session.json:
        session.document(
            run_document(
                result,
                command=wish.verb,
                environment=subject.environment.name,
                target=subject.target,
                url=url,
                diff=wish.diff,
            )
        )
    if result.error is not None:
        raise result.error
    if url is not None and not wish.check and not session.json:
        session.sink.data(url)
    if wish.detailed_exitcode and result.outcome is Outcome.CHANGES:
        return ChangesPending.exit_code
    return 0


def _list_steps(session: Session, wish: Wish, subject: Subject) -> int:
    from deployer.cli.targets import offline
    from deployer.report.text import list_steps_lines

    playbook = build(session, wish.verb, subject, offline(session, subject.loaded))
    selection = playbook.select(tags=_words(wish.tags), skip_tags=_words(wish.skip_tags))
    if session.json:
        session.document(
            {
                "schema": 1,
                "command": wish.verb,
                "environment": subject.environment.name,
                "steps": [
                    {
                        "name": step.name,
                        "tags": sorted(step.tags),
                        "needs": list(step.needs),
                        "selected": selection.includes(step.tags),
                    }
                    for step in playbook.steps
                ],
            }
        )
        return 0
    for line in list_steps_lines(playbook, selection):
        session.sink.data(line)
    return 0


def confirm_destroy(session: Session, wish: Wish, subject: Subject) -> None:
    """Hold up a destroy that nobody confirmed, or that the inventory's guard forbids."""
    loaded, environment = subject.loaded, subject.environment
    protected = environment.guards.protected
    if protected and not wish.allow_protected:
        raise GuardRefused(
            f"`{environment.name}` is protected: guards.protected is true",
            place=loaded.effective(wish.env).origins[("guards", "protected")].place,
            hint="--allow-protected overrides it, for those who are sure",
        )
    if wish.yes and (not protected or wish.sandbox):
        return
    if not sys.stdin.isatty():
        raise GuardRefused(
            f"nobody is there to confirm that `{environment.name}` is destroyed",
            hint="type its name on a terminal" if protected else "add --yes",
        )
    session.sink.talk(f"This removes everything of `{environment.name}` on {subject.target}.")
    sys.stderr.write("Type the environment's name to go on: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != environment.name:
        raise GuardRefused(f"`{environment.name}` was not confirmed; nothing was touched")


def parse_duration(text: str) -> float:
    """Read `90`, `90s`, `10m` or `1h` as seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|h)?", text.strip())
    if match is None or float(match.group(1)) <= 0:
        raise UsageError(f"`--timeout {text}` is not a duration", hint="e.g. 90, 10m, 1h")
    return float(match.group(1)) * {"s": 1, "m": 60, "h": 3600}[match.group(2) or "s"]


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
