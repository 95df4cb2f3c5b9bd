"""The process that holds all deployments: started here, told over a private socket which deployments there are.

Knows how to start and ask it, not what a deployment is.
"""

from __future__ import annotations

import http.client
import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox import node
from sandbox.children import Child
from sandbox.errors import PortInUseError
from sandbox.service import Context

_MAIN = Path(__file__).with_name("host") / "main.mjs"
_SECONDS = 30.0
# The process holds little itself; small young generations keep it and the threads of the deployments compact.
_NODE_OPTIONS = ("--max-semi-space-size=2", "--disable-warning=ExperimentalWarning")
_log = logging.getLogger(__name__)


class NodeHost:
    """The running process. `deployments()` gives what it must hold, whenever it (re)starts or `apply` is called."""

    def __init__(self, context: Context, deployments: Callable[[], Sequence[Mapping[str, Any]]]) -> None:
        self._context = context
        self._deployments = deployments
        self._socket = context.home.socket("convex")
        self._child: Child | None = None
        self._configured = threading.Event()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the process; it is started again should it end."""
        home = self._context.home
        argv = [node.binary(), *_NODE_OPTIONS, str(_MAIN)]
        argv += ["--folder", str(self._context.folder), "--socket", str(self._socket)]
        argv += ["--log", str(home.request_log("convex-deployments")), "--faults", str(home.faults)]
        argv += ["--control", self._context.url("control")]
        # Nothing of this process's environment may reach pushed functions by way of an inherited variable.
        environment = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
        self._child = self._context.spawn("convex", argv, environment=environment, on_ready=self._ready)

    def wait(self) -> None:
        """Block until the deployments answer."""
        if self._child:
            self._child.wait_ready()
            self._configured.wait(_SECONDS)

    def apply(self) -> None:
        """Make the process hold exactly the deployments that there are; returns when they answer."""
        with self._lock:
            answer = self._ask("POST", "/configure", {"deployments": list(self._deployments())})
        if answer and answer["problems"]:
            raise PortInUseError(
                f"a Convex deployment cannot be served: {answer['problems'][0]}", "end the process that holds its port"
            )

    def status(self) -> dict[str, dict[str, Any]]:
        """Facts by deployment: `lastDeployTime`."""
        answer = self._ask("GET", "/status", None)
        return dict(answer["status"]) if answer else {}

    def paths(self) -> list[str]:
        """The HTTP paths of a deployment that are covered."""
        answer = self._ask("GET", "/paths", None)
        return list(answer["paths"]) if answer else []

    def _ready(self, _: Mapping[str, Any]) -> None:
        try:
            self.apply()
        except PortInUseError as error:
            _log.error("%s", error.message)
        self._configured.set()

    def _ask(self, method: str, path: str, value: Any) -> dict[str, Any] | None:
        connection = _UnixConnection(self._socket)
        try:
            connection.request(method, path, None if value is None else json.dumps(value))
            return dict(json.loads(connection.getresponse().read()))
        except OSError as error:
            # Not up, or starting again: it asks for everything when it is ready.
            _log.info("the Convex host does not answer: %s", error)
            return None
        finally:
            connection.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("convex", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
