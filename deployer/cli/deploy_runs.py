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

    return Verb(playbook=deploy, permit=_permit_deploy, shows_url=True, heeds_freezes=True)


def _permit_deploy(session: Session, wish: Wish, subject: Subject) -> None:
    """As `refuse_unreviewed`; who deploys an ephemeral environment by hand should know that nothing keeps it."""
    refuse_unreviewed(session, wish, subject)
    if subject.environment.number is not None:
        name, up = subject.environment.name, subject.named.command("pr.up")
        session.sink.talk(f"note: a deploy takes no lease, without one a sweep removes `{name}`; {up} takes it")


def destroy_verb() -> Verb:
    """`inv destroy`."""
    from deployer.playbooks.destroy import destroy

    return Verb(playbook=destroy, permit=confirm_destroy, heeds_freezes=True)


def confirm_destroy(session: Session, wish: Wish, subject: Subject) -> None:
    """Hold up a destroy that nobody confirmed, or that the inventory's guard forbids."""
    name = subject.environment.name
    require_allowed(subject, env=wish.env, allow_protected=wish.allow_protected)
    _refuse_reviewed_only(
        subject,
        wish,
        ", so nobody destroys it alone",
        hint="take `reviewed_only` and `approvals` out of the inventory, where that is reviewed, then destroy it",
    )
    if is_asked(subject, yes=wish.yes):
        announcement = f"This removes everything of `{name}` on {subject.target}."
        ask(session, subject, deed=f"`{name}` is destroyed", announcement=announcement)


def refuse_unreviewed(_session: Session, wish: Wish, subject: Subject) -> None:
    """Hold up a deploy of an environment that changes by reviewed plans only."""
    _refuse_reviewed_only(
        subject,
        wish,
        ": guards.reviewed_only is true",
        hint=f"{subject.named.command('plan', '--out plan/')}, let it be approved, then `inv apply --plan plan/`",
    )


def _refuse_reviewed_only(subject: Subject, wish: Wish, why: str, *, hint: str) -> None:
    """Refuse it on the real target; on the sandbox everything can be rehearsed."""
    effective = subject.loaded.effective(wish.env)
    if subject.target == "cloudflare" and effective.environment.guards.reviewed_only:
        raise GuardRefused(
            f"`{effective.environment.name}` changes by reviewed plans only{why}",
            place=effective.origins[("guards", "reviewed_only")].place,
            hint=hint,
        )
