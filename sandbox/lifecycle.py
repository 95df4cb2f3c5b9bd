"""Up, down and the questions from outside: what a process that is not the sandbox does to one.

Starts the supervisor and talks to its control endpoint; knows no service. A sandbox runs exactly while its supervisor
holds the kernel's lock on `<home>/supervisor.lock`, so neither stale files nor reused process ids can deceive.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from sandbox import loopback
from sandbox import seed as seeds
from sandbox.errors import NotRunningError, SandboxError, UsageError
from sandbox.home import Home, locked, read_json, try_lock, write_bytes
from sandbox.ports import Ports
from sandbox.process import alive, signer, started

_READY_SECONDS = 30.0
_STOP_SECONDS = 8.0
_POLL_SECONDS = 0.02
_LARGEST_LOG = 5 * 2**20
# The supervisor must not find real credentials, nor proxies or settings meant for other programs.
_INHERITED = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "USER", "XDG_CACHE_HOME")


def up(
    home: Home,
    *,
    seed_text: str | None = None,
    ports: Mapping[str, int] | None = None,
    only: Sequence[str] = (),
) -> dict[str, Any]:
    """Make sure that a sandbox runs with this seed; returns what is in connection.json.

    `only` names the services to start when not all are wanted (tests of one of them).
    """
    if seed_text is not None:
        seeds.parse(seed_text)  # refused before anything is started
    with locked(home.root / "up.lock"):
        connection = _running(home)
        if connection is None:
            _recover(home)
            Ports(home.root / "ports.json").fix(dict(ports or {}))
            if seed_text is not None:
                write_bytes(home.seed, seed_text.encode())  # found when it starts, so that no other world is made first
            connection = _start(home, only)
        else:
            _compare_ports(home, ports or {})
        if seed_text is not None and seeds.parse(seed_text).digest != connection["seed"]:
            call(home, "POST", "/seed", seed_text.encode())
            connection = read_json(home.connection)
    return dict(connection)


def down(home: Home) -> bool:
    """End the sandbox and whatever is left of one; False when there was nothing to end."""
    with locked(home.root / "up.lock"):
        held = _held(home)
        if held:
            with contextlib.suppress(SandboxError):
                call(home, "POST", "/stop", seconds=2.0)
            for number in (None, signal.SIGTERM, signal.SIGKILL):
                if number is not None:
                    _signal(home, number)
                if _wait_until(lambda: not _held(home), _STOP_SECONDS):
                    break
            else:
                raise SandboxError(
                    f"the sandbox in {home.root} does not end", "end the process that holds supervisor.lock in it"
                )
        return _recover(home) or held


def call(home: Home, method: str, path: str, body: bytes | None = None, *, seconds: float = 60.0) -> Any:
    """One request to the control endpoint; its refusals become errors here."""
    connection = read_json(home.connection)
    if connection is None:
        raise NotRunningError(f"no sandbox runs in {home.root}", "`inv sandbox.up` starts it")
    try:
        answer = loopback.ask(method, connection["control"] + path, body, timeout=seconds)
        value = dict(json.loads(answer.body))
    except (OSError, ValueError, TypeError) as error:  # after a kill -9 its port may belong to somebody else
        raise NotRunningError(
            f"the sandbox in {home.root} does not answer: {error}", "`inv sandbox.up` starts it again"
        ) from None
    if answer.status >= HTTPStatus.BAD_REQUEST:
        failure = UsageError if value.get("exit_code") == UsageError.exit_code else SandboxError
        raise failure(value.get("error", "refused"), value.get("hint", ""))
    return value


def _running(home: Home) -> dict[str, Any] | None:
    """The connection of a sandbox that answers. One that holds its lock but is not ready yet is waited for."""
    if not _held(home):
        return None
    _wait_until(lambda: _answers(home) or not _held(home), _READY_SECONDS)
    if not _held(home):
        return None
    if not _answers(home):
        raise NotRunningError(
            f"a sandbox holds {home.root} (process {_supervisor(home)}) but does not answer",
            "`inv sandbox.down` ends it",
        )
    return dict(read_json(home.connection))


def _start(home: Home, only: Sequence[str]) -> dict[str, Any]:
    failure = home.root / "failure.json"
    failure.unlink(missing_ok=True)
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    for path in home.folder("logs").iterdir():
        if path.stat().st_size > _LARGEST_LOG:
            path.replace(path.with_suffix(".old"))
    with home.log("supervisor").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.supervisor", str(home.root), *only],
            cwd=Path(__file__).parents[1],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _wait_until(lambda: process.poll() is not None or _answers(home), _READY_SECONDS)
    if process.poll() is not None:
        known = read_json(failure) or {}
        raise NotRunningError(
            known.get("message", f"the sandbox ended while it started (status {process.returncode})"),
            known.get("hint", f"its log: {home.log('supervisor')}"),
        )
    if not _answers(home):
        process.kill()
        raise NotRunningError(
            f"the sandbox was not ready within {_READY_SECONDS:.0f} s", f"its log: {home.log('supervisor')}"
        )
    # Not our child to wait for: it outlives this process on purpose.
    process.returncode = 0
    return dict(read_json(home.connection))


def _answers(home: Home) -> bool:
    connection = read_json(home.connection)
    if connection is None or connection["pid"] != _supervisor(home):
        return False
    try:
        call(home, "GET", "/health", seconds=2.0)
    except SandboxError:
        return False
    return True


def _held(home: Home) -> bool:
    """True while a supervisor, ready or not, has the home."""
    descriptor = try_lock(home.root / "supervisor.lock")
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is None


def _supervisor(home: Home) -> int:
    """The process that holds the home; 0 when it has not signed yet."""
    return signer(home.root / "supervisor.lock") if _held(home) else 0


def _signal(home: Home, number: signal.Signals) -> None:
    """Signal the holder of the home as it is now, if it has signed: 0 would mean our own process group."""
    pid = _supervisor(home)
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _recover(home: Home) -> bool:
    """Remove what a sandbox that was killed left behind; True when there was something."""
    found = home.connection.exists()
    processes = home.root / "processes.json"
    for entry in read_json(processes) or []:
        # An empty start proves nothing: neither then nor now could it be found out.
        if entry["started"] and alive(entry["pid"]) and started(entry["pid"]) == entry["started"]:
            found = True
            with contextlib.suppress(ProcessLookupError):
                os.kill(entry["pid"], signal.SIGKILL)
            _wait_until(lambda pid=entry["pid"]: not alive(pid), 2.0)
    for path in (home.connection, processes):
        path.unlink(missing_ok=True)
    home.remove_sockets()
    return found


def _compare_ports(home: Home, wishes: Mapping[str, int]) -> None:
    known = Ports(home.root / "ports.json").known()
    for name, port in wishes.items():
        if port and known.get(name) != port:
            raise UsageError(
                f"the sandbox runs already, with port {known.get(name)} for `{name}`, not {port}",
                "`inv sandbox.down`, then start it with the port",
            )


def _wait_until(done: Any, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_SECONDS)
    return True
