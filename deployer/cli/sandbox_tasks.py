"""Tasks for the embedded sandbox; each calls `python -m sandbox` with the same word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deployer.cli.boundary import command
from deployer.cli.flags import ENV, PRINT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deployer.cli.session import Session


@command(
    "sandbox.up",
    help={
        "env": f"{ENV}; makes room for an ephemeral one",
        "port": "fix a port, e.g. edge=8787 (0: choose a new one); may be repeated",
    },
    lists=("port",),
)
def up(
    session: Session, *, env: str = "", port: Sequence[str] | None = None, json: bool = False, color: bool = True
) -> int:
    """Start the sandbox; nothing happens when it runs.

    It is given what the environments of the inventory need: account, zones, secrets. It keeps its state in
    .sandbox/ (or $SANDBOX_HOME), listens on 127.0.0.1 only and goes on until `sandbox.down`.
    """
    import json as codec

    from deployer.cli.sandbox_process import call_sandbox
    from deployer.inventory.seed import seed_text

    loaded = session.inventory()
    seed = seed_text(loaded, loaded.environment(env) if env else None)
    flags = [part for wish in port or () for part in ("--port", wish)]
    connection = codec.loads(call_sandbox(session, ["up", "--seed", "-", "--json", *flags], stdin=seed))
    if session.json:
        # The values are credentials, if only for this machine; who needs them reads the private connection.json.
        session.document({**connection, "environment": sorted(connection["environment"])})
        return 0
    session.sink.talk(f"the sandbox runs (process {connection['pid']})")
    for name, url in connection["services"].items():
        session.sink.data(f"{name:<15} {url}")
    return 0


@command("sandbox.down")
def down(session: Session, *, json: bool = False, color: bool = True) -> int:
    """End the sandbox; its state stays for the next start.

    Refused while a run of this checkout works on it.
    """
    return _pass_alone(session, "down")


@command("sandbox.reset")
def reset(session: Session, *, json: bool = False, color: bool = True) -> int:
    """Forget what was deployed to the sandbox.

    Its request log and its faults are emptied as well; it goes on running, as new.
    Refused while a run of this checkout works on it.
    """
    return _pass_alone(session, "reset")


@command("sandbox.status")
def status(session: Session, *, json: bool = False, color: bool = True) -> int:
    """Show its services, ports, processes and memory."""
    return _pass(session, "status")


@command("sandbox.requests", help={"unknown": "only requests that no stand-in knows"})
def requests(session: Session, *, unknown: bool = False, json: bool = False, color: bool = True) -> int:
    """List the requests that the sandbox got, oldest first.

    It lists those since the last reset. In the table `*` marks requests that change something
    and `?` those that no stand-in knows.
    """
    return _pass(session, "requests", *(["--unknown"] if unknown else []))


@command("sandbox.coverage")
def coverage(session: Session, *, json: bool = False, color: bool = True) -> int:
    """List what the stand-ins cover."""
    return _pass(session, "coverage")


@command("sandbox.open", help={"env": ENV, "print": PRINT})
def open_(session: Session, *, env: str = "", print_: bool = False, json: bool = False, color: bool = True) -> int:
    """Open an environment's site in the sandbox.

    The same as `inv open --sandbox`.
    """
    from deployer.cli.run_views import open_site

    return open_site(session, env=env, sandbox=True, start_browser=not print_)


@command(
    "sandbox.fault",
    help={
        "service": "cloudflare, s3, secretsmanager, sts, github, convex, convex-deployment or edge",
        "method": "only requests with this HTTP method",
        "path": "only requests whose path fits this pattern, e.g. '*/workers/scripts/*'",
        "status": "answer with this status",
        "code": "the provider's error code in the answer",
        "message": "the provider's message in the answer",
        "count": "how many requests fail before all is well again",
        "delay_ms": "wait this long before answering",
        "drop": "cut the connection `before` or `after` carrying the request out (a lost answer)",
        "retry_after_ms": "send this Retry-After",
        "list": "list the faults that wait for a request",
        "clear": "remove all faults",
    },
)
def fault(
    session: Session,
    *,
    service: str = "",
    method: str = "",
    path: str = "",
    status: str = "",
    code: str = "",
    message: str = "",
    count: str = "",
    delay_ms: str = "",
    drop: str = "",
    retry_after_ms: str = "",
    list_: bool = False,
    clear: bool = False,
    json: bool = False,
    color: bool = True,
) -> int:
    """Make coming requests to the sandbox fail.

    A request is meant by its service, method and path; the oldest fault that fits is taken.

      inv sandbox.fault --service cloudflare --path '*/workers/*' --status 500 --count 2
      inv sandbox.fault --service s3 --drop after
      inv sandbox.fault --list
      inv sandbox.fault --clear
    """
    if clear or list_:
        return _pass(session, "fault", "clear" if clear else "list")
    # Numbers stay text here: Invoke dies of a wrong one with a traceback, the sandbox names the flag.
    given = {
        "service": service,
        "method": method,
        "path": path,
        "status": status,
        "code": code,
        "message": message,
        "count": count,
        "delay-ms": delay_ms,
        "drop": drop,
        "retry-after-ms": retry_after_ms,
    }
    flags = [f"--{name}={value}" for name, value in given.items() if value]
    return _pass(session, "fault", "add", *flags)


def _pass(session: Session, verb: str, *arguments: str) -> int:
    """Hand a verb on and print its answer."""
    from deployer.cli.sandbox_process import call_sandbox

    answer = call_sandbox(session, [verb, *arguments, *(["--json"] if session.json else [])])
    session.sink.data(answer.rstrip("\n"))
    session.printed = session.json
    return 0


def _pass_alone(session: Session, verb: str) -> int:
    """Hand on a verb that would pull the world away under a run; none is at work, and none starts meanwhile."""
    from contextlib import ExitStack

    from deployer.adapters.environ import identity
    from deployer.engine.workfolder import WorkFolder

    with ExitStack() as held:
        for folder in WorkFolder.all(session.root, target="sandbox"):
            held.enter_context(folder.locked(command=f"inv {session.command}", who=identity()))
        return _pass(session, verb)


TASKS: Final = (up, down, reset, status, requests, coverage, open_, fault)
