"""The HTTP client: the official client's headers, retries and wording of errors, and loopback only.

Knows nothing of resources. Connections are kept for the next request until the client is closed.
"""

from __future__ import annotations

import http.client
import ipaddress
import platform
import random
import select
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import SplitResult, urlsplit

from .diagnostics import Refused
from .values import dump_json

RETRIES = 10
_FIRST_DELAY, _LONGEST_DELAY, _LONGEST_WISH = 2.0, 30.0, 60.0
FAILED = "failed to make http request"
FRAMEWORK = "1.19.0"
_GLANCE = 0.25  # seconds between two looks at whether an answer is still wanted
WANTED: ContextVar[Callable[[], bool]] = ContextVar("wanted", default=lambda: True)
"""Whether whoever asked for the operation under way still waits for it. Nothing is sent for one who is gone."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer below 400."""

    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes


@dataclass(slots=True)
class Request:
    """One request; `path` is relative to the base URL and holds the query."""

    method: str
    path: str
    body: bytes | None = None
    content_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    accept: str = "application/json"


def json_request(method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> Request:
    """A request with a JSON body, or none if it is None."""
    if body is None:
        return Request(method, path, headers=headers or {})
    return Request(method, path, dump_json(body).encode(), "application/json", headers or {})


class Failed(Refused):
    """The API refused a request, or could not be reached."""

    def __init__(self, detail: str, status: int | None = None):
        super().__init__(FAILED, detail)
        self.status = status


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine and nowhere else."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def user_agent(terraform_version: str, suffix: str | None) -> str:
    """What the client calls itself."""
    tail = suffix if suffix is not None else f"terraform/{terraform_version}"
    return f"terraform-provider-cloudflare/dev terraform-plugin-framework/{FRAMEWORK} {tail}"


class Client:
    """Sends requests below one base URL."""

    def __init__(self, base_url: str, headers: dict[str, str]):
        self.base_url = base_url if base_url.endswith("/") else base_url + "/"
        self.headers = {
            **headers,
            "x-stainless-lang": "Terraform",
            "x-stainless-package-version": "dev",
            "x-stainless-runtime": "terraform-plugin-framework",
            "x-stainless-runtime-version": FRAMEWORK,
            "x-stainless-os": platform.system(),
            "x-stainless-arch": platform.machine(),
        }
        self._idle: list[http.client.HTTPConnection] = []
        self._closed = False
        self._lock = threading.Lock()
        self._interrupted = threading.Event()

    def close(self) -> None:
        """Hang up; requests under way still end."""
        with self._lock:
            self._closed = True
            for connection in self._idle:
                connection.close()
            self._idle.clear()

    def interrupt(self) -> None:
        """End all waiting for another try."""
        with self._lock:
            self._interrupted.set()
            self._interrupted = threading.Event()

    def _pause(self, seconds: float) -> bool:
        """Wait; False if there is no use in another try."""
        interrupted, end = self._interrupted, time.monotonic() + seconds
        while WANTED.get()():
            left = end - time.monotonic()
            if left <= 0:
                return True
            if interrupted.wait(min(left, _GLANCE)):
                return False
        return False

    def send(self, request: Request) -> Response:
        """Send, repeat what deserves it, and raise `Failed` on everything that is not a success."""
        url = self.base_url + request.path.lstrip("/")
        parts = urlsplit(url)
        attempt = 0
        while True:
            outcome = self._attempt(request, parts, attempt)
            if isinstance(outcome, Response) and outcome.status < HTTPStatus.BAD_REQUEST:
                return outcome
            if attempt >= RETRIES or not _repeats(outcome):
                raise _failure(request.method, url, outcome)
            if not self._pause(_delay(outcome, attempt)):
                raise _failure(request.method, url, "interrupted before the next try")
            attempt += 1

    def _attempt(self, request: Request, parts: SplitResult, attempt: int) -> Response | str:
        """One try: the answer, or why there is none."""
        if parts.scheme not in ("http", "https"):
            return f'unsupported protocol scheme "{parts.scheme}"'
        if not is_loopback(parts.geturl()):
            return f"the embedded provider talks to loopback only, not to {parts.hostname}"
        headers = {**self.headers, "accept": request.accept, "x-stainless-retry-count": str(attempt), **request.headers}
        if request.content_type:
            headers["content-type"] = request.content_type
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection = self._take(parts)
        try:
            connection.request(request.method, target, body=request.body, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return _reason(error, parts)
        self._put_back(connection)
        return Response(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)

    def _take(self, parts: SplitResult) -> http.client.HTTPConnection:
        with self._lock:
            while self._idle:
                connection = self._idle.pop()
                readable, _, _ = select.select([connection.sock], [], [], 0)
                if not readable:
                    return connection
                connection.close()  # readable without a request under way: the server hung up
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        return kind(parts.hostname or "", parts.port)

    def _put_back(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if connection.sock is not None and not self._closed:
                self._idle.append(connection)
                return
        connection.close()


def _reason(error: Exception, parts: SplitResult) -> str:
    if isinstance(error, ConnectionRefusedError):
        return f"dial tcp {parts.hostname}:{parts.port or 80}: connect: connection refused"
    if isinstance(error, http.client.RemoteDisconnected):
        return "EOF"
    return str(error) or type(error).__name__


def _failure(method: str, url: str, outcome: Response | str) -> Failed:
    if isinstance(outcome, str):
        return Failed(f'{method.capitalize()} "{url}": {outcome}')
    try:
        reason = HTTPStatus(outcome.status).phrase
    except ValueError:
        reason = ""
    text = outcome.body.decode("utf-8", "replace")
    return Failed(f'{method} "{url}": {outcome.status} {reason} {text}', outcome.status)


def _repeats(outcome: Response | str) -> bool:
    if isinstance(outcome, str):
        return not outcome.startswith(("unsupported protocol", "the embedded provider"))
    wish = outcome.headers.get("x-should-retry")
    if wish in ("true", "false"):
        return wish == "true"
    return outcome.status in (408, 409, 429) or outcome.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _delay(outcome: Response | str, attempt: int) -> float:
    """Seconds until the next try: as the server wishes, else doubling with some jitter."""
    if isinstance(outcome, Response):
        wish = _wish(outcome.headers)
        if wish is not None and 0 <= wish < _LONGEST_WISH:
            return wish
    delay = min(_FIRST_DELAY * 2.0**attempt, _LONGEST_DELAY)
    return delay * (1 - random.random() / 4)  # noqa: S311 - spreads retries, protects nothing


def _wish(headers: dict[str, str]) -> float | None:
    try:
        if "retry-after-ms" in headers:
            return float(headers["retry-after-ms"]) / 1000
        after = headers.get("retry-after")
        if after is None:
            return None
        try:
            return float(after)
        except ValueError:
            return (parsedate_to_datetime(after) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
