"""Tasks of reviewed changes: plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.cli.boundary import command
from deployer.cli.flags import SANDBOX, SET

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
        "diff": "show every attribute",
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
    """
    from deployer.cli.plan_runs import PlanWish, plan_environments

    wish = PlanWish(
        env=env, sandbox=sandbox, out=out, store=store, diff=diff, link=link or None, settings=tuple(set_ or ())
    )
    return plan_environments(session, wish)


TASKS: Final = (plan,)
