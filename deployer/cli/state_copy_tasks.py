"""Tasks about the state bucket and copies of states: state.bootstrap, .copies, .restore, .check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.cli.boundary import command
from deployer.cli.flags import ALLOW_PROTECTED, CHECK, DIFF, ENV, LOCK_TIMEOUT, ONLY_STACK, SANDBOX, STACK, YES

if TYPE_CHECKING:
    from deployer.cli.session import Session


@command("state.bootstrap", help={"sandbox": SANDBOX, "check": CHECK, "diff": DIFF})
def bootstrap(
    session: Session,
    *,
    sandbox: bool = False,
    check: bool = False,
    diff: bool = False,
    json: bool = False,
    color: bool = True,
) -> int:
    """Make the state bucket what the inventory says.

    The bucket, its lifecycle rules (stored plans go after a while), its lock rules (copies and ledger of protected
    environments stay for a while, whatever anybody does), and proof that the store refuses the second of two writers.
    Rules that are not ours stay as they are. It belongs to all environments, so there is no --env. A second run changes
    nothing.

      inv state.bootstrap --check --diff    what would change
      inv state.bootstrap
    """
    from deployer.cli.state_bootstrap import run_bootstrap

    return run_bootstrap(session, sandbox=sandbox, check=check, diff=diff)


@command(
    "state.copies",
    help={
        "env": ENV,
        "sandbox": SANDBOX,
        "stack": ONLY_STACK,
        "keep": "first make a copy of each state as it is now, unless there is one",
    },
)
def copies(
    session: Session,
    *,
    env: str = "",
    stack: str = "",
    keep: bool = False,
    sandbox: bool = False,
    json: bool = False,
    color: bool = True,
) -> int:
    """List the copies of the states, newest first.

    Each with stack, time, lineage, serial, digest, size, and whether it is what the state holds now, was replaced by a
    restore, or is encrypted. Every apply makes them by itself, before and after.

      inv state.copies --env dev
    """
    from deployer.cli.state_views import show_copies

    return show_copies(session, env=env, stack=stack, keep=keep, sandbox=sandbox)


@command(
    "state.restore",
    help={
        "env": ENV,
        "sandbox": SANDBOX,
        "stack": STACK,
        "copy": "name of the copy, or its beginning; else the newest",
        "other_lineage": "also a copy of another lineage, which is another state altogether",
        "check": "only show the difference",
        "yes": YES,
        "allow_protected": ALLOW_PROTECTED,
        "lock_timeout": LOCK_TIMEOUT,
    },
)
def restore(
    session: Session,
    *,
    env: str = "",
    stack: str = "",
    copy: str = "",
    other_lineage: bool = False,
    sandbox: bool = False,
    check: bool = False,
    yes: bool = False,
    allow_protected: bool = False,
    lock_timeout: str = "",
    json: bool = False,
    color: bool = True,
) -> int:
    """Go back to a copy of a state.

    Shows the difference by resource, asks, and keeps what it replaces. Nothing but the state changes: `inv deploy
    --check` tells afterwards what differs from what is there. Interrupted, run it again.

      inv state.restore --env dev --stack site --check    what the newest copy would change
      inv state.restore --env dev --stack site
    """
    from deployer.cli.runs import Wish
    from deployer.cli.state_runs import RestoreWish, run_restore

    wish = Wish(
        env=env,
        sandbox=sandbox,
        check=check,
        # With --yes nobody was shown the difference before.
        diff=check or yes,
        yes=yes,
        allow_protected=allow_protected,
        lock_timeout=lock_timeout,
    )
    return run_restore(session, RestoreWish(wish=wish, stack=stack, copy=copy, other_lineage=other_lineage))


@command("state.check", help={"env": f"{ENV}; `all` for every state in the bucket", "sandbox": SANDBOX})
def check(session: Session, *, env: str = "", sandbox: bool = False, json: bool = False, color: bool = True) -> int:
    """Check whether states are whole and fit all else.

    JSON, version, serial and lineage against the newest copy and the ledger, locks, states that the inventory does not
    know, things that no code mentions any more, things that are in two states. Exits 13 with each problem, its place
    and what to type. Changes nothing.

      inv state.check --env all
    """
    from deployer.cli.state_checks import check_states

    return check_states(session, env=env, sandbox=sandbox)


TASKS: Final = (bootstrap, copies, restore, check)
