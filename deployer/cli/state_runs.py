"""Runs that change a state itself: through the same machinery as a deploy, so that the ledger knows of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deployer.cli.confirm import ask, is_asked, require_allowed
from deployer.cli.runs import Verb, Wish, run_playbook
from deployer.cli.subject import Subject, begin

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.playbooks.states import Agreed
    from deployer.playbooks.wiring import Wiring


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
    subject = begin(session, env=wish.env, sandbox=wish.sandbox)
    if not wish.check:
        require_allowed(subject, env=wish.env, allow_protected=wish.allow_protected)
    asking = _Restore(session=session, subject=subject, wanted=wanted)
    verb = Verb(
        name="state.restore",
        playbook=lambda wiring: restore(
            wiring,
            stack=wanted.stack,
            copy=wanted.copy,
            other_lineage=wanted.other_lineage,
            agreed=lambda: asking.agreed,
        ),
        command=_command("state.restore", wish, stack=wanted.stack, copy=wanted.copy),
        admit=asking.admit,
    )
    return run_playbook(session, wish, verb)


def _command(name: str, wish: Wish, **more: str) -> str:
    words = [f"inv {name} --env {wish.env}", *(f"--{flag} {value}" for flag, value in more.items() if value)]
    return " ".join([*words, *(["--sandbox"] if wish.sandbox else [])])
