"""Tasks of reviewed changes: plan, apply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.cli.boundary import command
from deployer.cli.flags import DIFF, LOCK_TIMEOUT, OF_PLAN, PLAN, RUN, SANDBOX, SET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.cli.session import Session

_ENVS: Final = "environment, several with commas, `all`, or a pattern such as 'pr-*'"


@command(
    "plan",
    help={
        "env": _ENVS,
        "sandbox": SANDBOX,
        "set": SET,
        "out": "write the plan bundle to this folder (one below it for each of several environments)",
        "store": "keep the bundle in the state bucket, for `inv apply --plan ID`",
        "diff": DIFF,
        "comment": "keep a comment with it on this pull request, one for each environment",
        "link": "address of the whole plan, for the Markdown that has no room for it",
    },
    lists=("set_",),
)
def plan(
    session: Session,
    *,
    env: str = "",
    sandbox: bool = False,
    out: str = "",
    store: bool = False,
    diff: bool = False,
    link: str = "",
    comment: str = "",
    set_: Sequence[str] | None = None,
    json: bool = False,
    color: bool = True,
) -> int:
    """Show what a deploy would change; keep it for review.

    Terraform, Worker, Convex, variables and secrets in one plan, the dangerous changes first. Nothing is written to any
    service, but for the bundle itself with --store. Exits 0 if nothing would change, 10 if something would.

      inv plan --env production --out plan/     then: inv approve --plan plan/, inv apply --plan plan/
      inv plan --env production --store         the same without a folder; prints the id
      inv plan --env all                        all environments, side by side
      inv plan --env production --comment 12    and tell pull request 12; told again, the comment is changed in place
    """
    from deployer.cli.plan_runs import PlanWish, plan_environments

    wish = PlanWish(
        env=env,
        sandbox=sandbox,
        out=out,
        store=store,
        diff=diff,
        link=link or None,
        comment=comment,
        settings=tuple(set_ or ()),
    )
    return plan_environments(session, wish)


@command(
    "apply",
    help={
        "plan": PLAN,
        "env": OF_PLAN,
        "sandbox": SANDBOX,
        "replan": "plan afresh, and go on only if that means the same",
        "check": "only say whether it would be applied; nothing is written anywhere",
        "diff": DIFF,
        "override_freeze": RUN["override_freeze"],
        "reason": RUN["reason"],
        "timeout": RUN["timeout"],
        "lock_timeout": LOCK_TIMEOUT,
    },
)
def apply(
    session: Session,
    *,
    plan: str = "",
    env: str = "",
    sandbox: bool = False,
    replan: bool = False,
    check: bool = False,
    diff: bool = False,
    override_freeze: str = "",
    reason: str = "",
    timeout: str = "",
    lock_timeout: str = "",
    json: bool = False,
    color: bool = True,
) -> int:
    """Apply exactly what was reviewed, or say what differs.

    Another commit, another environment, a moved state, a changed input, a damaged bundle, a missing approval: each is
    said, all at once, before anything is touched. A bundle is applied once; one whose run was cut off goes on.

      inv apply --plan plan/                 what `inv plan --out plan/` has written
      inv apply --plan plan/ --check         only look whether it would be applied
      inv apply --plan plan/ --replan        plan afresh; go on if it means the same
    """
    from deployer.cli.apply_runs import ApplyWish, apply_plan

    return apply_plan(
        session,
        ApplyWish(
            plan=plan,
            env=env,
            sandbox=sandbox,
            check=check,
            diff=diff,
            replan=replan,
            override_freeze=override_freeze,
            reason=reason,
            timeout=timeout,
            lock_timeout=lock_timeout,
        ),
    )


TASKS: Final = (plan, apply)
