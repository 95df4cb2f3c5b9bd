"""Tasks of those who review: plans, approve, approvals, policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.cli.boundary import command
from deployer.cli.flags import DIFF, ENV, OF_PLAN, PLAN, SANDBOX, YES

if TYPE_CHECKING:
    from deployer.cli.session import Session


@command(
    "plans",
    help={
        "env": f"{ENV}; without it, of all",
        "sandbox": SANDBOX,
        "commit": "only those made from this commit, or from one that begins so",
        "limit": "how many to show, the newest; 0 for all",
    },
)
def plans(
    session: Session,
    *,
    env: str = "",
    sandbox: bool = False,
    commit: str = "",
    limit: str = "20",
    json: bool = False,
    color: bool = True,
) -> int:
    """List the stored plans, the newest first.

    What `inv plan --store` keeps in the state bucket: until when each can be applied, its risk, who has signed, and
    whether it was applied.

      inv plans --env production
      inv plans --commit 1a2b3c4d --json
    """
    from deployer.cli.plans_views import list_plans

    return list_plans(session, env=env, sandbox=sandbox, commit=commit, limit=limit)


@command(
    "approve",
    help={
        "plan": PLAN,
        "env": OF_PLAN,
        "sandbox": SANDBOX,
        "key": "sign with this key: a file of ssh-keygen's, or what gpg knows a key by",
        "as": "who you are in the inventory; the key says it, another one is refused",
        "from_run": "take the approvals of GitHub's reviewers of this run, by its id; `this` is the run that this is",
        "comment": "what you want to say with it; signed and kept",
        "diff": DIFF,
        "yes": YES,
    },
)
def approve(
    session: Session,
    *,
    plan: str = "",
    env: str = "",
    sandbox: bool = False,
    key: str = "",
    as_: str = "",
    from_run: str = "",
    comment: str = "",
    diff: bool = False,
    yes: bool = False,
    json: bool = False,
    color: bool = True,
) -> int:
    """Show a plan, then sign that you approve it.

    The approval is for this bundle, byte for byte, and void when anything changes or when it expires. It lies beside
    the bundle, or in the state bucket for a stored one. An SSH or OpenPGP key signs: git's signing key, else the usual
    one in ~/.ssh; the inventory knows its owner. Needs no credentials for a bundle in a folder.

      inv approve --plan plan/                              what `inv plan --out plan/` has written
      inv approve --plan ID --comment 'with the new cache'  a stored one
      inv approve --plan plan/ --key ~/.ssh/work.pub        with another key than git's
      inv approve --plan ID --from-run this                 in a job that has waited for GitHub's reviewers
    """
    from deployer.cli.approve_runs import ApproveWish, approve_plan

    if from_run:
        from deployer.cli.reviewer_runs import take_reviews

        return take_reviews(session, plan=plan, env=env, sandbox=sandbox, run=from_run, others=bool(key or as_))
    wish = ApproveWish(plan=plan, env=env, sandbox=sandbox, key=key, person=as_, comment=comment, diff=diff, yes=yes)
    return approve_plan(session, wish)


@command("approvals", help={"plan": PLAN, "env": OF_PLAN, "sandbox": SANDBOX})
def approvals(
    session: Session, *, plan: str = "", env: str = "", sandbox: bool = False, json: bool = False, color: bool = True
) -> int:
    """Show who has approved a plan, and how many are missing.

    Each signature is verified; one that does not count is listed with the reason.

      inv approvals --plan plan/
    """
    from deployer.cli.approve_runs import show_approvals

    return show_approvals(session, plan=plan, env=env, sandbox=sandbox)


@command(
    "policy",
    help={
        "env": ENV,
        "plan": f"{PLAN}; without it, what Terraform would do now",
        "sandbox": SANDBOX,
        "list": "only list the rules, and where each stands",
    },
)
def policy(
    session: Session,
    *,
    env: str = "",
    plan: str = "",
    sandbox: bool = False,
    list_: bool = False,
    json: bool = False,
    color: bool = True,
) -> int:
    """Hold a plan against the inventory's rules.

    Terraform's part alone, which is quick; `inv plan` and `inv apply` look at everything by themselves. Nothing is
    written. Exits 0 if no rule stops the plan, else 11.

      inv policy --env production            what Terraform would do now
      inv policy --plan plan/                a bundle
      inv policy --env production --list     the rules, their reasons and places
    """
    from deployer.cli.policy_views import judge_plan, list_rules

    if list_:
        return list_rules(session, env=env, sandbox=sandbox)
    return judge_plan(session, env=env, plan=plan, sandbox=sandbox)


TASKS: Final = (plans, approve, approvals, policy)
"""What `inv --list` shows of this module."""
