"""Tasks about what was done: history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.cli.boundary import command
from deployer.cli.flags import ENV, SANDBOX

if TYPE_CHECKING:
    from deployer.cli.session import Session


@command(
    "history",
    help={
        "env": ENV,
        "sandbox": SANDBOX,
        "limit": "how many runs to show, the last ones; 0 for all",
        "verify": "check that no entry was changed or removed; exits 13 and names those that were",
        "accept": "for whoever has looked at a ledger without a sound head: what is there now is its end, runs go on",
    },
)
def history(
    session: Session,
    *,
    env: str = "",
    sandbox: bool = False,
    limit: str = "20",
    verify: bool = False,
    accept: bool = False,
    json: bool = False,
    color: bool = True,
) -> int:
    """Show who changed an environment, and how it ended.

    When, by which command, with which commit, plan and Worker. From the ledger in the state bucket, the newest run
    last; runs that changed nothing are not in it. Entries are only ever added, each with the digest of the one before.

      inv history --env production
      inv history --env production --verify
    """
    from deployer.cli.history_runs import accept_end
    from deployer.cli.history_views import show_history

    if accept:
        return accept_end(session, env=env, sandbox=sandbox, others=verify or limit != "20")
    return show_history(session, env=env, sandbox=sandbox, limit=limit, verify=verify)


TASKS: Final = (history,)
