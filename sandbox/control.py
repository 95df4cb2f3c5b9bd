"""The control endpoint: how `python -m sandbox`, the Node processes and the tests speak with a running sandbox.

Translates HTTP into calls of `World`; decides nothing itself. Its own requests are not in the request log.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs

from sandbox import requestlog
from sandbox.errors import SandboxError, UsageError
from sandbox.faults import Faults
from sandbox.home import Home
from sandbox.ports import HOST

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_log = logging.getLogger(__name__)


class World(Protocol):
    """What can be asked of the whole sandbox."""

    home: Home
    faults: Faults

    def seed(self, text: str) -> None:
        """Apply a seed."""

    def reset(self) -> None:
        """Forget all state."""

    def stop(self) -> None:
        """Begin to end."""

    def status(self) -> dict[str, Any]:
        """Services, ports, processes, memory."""

    def coverage(self) -> dict[str, list[str]]:
        """What is covered, by service."""

    def moved(self) -> bool:
        """Whether the home is gone from its path."""


class Control:
    """The WSGI application."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._routes: dict[tuple[str, str], Callable[[WSGIEnvironment], tuple[int, Any]]] = {
            ("GET", "/health"): self._health,
            ("GET", "/status"): lambda _: (200, world.status()),
            ("GET", "/coverage"): lambda _: (200, world.coverage()),
            ("GET", "/requests"): self._requests,
            ("GET", "/faults"): lambda _: (200, {"faults": world.faults.armed()}),
            ("POST", "/faults"): self._add_fault,
            ("DELETE", "/faults"): self._clear_faults,
            ("POST", "/faults/take"): self._take_fault,
            ("POST", "/seed"): self._seed,
            ("POST", "/reset"): self._reset,
            ("POST", "/stop"): self._stop,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        status: int
        value: Any
        try:
            route = self._routes.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
            if not _from_here(environ):
                status, value = 403, {"error": "the control endpoint answers programs of this machine only"}
            else:
                status, value = route(environ) if route else (404, {"error": "no such control request"})
        except SandboxError as error:
            status, value = 400, {"error": error.message, "hint": error.hint, "exit_code": error.exit_code}
        except Exception as error:  # noqa: BLE001 - a mistake of ours in one request must not end the sandbox
            _log.exception("a control request failed")
            status, value = 500, {"error": f"the sandbox failed: {error}", "hint": "logs/supervisor.log in its home"}
        start_response(f"{status} {HTTPStatus(status).phrase}", [("Content-Type", "application/json")])
        return [json.dumps(value, separators=(",", ":")).encode()]

    def _health(self, _: WSGIEnvironment) -> tuple[int, Any]:
        if self._world.moved():
            return 503, {
                "error": f"{self._world.home.root} was moved or removed",
                "hint": "`inv sandbox.up` starts anew",
            }
        return 200, {"ok": True}

    def _requests(self, environ: WSGIEnvironment) -> tuple[int, Any]:
        unknown_only = parse_qs(environ["QUERY_STRING"]).get("unknown") == ["1"]
        return 200, {"requests": requestlog.read(self._world.home, unknown_only=unknown_only)}

    def _add_fault(self, environ: WSGIEnvironment) -> tuple[int, Any]:
        return 201, {"id": self._world.faults.add(_json(environ)).id}

    def _clear_faults(self, _: WSGIEnvironment) -> tuple[int, Any]:
        self._world.faults.clear()
        return 200, {"faults": []}

    def _take_fault(self, environ: WSGIEnvironment) -> tuple[int, Any]:
        wanted = _json(environ)
        fault = self._world.faults.take(str(wanted.get("service")), str(wanted.get("method")), str(wanted.get("path")))
        return 200, {"fault": fault.as_json() if fault else None}

    def _seed(self, environ: WSGIEnvironment) -> tuple[int, Any]:
        try:
            text = _body(environ).decode()
        except UnicodeDecodeError:
            raise UsageError("the seed is not UTF-8") from None
        self._world.seed(text)
        return 200, {"ok": True}

    def _reset(self, _: WSGIEnvironment) -> tuple[int, Any]:
        self._world.reset()
        return 200, {"ok": True}

    def _stop(self, _: WSGIEnvironment) -> tuple[int, Any]:
        self._world.stop()
        return 202, {"ok": True}


def _from_here(environ: WSGIEnvironment) -> bool:
    """False for web pages: those send their origin, or got here by a name of theirs that resolves to loopback."""
    host = environ.get("HTTP_HOST", "").rpartition(":")[0] or environ.get("HTTP_HOST", "")
    return "HTTP_ORIGIN" not in environ and host in (HOST, "localhost")


def _body(environ: WSGIEnvironment) -> bytes:
    return bytes(environ["wsgi.input"].read())


def _json(environ: WSGIEnvironment) -> dict[str, Any]:
    try:
        value = json.loads(_body(environ) or b"null")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise UsageError("the body is not a JSON object")
    return value
