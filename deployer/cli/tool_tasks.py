"""Tasks about this machine: doctor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.cli.boundary import command
from deployer.cli.flags import ENV, SANDBOX

if TYPE_CHECKING:
    from deployer.cli.session import Session


@command("doctor", help={"env": f"{ENV}; else the first one", "sandbox": SANDBOX})
def doctor(session: Session, *, env: str = "", sandbox: bool = False, json: bool = False, color: bool = True) -> int:
    """Check tools, credentials and services; say what to mend.

    Tools and their versions, credentials by name, reachability, lock files; each line says how to mend it.
    Changes nothing and prints no secret: credentials are named, never shown. Exits 3 when something needs mending.

      inv doctor --env dev
      inv doctor --env dev --sandbox
    """
    from deployer.cli.run_views import examine

    return examine(session, env=env, sandbox=sandbox)


TASKS: Final = (doctor,)
