"""What state.check prints: every state, what is wrong with it, and what to type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deployer.cli.signals import asking
from deployer.cli.subject import begin
from deployer.errors import Damaged

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.playbooks.state_checks import Checked
    from deployer.steps.state_check import Look, Problem

ALL = "all"


def check_states(session: Session, *, env: str, sandbox: bool) -> int:
    """Check the states of an environment, or all of the bucket; Damaged if something is wrong."""
    from deployer.cli.targets import connect
    from deployer.playbooks.state_checks import check_bucket, environments_in, look_around

    everything = env == ALL
    subject = begin(session, env=session.inventory().sample_name() if everything else env, sandbox=sandbox)
    with asking(session.stop):
        target = connect(session, subject.loaded, subject.environment, sandbox=sandbox)
        wiring = subject.wiring(session, target)
        found = look_around(wiring)
        checked = check_bucket(wiring, found, None if everything else subject.environment.name)
        problems = list(checked.problems)
        for name in environments_in(subject.loaded, found) if everything else [subject.environment.name]:
            problems += _in_code(session, name, found, sandbox=sandbox)
    session.environment = ALL if everything else subject.environment.name
    damage = _damage(problems) if problems else None
    _show(session, checked, problems, damage)
    if damage is not None:
        raise damage
    return 0


def _damage(problems: Sequence[Problem]) -> Damaged:
    count, first = len(problems), problems[0]
    return Damaged(
        f"{count} problem{'s' if count > 1 else ''} with the states",
        place=first.place,
        hint=first.hint or "mend what is listed, one after the other",
    )


def _in_code(session: Session, name: str, found: Look, *, sandbox: bool) -> list[Problem]:
    """With the environment's work folder to ourselves: planning writes there."""
    from deployer.cli.targets import connect
    from deployer.playbooks.state_checks import check_code

    subject = begin(session, env=name, sandbox=sandbox)
    with subject.locked(session):
        target = connect(session, subject.loaded, subject.environment, sandbox=sandbox)
        return list(check_code(subject.wiring(session, target), found))


def _show(session: Session, checked: Checked, problems: Sequence[Problem], damage: Damaged | None) -> None:
    if session.json:
        session.answer(
            {
                "states": [
                    {
                        "environment": kept.environment,
                        "stack": kept.stack,
                        "key": kept.key,
                        "serial": kept.state.serial if kept.state else None,
                        "lineage": kept.state.lineage if kept.state else None,
                        "resources": len(kept.state.managed) if kept.state else None,
                    }
                    for kept in checked.states
                ],
                "problems": [problem.document() for problem in problems],
                "notes": [note.document() for note in checked.notes],
            },
            error=damage,
        )
        return
    wrong = {(problem.environment, problem.stack) for problem in problems}
    for kept in checked.states:
        if (kept.environment, kept.stack) not in wrong and kept.state is not None:
            held = len(kept.state.managed)
            session.sink.data(
                f"{session.sink.paint('ok   ', 'green')}  {kept.environment} {kept.stack}: serial {kept.state.serial}, "
                f"{held} resource{'' if held == 1 else 's'}"
            )
    for problem in problems:
        session.sink.data(f"{session.sink.paint('wrong', 'red', 'bold')}  {_name(problem)} {problem.text}")
        session.sink.data(f"       {problem.place}")
        if problem.hint:
            session.sink.data(f"       mend: {problem.hint}")
    for note in checked.notes:
        session.sink.talk(f"note: {_name(note)} {note.text}" + (f"; {note.hint}" if note.hint else ""))
    if not checked.states and not problems:
        session.sink.talk("there are no states")


def _name(problem: Problem) -> str:
    return f"{problem.environment} {problem.stack}:" if problem.stack else "an object:"
