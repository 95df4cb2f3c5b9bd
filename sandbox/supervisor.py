"""The sandbox's main process: composes the services, keeps their processes alive, answers the control endpoint.

The only module that knows which services there are. Started by `lifecycle.up` as `python -m sandbox.supervisor HOME`.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from sandbox import requestlog
from sandbox import seed as seeds
from sandbox.children import Children
from sandbox.control import Control
from sandbox.edge.controller import Controller
from sandbox.edge.objects import EdgeObjects
from sandbox.errors import NotRunningError, SandboxError
from sandbox.faults import Faults
from sandbox.gateway import Gateway
from sandbox.home import Home, holds, try_lock, write_bytes, write_json
from sandbox.ports import HOST, Ports, require_free
from sandbox.process import descendants, resident_bytes, sign
from sandbox.requestlog import RequestLog
from sandbox.server import HttpServer
from sandbox.service import Context, Service
from sandbox.vault import Vault

_log = logging.getLogger("sandbox")
_LOCK_SECONDS = 2.0
_LOOK_SECONDS = 0.5  # how often it looks whether its home is still where it was

# Name of the service (and of its port), module that exports `create(context)`. In the order in which they are seeded.
SERVICES = (
    ("edge", "sandbox.edge.service"),
    ("convex", "sandbox.convex.service"),
    ("provider", "sandbox.attach"),
    ("s3", "sandbox.aws.s3"),
    ("cloudflare", "sandbox.cloudflare.service"),
    ("github", "sandbox.github.service"),
    ("sts", "sandbox.aws.sts"),
    ("secretsmanager", "sandbox.aws.secretsmanager"),  # last: the others may put secrets of theirs into it
)


@dataclass
class Supervisor:
    """One running sandbox, with all services or with those that are named."""

    home: Home
    lock: int
    only: Sequence[str] = ()
    faults: Faults = field(init=False)

    def __post_init__(self) -> None:
        self.faults = Faults(self.home)
        self._ports = Ports(self.home.root / "ports.json")
        self._vault = Vault(self.home.root / "vault.json")
        self._children = Children(self.home)
        self._log = RequestLog(self.home.request_log("core"))
        self._services: list[Service] = []
        self._servers: list[HttpServer] = []
        self._changing = threading.RLock()
        self._ending = threading.Event()
        self._ready = False
        self._seed = seeds.Seed()
        self._began = time.monotonic()

    def run(self) -> None:
        """Start everything, then wait for the end, which a home that goes away brings about as well."""
        try:
            self._start()
            while not self._ending.wait(_LOOK_SECONDS):
                if self.moved():
                    _log.warning("%s was moved or removed; its sandbox ends", self.home.root)
                    break
        finally:
            self._close()

    def stop(self) -> None:
        """Begin to end."""
        self._ending.set()

    def moved(self) -> bool:
        """True when the home is gone from its path: what is there now, if anything, is not ours to write to."""
        return not holds(self.lock, self.home.root / "supervisor.lock")

    def seed(self, text: str) -> None:
        """Apply a seed and keep it for the next start."""
        with self._changing:
            self._seed = seeds.parse(text)
            self._apply_seed()
            write_bytes(self.home.seed, text.encode())
            self._write_connection()

    def reset(self) -> None:
        """Forget all state, requests and faults; the seed is applied again, ports and invented secrets stay."""
        with self._changing:
            self.faults.clear()
            for service in self._services:
                service.reset()
            self._apply_seed()
            requestlog.clear(self.home)
            self._write_connection()

    def status(self) -> dict[str, Any]:
        """Services with their ports, processes with their memory."""
        pids = {"supervisor": os.getpid(), **self._children.pids()}
        below = {name: [pid, *(descendants(pid) if name != "supervisor" else [])] for name, pid in pids.items()}
        unready = self._children.unready()
        processes = [
            {
                "name": name,
                "pid": family[0],
                "ready": name not in unready,
                "resident_bytes": sum(map(resident_bytes, family)),
            }
            for name, family in below.items()
        ]
        return {
            "home": str(self.home.root),
            "pid": os.getpid(),
            "seconds": round(time.monotonic() - self._began, 1),
            "services": [self._describe(service, pids) for service in self._services],
            "processes": processes,
            # Of what was read above: read again, memory has changed, and the parts no longer make the whole.
            "resident_bytes": sum(each["resident_bytes"] for each in processes),
        }

    def coverage(self) -> dict[str, list[str]]:
        """What each service covers."""
        return {service.name: sorted(service.coverage()) for service in self._services}

    def _start(self) -> None:
        from sandbox.aws.buckets import MotoBuckets
        from sandbox.aws.s3 import keys as s3_keys

        control = self._serve("control", Control(self))
        buckets = MotoBuckets(self.home.folder("s3"))
        if not self.only or "edge" in self.only:
            buckets.elsewhere = EdgeObjects(self.home, self._url("edge"), lambda: s3_keys(self._vault))
        controller = Controller(self.home, self._url("edge"), on_live=buckets.move_out)
        for name, module in SERVICES:
            if self.only and name not in self.only:
                continue
            context = Context(
                name=name,
                home=self.home,
                ports=self._ports,
                vault=self._vault,
                buckets=buckets,
                publish=controller.publish,
                spawn=self._children.spawn,
                connection_changed=self._connection_changed,
            )
            service: Service = import_module(module).create(context)
            self._services.append(service)
            if service.app is not None:
                self._serve(name, Gateway(service, service.app, self.faults, self._log)).start()
            service.start()
        for service in self._services:
            service.wait()
        with self._changing:
            stored = self.home.seed.read_bytes().decode() if self.home.seed.exists() else None
            self._seed = seeds.parse(stored) if stored else seeds.Seed()
            self._apply_seed()
            self._ready = True
            control.start()
            self._write_connection()

    def _serve(self, name: str, app: Any) -> HttpServer:
        port = self._ports.get(name)
        require_free(name, port)
        server = HttpServer(port, app, name)
        self._servers.append(server)
        return server

    def _apply_seed(self) -> None:
        for name in self._seed.environment:
            self._vault.invent(seeds.Reference(env=name))
        for service in self._services:
            service.apply_seed(self._seed)
            service.flush()

    def _connection_changed(self) -> None:
        if self._ready:
            self._write_connection()

    def _write_connection(self) -> None:
        with self._changing:
            environment = dict(self._vault.environment())
            for service in self._services:
                environment.update(service.environment())
            names = [service.name for service in self._services if service.name in self._ports.known()]
            urls = {name: self._url(name) + ("/client/v4" if name == "cloudflare" else "") for name in names}
            write_json(
                self.home.connection,
                {
                    "schema": 1,
                    "pid": os.getpid(),
                    "control": self._url("control"),
                    "seed": self._seed.digest,
                    "services": urls,
                    "environment": environment,
                },
            )

    def _url(self, name: str) -> str:
        return f"http://{HOST}:{self._ports.get(name)}"

    def _describe(self, service: Service, pids: dict[str, int]) -> dict[str, Any]:
        return {
            "name": service.name,
            "port": self._ports.known().get(service.name),
            "pid": pids.get(service.name, os.getpid()),
        }

    def _close(self) -> None:
        moved = self.moved()
        if not moved:
            self.home.connection.unlink(missing_ok=True)
        self._children.end()
        for server in self._servers:
            server.close()
        if moved:  # the state is on disk already, where the home is now; the next `up` there clears up
            return
        for service in self._services:
            service.flush()
            service.close()
        self._log.close()
        (self.home.root / "processes.json").unlink(missing_ok=True)
        self.home.remove_sockets()


def main() -> int:
    """Take the home's lock, run, and leave a word for `up` when that fails."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    home = Home.at(sys.argv[1])
    lock = _take_lock(home)
    sign(lock)
    supervisor = Supervisor(home, lock, only=sys.argv[2:])
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stop())
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        supervisor.run()
    except SandboxError as error:
        write_json(home.root / "failure.json", {"message": error.message, "hint": error.hint})
        return error.exit_code
    except OSError as error:
        # A full disk, a home that became read-only: said by `up`, if it can be written down at all.
        logging.exception("the sandbox ended")
        write_json(home.root / "failure.json", {"message": f"the sandbox cannot go on: {error}", "hint": ""})
        return SandboxError.exit_code
    return 0


def _take_lock(home: Home) -> int:
    """The lock, tried for a while: `up` and `down` hold it for moments when they look whether somebody has it."""
    end = time.monotonic() + _LOCK_SECONDS
    while (lock := try_lock(home.root / "supervisor.lock")) is None:
        if time.monotonic() > end:
            raise NotRunningError(f"another sandbox holds {home.root}", "`inv sandbox.status`")
        time.sleep(0.02)
    return lock


if __name__ == "__main__":
    # The same module must not exist twice, as `__main__` and under its name.
    sys.exit(import_module("sandbox.supervisor").main())
