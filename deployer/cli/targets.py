"""From `--sandbox` or its absence to the world that a run acts on.

The sandbox is started only when it does not answer and seeded only when its seed is another one, so that the usual way
costs one small request. A run without `--sandbox` never looks at it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployer.cli.sandbox_process import call_sandbox, sandbox_home
from deployer.errors import DeployError

if TYPE_CHECKING:
    from deployer.adapters.target import Target
    from deployer.cli.session import Session
    from deployer.inventory.load import LoadedInventory
    from deployer.inventory.model import Environment


def connect(session: Session, loaded: LoadedInventory, environment: Environment, *, sandbox: bool) -> Target:
    """Return the target of this run; starts the sandbox when it is wanted and not running."""
    from deployer.adapters.target import cloudflare_target, sandbox_target

    if not sandbox:
        return cloudflare_target(session.variables, account_id=loaded.inventory.project.account_id)
    from deployer.inventory.seed import seed_text

    connection = ensure_sandbox(session, seed_text(loaded, environment))
    return sandbox_target(connection, session.variables)


def offline(session: Session, loaded: LoadedInventory, *, sandbox: bool = False) -> Target:
    """Return a target for listing and rendering: nothing is asked of it, and the sandbox is not started for it.

    With `sandbox` it has the sandbox's addresses if that runs.
    """
    from deployer.adapters.target import cloudflare_target, sandbox_target

    connection = sandbox_home(session) / "connection.json"
    if sandbox and connection.exists():
        return sandbox_target(connection, session.variables)
    return cloudflare_target(session.variables, account_id=loaded.inventory.project.account_id)


def ensure_sandbox(session: Session, seed: str) -> Path:
    """Make sure that a sandbox with this seed runs; returns the path of its connection.json."""
    path = sandbox_home(session) / "connection.json"
    connection = _read(path)
    if connection is not None and _answers(session, connection):
        if connection.get("seed") != hashlib.sha256(seed.encode()).hexdigest():
            _post_seed(session, connection, seed)
        return path
    session.sink.talk("starting the sandbox")
    call_sandbox(session, ["up", "--seed", "-"], stdin=seed)
    return path


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        connection = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return connection if isinstance(connection, dict) and "control" in connection else None


def _answers(session: Session, connection: Mapping[str, Any]) -> bool:
    from deployer.adapters.http import Http

    try:
        http = Http(redactor=session.redactor, timeout=2.0, attempts=1)
        http.request("GET", f"{connection['control']}/health", service="sandbox")
    except DeployError:
        return False
    return True


def _post_seed(session: Session, connection: Mapping[str, Any], seed: str) -> None:
    from deployer.adapters.http import Http

    http = Http(redactor=session.redactor, timeout=60.0)
    http.request("POST", f"{connection['control']}/seed", service="sandbox", body=seed.encode(), repeatable=True)
