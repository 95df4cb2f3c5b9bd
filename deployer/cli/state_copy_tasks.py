"""Tasks about copies of states: state.copies, state.restore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.cli.boundary import command
from deployer.cli.flags import ALLOW_PROTECTED, ENV, LOCK_TIMEOUT, ONLY_STACK, SANDBOX, STACK, YES

if TYPE_CHECKING:
    from deployer.cli.session import Session


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


TASKS: Final = (copies, restore)
