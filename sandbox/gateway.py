"""The one middleware around every HTTP service: faults, the request log, and state on disk before the answer leaves.

Knows `Service`, never a particular one.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from sandbox.faults import Fault, Faults
from sandbox.requestlog import Entry, RequestLog, now, reads_only, redact
from sandbox.service import Service

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


_OUR_FAULT = (
    "500 INTERNAL SERVER ERROR",
    [("Content-Type", "application/json"), ("x-should-retry", "false")],
    b'{"error":"the sandbox itself failed; see logs/supervisor.log in its home"}',
)


class ConnectionCutError(Exception):
    """Raised through the WSGI server to end the TCP connection without an answer."""


class Gateway:
    """A WSGI application that wraps the one of a service. Bodies in both directions are complete, never streamed."""

    def __init__(self, service: Service, app: WSGIApplication, faults: Faults, log: RequestLog) -> None:
        self._service = service
        self._app = app
        self._faults = faults
        self._log = log

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        method = environ["REQUEST_METHOD"]
        headers = _headers(environ)
        path = self._service.logged_path(environ.get("RAW_URI") or environ["PATH_INFO"], headers)
        environ["sandbox.mutating"] = self._service.mutating(method, path, headers)
        request = _Request(self._log, self._service.name, method, path, headers.get("user-agent", ""), environ)
        fault = self._faults.take(self._service.name, method, path)
        if fault:
            time.sleep(fault.delay_ms / 1000)
            if fault.drop == "before":
                request.write(0)
                raise ConnectionCutError
            if fault.status and fault.drop is None:
                return self._refuse(fault, request, start_response)
        try:
            status, answer_headers, body = self._carry_out(environ)
            if environ["sandbox.mutating"] or not reads_only(method):
                self._service.flush()
        except ConnectionCutError:
            raise
        except Exception:  # noqa: BLE001 - a fault of ours in one request must not end the sandbox; the log has the traceback
            traceback.print_exc()
            status, answer_headers, body = _OUR_FAULT
        if fault and fault.drop == "after":
            request.write(0)
            raise ConnectionCutError
        request.write(int(status.split(" ", 1)[0]))
        start_response(status, answer_headers)
        return [body]

    def _carry_out(self, environ: WSGIEnvironment) -> tuple[str, list[tuple[str, str]], bytes]:
        captured: dict[str, Any] = {}

        def capture(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
            captured.update(status=status, headers=headers)
            return written.append

        written: list[bytes] = []
        answer = self._app(environ, capture)
        try:
            written.extend(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()
        return captured["status"], captured["headers"], b"".join(written)

    def _refuse(self, fault: Fault, request: _Request, start_response: StartResponse) -> Iterable[bytes]:
        status = fault.status or 500
        kind, body = self._service.fault_body(fault)
        headers = [("Content-Type", kind), *self._service.fault_headers(fault).items()]
        if fault.retry_after_ms is None:
            # Otherwise the Cloudflare provider repeats 409, 429 and 5xx for three and a half minutes.
            headers.append(("x-should-retry", "false"))
        else:
            headers.append(("Retry-After-Ms", str(fault.retry_after_ms)))
            headers.append(("Retry-After", str(-(-fault.retry_after_ms // 1000))))
        request.write(status)
        start_response(f"{status} {_phrase(status)}", headers)
        return [body]


class _Request:
    """What is known of a request before its end."""

    def __init__(
        self, log: RequestLog, service: str, method: str, path: str, client: str, environ: WSGIEnvironment
    ) -> None:
        self._log = log
        self._environ = environ
        self._fields: dict[str, Any] = {
            "time": now(),
            "service": service,
            "method": method,
            "path": redact(path),
            "client": client,
        }

    def write(self, status: int) -> None:
        mutating = bool(self._environ.get("sandbox.mutating"))
        unknown = bool(self._environ.get("sandbox.unknown"))
        try:
            self._log.write(Entry(status=status, mutating=mutating, unknown=unknown, **self._fields))
        except OSError:  # a full disk: what was carried out is still answered
            traceback.print_exc()


def _headers(environ: WSGIEnvironment) -> Mapping[str, str]:
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    return headers


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Injected"
