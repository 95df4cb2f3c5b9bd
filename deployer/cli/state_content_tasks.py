"""Tasks about what states hold: state.list, state.show, state.pull, state.mv, state.rm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.cli.boundary import command
from deployer.cli.flags import ALLOW_PROTECTED, CHECK, ENV, LOCK_TIMEOUT, ONLY_STACK, SANDBOX, STACK, YES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.cli.runs import Wish
    from deployer.cli.session import Session

_EDIT: Final = {
    "env": ENV,
    "sandbox": SANDBOX,
    "stack": STACK,
    "check": CHECK,
    "yes": YES,
    "allow_protected": ALLOW_PROTECTED,
    "lock_timeout": LOCK_TIMEOUT,
}


@command("state.list", help={"env": ENV, "sandbox": SANDBOX, "stack": ONLY_STACK})
def list_(
    session: Session, *, env: str = "", stack: str = "", sandbox: bool = False, json: bool = False, color: bool = True
) -> int:
    """List what the states hold, by address."""
    from deployer.cli.state_views import list_states

    return list_states(session, env=env, stack=stack, sandbox=sandbox)


@command(
    "state.show",
    help={
        "env": ENV,
        "sandbox": SANDBOX,
        "stack": ONLY_STACK,
        "address": "only what is at this address; may be repeated",
    },
    lists=("address",),
)
def show(
    session: Session,
    *,
    env: str = "",
    stack: str = "",
    address: Sequence[str] | None = None,
    sandbox: bool = False,
    json: bool = False,
    color: bool = True,
) -> int:
    """Show the attributes of what the states hold.

    Read by Terraform; what the provider or the code marks as sensitive is hidden.

      inv state.show --env dev --stack site --address module.worker
    """
    from deployer.cli.state_views import show_states

    return show_states(session, env=env, stack=stack, addresses=tuple(address or ()), sandbox=sandbox)


@command(
    "state.pull",
    help={
        "env": ENV,
        "sandbox": SANDBOX,
        "stack": STACK,
        "copy": "a copy instead of the state itself: its name, or the beginning of it",
        "out": "file to write, readable by you alone; a state may hold secrets, so it is never printed",
    },
)
def pull(
    session: Session,
    *,
    env: str = "",
    stack: str = "",
    copy: str = "",
    out: str = "",
    sandbox: bool = False,
    json: bool = False,
    color: bool = True,
) -> int:
    """Write a state, or a copy of one, to a file.

    Byte for byte as it lies in the bucket, damaged or not; a copy is decrypted. For a closer look, not for editing.

      inv state.pull --env dev --stack site --out site.tfstate
    """
    from deployer.cli.state_views import pull_state

    return pull_state(session, env=env, stack=stack, copy=copy, out=out, sandbox=sandbox)


@command(
    "state.mv",
    help={**_EDIT, "from": "address that it has, of a thing or a module", "to": "address that it gets"},
)
def mv(
    session: Session,
    *,
    env: str = "",
    stack: str = "",
    from_: str = "",
    to: str = "",
    sandbox: bool = False,
    check: bool = False,
    yes: bool = False,
    allow_protected: bool = False,
    lock_timeout: str = "",
    json: bool = False,
    color: bool = True,
) -> int:
    """Let Terraform know a thing under another address.

    For this one environment; a `moved` block in the code does it for all. Nothing but the state changes, and a copy is
    kept from before and after.

      inv state.mv --env dev --stack site --from module.worker --to module.site_worker
    """
    from deployer.cli.state_runs import run_move

    wish = _wish(env=env, sandbox=sandbox, check=check, yes=yes, protected=allow_protected, patience=lock_timeout)
    return run_move(session, wish, stack=stack, source=from_, destination=to)


@command(
    "state.rm",
    help={**_EDIT, "address": "address of a thing, a resource or a module; may be repeated"},
    lists=("address",),
)
def rm(
    session: Session,
    *,
    env: str = "",
    stack: str = "",
    address: Sequence[str] | None = None,
    sandbox: bool = False,
    check: bool = False,
    yes: bool = False,
    allow_protected: bool = False,
    lock_timeout: str = "",
    json: bool = False,
    color: bool = True,
) -> int:
    """Let Terraform forget a thing, which itself stays.

    What the inventory protects (guards.never_destroy) is refused: forgotten, it would be out of that guard's reach. A
    copy of the state is kept from before and after.

      inv state.rm --env dev --stack site --address 'module.storage.cloudflare_r2_bucket.this["UPLOADS"]'
    """
    from deployer.cli.state_runs import run_removal

    wish = _wish(env=env, sandbox=sandbox, check=check, yes=yes, protected=allow_protected, patience=lock_timeout)
    return run_removal(session, wish, stack=stack, addresses=tuple(address or ()))


def _wish(*, env: str, sandbox: bool, check: bool, yes: bool, protected: bool, patience: str) -> Wish:
    from deployer.cli.runs import Wish

    return Wish(
        env=env,
        sandbox=sandbox,
        check=check,
        yes=yes,
        allow_protected=protected,
        lock_timeout=patience,
    )


TASKS: Final = (list_, show, pull, mv, rm)
