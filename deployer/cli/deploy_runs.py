"""Deploys and destroys for a task: what they run, and what has to be said before they may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.cli.confirm import ask, is_asked, require_allowed
from deployer.cli.runs import Verb, Wish
from deployer.errors import GuardRefused

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.cli.subject import Subject


def deploy_verb() -> Verb:
    """`inv deploy`."""
    from deployer.playbooks.deploy import deploy

    return Verb(playbook=deploy, permit=refuse_unreviewed, shows_url=True, heeds_freezes=True)


def destroy_verb() -> Verb:
    """`inv destroy`."""
    from deployer.playbooks.destroy import destroy

    return Verb(playbook=destroy, permit=confirm_destroy, heeds_freezes=True)


def confirm_destroy(session: Session, wish: Wish, subject: Subject) -> None:
    """Hold up a destroy that nobody confirmed, or that the inventory's guard forbids."""
    name = subject.environment.name
    require_allowed(subject, env=wish.env, allow_protected=wish.allow_protected)
    if is_asked(subject, yes=wish.yes):
        announcement = f"This removes everything of `{name}` on {subject.target}."
        ask(session, subject, deed=f"`{name}` is destroyed", announcement=announcement)


def refuse_unreviewed(_session: Session, wish: Wish, subject: Subject) -> None:
    """Hold up a deploy of an environment that changes by reviewed plans only."""
    effective = subject.loaded.effective(wish.env)
    if subject.target != "cloudflare" or not effective.environment.guards.reviewed_only:
        return
    raise GuardRefused(
        f"`{subject.environment.name}` changes by reviewed plans only: guards.reviewed_only is true",
        place=effective.origins[("guards", "reviewed_only")].place,
        hint=f"{subject.named.command('plan', '--out plan/')}, let it be approved, then `inv apply --plan plan/`",
    )
