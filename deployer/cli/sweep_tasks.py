"""The task pr.sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.cli.boundary import command
from deployer.cli.flags import SANDBOX

if TYPE_CHECKING:
    from deployer.cli.session import Session


@command(
    "pr.sweep",
    help={
        "check": "only list what the next sweep would remove; nothing is written",
        "number": "only what has this number",
        "sandbox": SANDBOX,
        "detailed_exitcode": "with --check: exit with 10 if there is something to remove",
    },
)
def sweep(
    session: Session,
    *,
    check: bool = False,
    number: str = "",
    sandbox: bool = False,
    detailed_exitcode: bool = False,
    json: bool = False,
    color: bool = True,
) -> int:
    """Remove what ephemeral environments have left behind.

    Compares leases, open pull requests and what the providers really have, by the names of the inventory's templates.
    Expired, closed, half-built and orphaned environments go; those that are pinned, alive or at work stay, and nothing
    of an environment that is written out is ever touched. What could not be removed is listed with the reason, and the
    exit code is not 0 then.

      inv pr.sweep --check
      inv pr.sweep --number 12
    """
    from deployer.cli.sweep_runs import SweepWish
    from deployer.cli.sweep_runs import sweep as run

    return run(session, SweepWish(check=check, number=number, sandbox=sandbox, detailed_exitcode=detailed_exitcode))


TASKS: Final = (sweep,)
