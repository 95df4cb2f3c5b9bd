"""Tasks for ephemeral environments, one per pull request: up, down, list, show, extend, pin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.cli.boundary import command
from deployer.cli.flags import CHECK, DIFF, LOCK_TIMEOUT, RUN, SANDBOX

if TYPE_CHECKING:
    from deployer.cli.session import Session

NUMBER: Final = "number of the pull request"
TEMPLATE: Final = "which template, where the inventory has several, e.g. pr"
_ONE: Final = {"number": NUMBER, "env": TEMPLATE, "sandbox": SANDBOX}
# Whoever comes second waits for whoever is at work; a run that hangs for longer is looked at by a person.
_WAIT: Final = "15m"


@command(
    "pr.up",
    help={
        **_ONE,
        "check": CHECK,
        "diff": DIFF,
        "reopen": "clear the tombstone of a closed one; not needed where GitHub says that it is open",
        "evict": "where there is no room, remove expired and idle ones if the inventory allows it",
        "timeout": RUN["timeout"],
        "lock_timeout": LOCK_TIMEOUT,
        "override_freeze": RUN["override_freeze"],
        "reason": RUN["reason"],
    },
)
def up(
    session: Session,
    *,
    number: str = "",
    env: str = "",
    sandbox: bool = False,
    check: bool = False,
    diff: bool = False,
    reopen: bool = False,
    evict: bool = False,
    timeout: str = "",
    lock_timeout: str = _WAIT,
    override_freeze: str = "",
    reason: str = "",
    json: bool = False,
    color: bool = True,
) -> int:
    """Make or update a pull request's own environment.

    Takes the lease, asks GitHub whether the pull request is open and each provider whether there is room, then
    deploys. If the pull request is closed meanwhile, the run stops and takes back what it has made. Running it again
    changes nothing; interrupted, run it again.

      inv pr.up --number 12
      inv pr.up --number 12 --sandbox    opens the pull request on the sandbox's GitHub too
      inv pr.up --number 12 --check      what would be made
    """
    from deployer.cli.pr_runs import PullWish
    from deployer.cli.pr_runs import up as run

    return run(
        session,
        PullWish(
            number=number,
            env=env,
            sandbox=sandbox,
            check=check,
            diff=diff,
            reopen=reopen,
            evict=evict,
            timeout=timeout,
            lock_timeout=lock_timeout,
            override_freeze=override_freeze,
            reason=reason,
        ),
    )


@command(
    "pr.down",
    help={
        **_ONE,
        "check": CHECK,
        "diff": DIFF,
        "unless_open": "do nothing if GitHub says that the pull request is open (again); for workflows",
        "timeout": RUN["timeout"],
        "lock_timeout": LOCK_TIMEOUT,
    },
)
def down(
    session: Session,
    *,
    number: str = "",
    env: str = "",
    sandbox: bool = False,
    check: bool = False,
    diff: bool = False,
    unless_open: bool = False,
    timeout: str = "",
    lock_timeout: str = _WAIT,
    json: bool = False,
    color: bool = True,
) -> int:
    """Close and remove a pull request's environment.

    Writes a tombstone first, so that whoever is making it stops and whoever comes late does not begin; then removes
    Worker, host, records, buckets, Convex preview and states. Running it again changes nothing; interrupted, run it
    again.

      inv pr.down --number 12
      inv pr.down --number 12 --check          what would be removed
      inv pr.down --number 12 --unless-open    of a late event: nothing, if it was opened again
    """
    from deployer.cli.pr_runs import PullWish
    from deployer.cli.pr_runs import down as run

    return run(
        session,
        PullWish(
            number=number,
            env=env,
            sandbox=sandbox,
            check=check,
            diff=diff,
            unless_open=unless_open,
            timeout=timeout,
            lock_timeout=lock_timeout,
        ),
    )


@command("pr.list", help={"sandbox": SANDBOX, "closed": "show also those that were closed and removed"})
def list_(
    session: Session,
    *,
    sandbox: bool = False,
    closed: bool = False,
    json: bool = False,
    color: bool = True,
) -> int:
    """List the ephemeral environments, with state and end.

    From the leases alone; nobody asks the providers what they really have.
    """
    from deployer.cli.pr_views import show_leases

    return show_leases(session, sandbox=sandbox, closed=closed)


@command("pr.show", help=_ONE)
def show(
    session: Session,
    *,
    number: str = "",
    env: str = "",
    sandbox: bool = False,
    json: bool = False,
    color: bool = True,
) -> int:
    """Show what is known of one ephemeral environment.

    Its lease, the pull request, the last run, its address and what has a state.
    """
    from deployer.cli.pr_views import show_lease

    return show_lease(session, number=number, env=env, sandbox=sandbox)


@command("pr.extend", help={**_ONE, "hours": "from now on; left out, as long as the inventory says"})
def extend(
    session: Session,
    *,
    number: str = "",
    env: str = "",
    sandbox: bool = False,
    hours: str = "",
    json: bool = False,
    color: bool = True,
) -> int:
    """Keep an ephemeral environment for longer.

    inv pr.extend --number 12 --hours 96
    """
    from deployer.cli.pr_views import extend_lease

    return extend_lease(session, number=number, env=env, sandbox=sandbox, hours=hours)


@command("pr.pin", help={**_ONE, "off": "give it an end again"})
def pin(
    session: Session,
    *,
    number: str = "",
    env: str = "",
    sandbox: bool = False,
    off: bool = False,
    json: bool = False,
    color: bool = True,
) -> int:
    """Keep one until its pull request is closed.

    Whatever its age; it is never evicted either.

    inv pr.pin --number 12
    inv pr.pin --number 12 --off
    """
    from deployer.cli.pr_views import pin_lease

    return pin_lease(session, number=number, env=env, sandbox=sandbox, off=off)


TASKS: Final = (up, down, list_, show, extend, pin)
