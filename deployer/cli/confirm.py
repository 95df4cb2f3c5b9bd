"""Asks before something that cannot be taken back, and refuses where the inventory's guard forbids it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from deployer.errors import GuardRefused

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.cli.subject import Subject


def require_allowed(subject: Subject, *, env: str, allow_protected: bool) -> None:
    """Refuse a protected environment without --allow-protected."""
    environment = subject.environment
    if environment.guards.protected and not allow_protected:
        raise GuardRefused(
            f"`{environment.name}` is protected: guards.protected is true",
            place=subject.loaded.effective(env).origins[("guards", "protected")].place,
            hint="--allow-protected overrides it, for those who are sure",
        )


def is_asked(subject: Subject, *, yes: bool) -> bool:
    """Whether a person has to confirm: `--yes` does not do for a protected environment, except on the sandbox."""
    return not yes or (subject.environment.guards.protected and subject.target != "sandbox")


def ask(session: Session, subject: Subject, *, deed: str, announcement: str, hint: str = "") -> None:
    """Let the environment's name be typed. `deed` is what happens, as in "`dev` is destroyed".

    `hint` is what to do where nobody can type.
    """
    environment = subject.environment
    if not sys.stdin.isatty():
        raise GuardRefused(
            f"nobody is there to confirm that {deed}",
            hint=hint or ("type its name on a terminal" if environment.guards.protected else "add --yes"),
        )
    session.sink.talk(announcement)
    sys.stderr.write("Type the environment's name to go on: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip() != environment.name:
        raise GuardRefused(f"`{environment.name}` was not confirmed; nothing was touched")
