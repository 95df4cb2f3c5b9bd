"""Tasks about the state bucket and copies of states: state.bootstrap, state.copies, state.restore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.cli.boundary import command
from deployer.cli.flags import ENV, LOCK_TIMEOUT, RUN, SANDBOX

if TYPE_CHECKING:
    from deployer.cli.session import Session

STACK: Final = "stack whose state it is, e.g. site; may be left out where there is only one"
ALLOW_PROTECTED: Final = "needed in addition where the inventory says `protected = true`"


@command("state.bootstrap", help={"sandbox": SANDBOX, "check": RUN["check"], "diff": RUN["diff"]})
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


@command("state.copies", help={"env": ENV, "sandbox": SANDBOX, "stack": "only this stack"})
def copies(
    session: Session, *, env: str = "", stack: str = "", sandbox: bool = False, json: bool = False, color: bool = True
) -> int:
    """List the copies of the states, newest first.

    Each with stack, time, serial, lineage, size, whether it is encrypted, and whether it is what the state holds now.
    """
    from deployer.cli.state_views import show_copies

    return show_copies(session, env=env, stack=stack, sandbox=sandbox)


@command(
    "state.restore",
    help={
        "env": ENV,
        "sandbox": SANDBOX,
        "stack": STACK,
        "copy": "name of the copy, or its beginning; else the newest",
        "other_lineage": "also a copy of another lineage, which is another state altogether",
        "check": "only show the difference",
        "yes": "do not ask for the environment's name",
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
        verb="state.restore",
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


TASKS: Final = (bootstrap, copies, restore)
