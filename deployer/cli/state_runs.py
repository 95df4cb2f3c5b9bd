"""Runs that change a state itself: through the same machinery as a deploy, so that the ledger knows of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deployer.cli.command_line import Flags
from deployer.cli.confirm import ask, is_asked, require_allowed
from deployer.cli.runs import Verb, Wish, run_playbook
from deployer.cli.subject import Subject, begin
from deployer.errors import UsageError

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.engine.playbook import Playbook
    from deployer.playbooks.states import Agreed
    from deployer.playbooks.wiring import Wiring
    from deployer.steps.state_edit import StateEdit

Note = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class RestoreWish:
    """The flags of a restore; `wish` are those that every run has."""

    wish: Wish
    stack: str
    copy: str = ""
    other_lineage: bool = False


@dataclass(kw_only=True)
class _Restore:
    """Shows what would happen, asks, and remembers what was agreed to."""

    session: Session
    subject: Subject
    wanted: RestoreWish
    agreed: Agreed | None = field(default=None, init=False)

    def admit(self, wiring: Wiring) -> None:
        """Once nobody else is at work: show it and ask, unless it is only looked at or was agreed to by --yes."""
        from deployer.playbooks.states import preview

        wish, wanted = self.wanted.wish, self.wanted
        facts = preview(wiring, stack=wanted.stack, copy=wanted.copy, other_lineage=wanted.other_lineage)
        if facts.same:
            self.session.sink.talk(f"note: the state says already what {facts.copy.name} says; --copy names another")
        if wish.check or not is_asked(self.subject, yes=wish.yes):
            return
        if not facts.same:
            for line in facts.lines():
                self.session.sink.talk(line)
            name, target = self.subject.environment.name, self.subject.target
            what = f"the state `{facts.stack}` of `{name}`"
            announcement = f"This replaces {what} on {target}. What it replaces is kept."
            ask(self.session, self.subject, deed=f"{what} is replaced by a copy", announcement=announcement)
        self.agreed = facts.versions


def run_restore(session: Session, wanted: RestoreWish) -> int:
    """Restore one state and return the exit code."""
    from deployer.playbooks.states import restore

    wish = wanted.wish
    asking = _Restore(session=session, subject=_allowed(session, wish), wanted=wanted)
    verb = Verb(
        playbook=lambda wiring: restore(
            wiring,
            stack=wanted.stack,
            copy=wanted.copy,
            other_lineage=wanted.other_lineage,
            agreed=lambda: asking.agreed,
        ),
        flags={
            "env": wish.env,
            "stack": wanted.stack,
            "copy": wanted.copy,
            "other-lineage": wanted.other_lineage,
            "sandbox": wish.sandbox,
        },
        admit=asking.admit,
    )
    return run_playbook(session, wish, verb)


def run_move(session: Session, wish: Wish, *, stack: str, source: str, destination: str) -> int:
    """Let a thing be known under another address."""
    if not source or not destination:
        raise UsageError("which address? --from and --to are both needed", hint="`inv state.list` lists addresses")
    from deployer.playbooks.states import moved

    def make(wiring: Wiring, _note: Note) -> StateEdit:
        return moved(wiring, stack=stack, source=source, destination=destination)

    return _run_edit(session, wish, make, stack=stack, flags={"from": source, "to": destination})


def run_removal(session: Session, wish: Wish, *, stack: str, addresses: Sequence[str]) -> int:
    """Take things out of a state."""
    if not addresses:
        raise UsageError("which address? --address is missing", hint="`inv state.list` lists addresses")
    from deployer.playbooks.states import forgotten

    def make(wiring: Wiring, note: Note) -> StateEdit:
        return forgotten(wiring, stack=stack, addresses=addresses, note=note)

    return _run_edit(session, wish, make, stack=stack, flags={"address": addresses})


def _run_edit(
    session: Session,
    wish: Wish,
    make: Callable[[Wiring, Note], StateEdit],
    *,
    stack: str,
    flags: Flags,
) -> int:
    subject = _allowed(session, wish)

    def admit(wiring: Wiring) -> None:
        from deployer.playbooks.states import look_at_states

        look_at_states(wiring)
        step = make(wiring, lambda text: session.sink.talk(f"note: {text}"))
        changes = step.changes(step.look())
        if not changes:
            session.sink.talk("note: there is nothing to do")
        elif not wish.check and is_asked(subject, yes=wish.yes):
            for change in changes:
                session.sink.talk(f"{change.address}: {change.summary}")
            what = f"the state `{step.state.stack}` of `{subject.environment.name}`"
            announcement = f"This changes {what} on {subject.target}, and nothing else. A copy of it is kept."
            ask(session, subject, deed=f"{what} is changed", announcement=announcement)

    def playbook(wiring: Wiring) -> Playbook:
        from deployer.playbooks.states import editing

        return editing(wiring, session.command, make(wiring, lambda _text: None))

    shown = {"env": wish.env, "stack": stack, **flags, "sandbox": wish.sandbox}
    return run_playbook(session, wish, Verb(playbook=playbook, flags=shown, admit=admit))


def _allowed(session: Session, wish: Wish) -> Subject:
    """The environment, if the inventory's guard lets it be touched, or if it is only looked at."""
    subject = begin(session, env=wish.env, sandbox=wish.sandbox)
    if not wish.check:
        require_allowed(subject, env=wish.env, allow_protected=wish.allow_protected)
    return subject
