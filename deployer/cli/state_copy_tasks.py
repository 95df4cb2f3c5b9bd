"""Tasks about states and their copies: state.bootstrap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.cli.boundary import command
from deployer.cli.flags import RUN, SANDBOX

if TYPE_CHECKING:
    from deployer.cli.session import Session


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


TASKS: Final = (bootstrap,)
