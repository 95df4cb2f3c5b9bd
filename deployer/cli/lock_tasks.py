"""Tasks about locks: state.unlock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.cli.boundary import command
from deployer.cli.flags import ENV, SANDBOX

if TYPE_CHECKING:
    from deployer.cli.session import Session


@command(
    "state.unlock",
    help={
        "env": ENV,
        "sandbox": SANDBOX,
        "stack": "only the lock on the state of this Terraform stack",
        "force": "remove a lock although nothing proves that its owner is gone; needs --lock-id",
        "lock_id": "the lock that --force removes, as this command shows it",
    },
)
def unlock(
    session: Session,
    *,
    env: str = "",
    sandbox: bool = False,
    stack: str = "",
    force: bool = False,
    lock_id: str = "",
    json: bool = False,
    color: bool = True,
) -> int:
    """Show who holds an environment; free what nobody holds.

    The environment itself and the states of its Terraform stacks.
    A lock is removed only with proof that its owner is gone: its process on this machine is dead, or its last sign of
    life is too old. An owner that is alive is never robbed. Without proof either way, --force with the lock's id
    removes it, for those who are certain. The ledger keeps what was removed, and by whom.

      inv state.unlock --env dev
      inv state.unlock --env dev --stack site --force --lock-id 0b8f2f3c
    """
    from deployer.cli.lock_runs import unlock as give_back

    return give_back(session, env=env, sandbox=sandbox, stack=stack, force=force, lock_id=lock_id)


TASKS: Final = (unlock,)
