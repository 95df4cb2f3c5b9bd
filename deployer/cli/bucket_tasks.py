"""Tasks about the bucket in which all states lie: state.bootstrap, state.check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.cli.boundary import command
from deployer.cli.flags import CHECK, DIFF, ENV, SANDBOX

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
    from deployer.cli.bucket_runs import run_bootstrap

    return run_bootstrap(session, sandbox=sandbox, check=check, diff=diff)


@command("state.check", help={"env": f"{ENV}; `all` for every state in the bucket", "sandbox": SANDBOX})
def check(session: Session, *, env: str = "", sandbox: bool = False, json: bool = False, color: bool = True) -> int:
    """Check whether states are whole and fit all else.

    JSON, version, serial and lineage against the newest copy and the ledger, locks, states that the inventory does not
    know, things that no code mentions any more, things that are in two states. Exits 13 with each problem, its place
    and what to type. Changes nothing.

      inv state.check --env all
    """
    from deployer.cli.bucket_views import check_states

    return check_states(session, env=env, sandbox=sandbox)


TASKS: Final = (bootstrap, check)
