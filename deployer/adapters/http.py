"""The only HTTP client of the deployer.

Every call has a timeout and ends in an answer that the caller said it understands, or in one typed error. What is
transient and safe to repeat is repeated with growing, jittered pauses; a change whose answer was lost is not, unless
the caller says that doing it twice is the same as once. This module knows no service.
"""

from __future__ import annotations

import json
import random
import threading
import time
import urllib.parse
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deployer.adapters.redact import Redactor
from deployer.errors import (
    CredentialsRefused,
    DeployError,
    Interrupted,
    RateLimited,
    ServiceFailed,
    ServiceUnreachable,
)

if TYPE_CHECKING:
    import urllib3

_ATTEMPTS = 4
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 8.0
# Being told to wait longer than this is an error that says so, not a run that seems to hang.
_LONGEST_RETRY_AFTER = 60.0
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_REPEATABLE_METHODS = _SAFE_METHODS | {"PUT", "DELETE"}
_TRANSIENT = frozenset({500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 530})
_SHOWN_BODY = 400
_CONNECTIONS = 8


class NotFound(ServiceFailed):
    """The service does not know the thing (404)."""

    reason = "not-found"


class Conflict(ServiceFailed):
    """Somebody else was first (409, 412)."""

    reason = "conflict"


@dataclass(frozen=True)
class Response:
    """An answer. `json` raises ServiceFailed when the body is something else."""

    service: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The decoded body."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise ServiceFailed(
                f"{self.service} did not answer with JSON (status {self.status})", place=_shown_url(self.url)
            ) from None

    @property
    def text(self) -> str:
        """The body as text, whatever it is."""
        return self.body.decode("utf-8", "replace")


@dataclass
class Http:
    """A client for one run; connections are kept and shared between threads."""

    redactor: Redactor
    timeout: float = 30.0
    stop: threading.Event = field(default_factory=threading.Event)
    # Proxy settings come from here and nowhere else.
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    user_agent: str = "vibechecc-deployer"
    attempts: int = _ATTEMPTS
    _pools: dict[str | None, urllib3.PoolManager] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def request(
        self,
        method: str,
        url: str,
        *,
        service: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        data: object = None,
        accept: Collection[int] = (),
        repeatable: bool | None = None,
        timeout: float | None = None,
        attempts: int | None = None,
        limited: Callable[[Response], float | None] | None = None,
    ) -> Response:
        """Send one request and return its answer: any 2xx, or a status in `accept`.

        `data` is sent as JSON. `repeatable` says that doing it twice is the same as doing it once; by default that
        holds for GET, HEAD, PUT and DELETE. `limited` knows a service's own forms of a rate limit: it returns the
        seconds that such a refusal asks to wait, and such a one is an error even if its status is in `accept`.
        """
        if data is not None:
            body = json.dumps(data).encode()
            headers = {"Content-Type": "application/json", **(headers or {})}
        repeatable = method in _REPEATABLE_METHODS if repeatable is None else repeatable
        call = _Call(service, method, url, {"User-Agent": self.user_agent, **(headers or {})}, body)
        left = attempts or self.attempts
        pause = _FIRST_PAUSE
        while True:
            left -= 1
            answer = self._once(call, timeout or self.timeout)
            asked = limited(answer) if limited and isinstance(answer, Response) else None
            understood = isinstance(answer, Response) and (200 <= answer.status < 300 or answer.status in accept)
            if isinstance(answer, Response) and understood and asked is None:
                return answer
            wait = _pause_before_repeating(answer, repeatable=repeatable, pause=pause, asked=asked)
            if left <= 0 or wait is None:
                raise self._error(call, answer, asked)
            self._sleep(wait, call)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _once(self, call: _Call, timeout: float) -> Response | _Lost:
        import urllib3

        if self.stop.is_set():
            raise Interrupted(f"{call.method} {call.service} was not sent, the run was interrupted")
        try:
            answer = self._pool(call.url).request(
                call.method,
                call.url,
                body=call.body,
                headers=call.headers,
                timeout=urllib3.Timeout(connect=min(timeout, 10.0), read=timeout),
                retries=False,
                redirect=False,
            )
        except urllib3.exceptions.LocationParseError:
            return _Lost("is not a valid address", sent=True)
        except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
            return _Lost(_connection_cause(error), sent=False)
        except urllib3.exceptions.SSLError as error:
            return _Lost(f"has a certificate that cannot be trusted: {error}", sent=False)
        except urllib3.exceptions.ProxyError as error:
            return _Lost(f"cannot be reached through the proxy: {error}", sent=False)
        except urllib3.exceptions.ReadTimeoutError:
            return _Lost(f"did not answer within {timeout:g} s", sent=True)
        except urllib3.exceptions.HTTPError as error:
            return _Lost(f"dropped the connection ({type(error).__name__})", sent=True)
        return Response(call.service, call.url, answer.status, dict(answer.headers.items()), answer.data)

    def _pool(self, url: str) -> urllib3.PoolManager:
        import urllib3

        proxy = _proxy_for(url, self.environment)
        with self._lock:
            if proxy not in self._pools:
                self._pools[proxy] = (
                    urllib3.ProxyManager(proxy, maxsize=_CONNECTIONS)
                    if proxy
                    else urllib3.PoolManager(maxsize=_CONNECTIONS)
                )
            return self._pools[proxy]

    def _sleep(self, seconds: float, call: _Call) -> None:
        if self.stop.wait(seconds):
            raise Interrupted(f"{call.service} was not asked again, the run was interrupted")

    def _error(self, call: _Call, answer: Response | _Lost, asked: float | None) -> DeployError:
        place = f"{call.method} {self.redactor.text(_shown_url(call.url))}"
        if isinstance(answer, _Lost):
            return ServiceUnreachable(
                f"{call.service} {answer.cause}",
                place=place,
                hint="check the network, then run the same command again; `inv doctor` tries every service",
            )
        said = self.redactor.text(said_by(answer))
        return _status_error(call, answer, place=place, said=said, asked=asked)


@dataclass(frozen=True)
class _Call:
    service: str
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)


@dataclass(frozen=True)
class _Lost:
    """No answer; `sent` says whether the request may have been carried out."""

    cause: str
    sent: bool


def said_by(answer: Response) -> str:
    """What the service says about an error, in one line, from the shapes that APIs use."""
    try:
        data = json.loads(answer.body)
    except ValueError:
        return " ".join(answer.text.split())[:_SHOWN_BODY]
    if isinstance(data, dict):
        errors = data.get("errors")
        if isinstance(errors, list) and errors:
            return "; ".join(
                f"{error.get('message')} (code {error.get('code')})" if isinstance(error, dict) else str(error)
                for error in errors
            )[:_SHOWN_BODY]
        for key in ("message", "error", "errorMessage"):
            if isinstance(data.get(key), str):
                code = data.get("code")
                return f"{data[key]} ({code})"[:_SHOWN_BODY] if code else str(data[key])[:_SHOWN_BODY]
    return " ".join(answer.text.split())[:_SHOWN_BODY]


def _status_error(call: _Call, answer: Response, *, place: str, said: str, asked: float | None) -> DeployError:
    status = answer.status
    details = [f"{call.service} said: {said}"] if said else []
    if status in (401, 403) and asked is None:
        what = "does not accept the credentials" if status == 401 else "does not allow this with these credentials"
        return CredentialsRefused(
            f"{call.service} {what} (status {status})",
            place=place,
            hint="`inv doctor` names the credential in use, docs/guide/credentials.md what it must be allowed to do",
            details=details,
        )
    if status == 429 or asked is not None:
        after = retry_after(answer.headers) if asked is None else asked
        wait = f", it asks to wait {after:.0f} s" if after is not None else ""
        return RateLimited(
            f"{call.service} refuses because of its rate limit{wait}",
            place=place,
            hint="wait, then run the same command again; it goes on from here",
            details=details,
        )
    if status == 404:
        return NotFound(f"{call.service} does not know this (status 404)", place=place, details=details)
    if status in (409, 412):
        return Conflict(f"{call.service} reports a conflict (status {status})", place=place, details=details)
    hint = "run the same command again; it goes on from here" if status >= 500 else None
    return ServiceFailed(f"{call.service} answered with status {status}", place=place, hint=hint, details=details)


def _pause_before_repeating(
    answer: Response | _Lost, *, repeatable: bool, pause: float, asked: float | None
) -> float | None:
    """How long to wait before the next attempt; None if there must not be one."""
    jittered = pause * random.uniform(0.5, 1.0)  # noqa: S311 -- spreads load, guards nothing
    if isinstance(answer, _Lost):
        return jittered if repeatable or not answer.sent else None
    if answer.status == 429 or asked is not None:
        # Refused before it was carried out, so that any method may be repeated.
        after = retry_after(answer.headers) if asked is None else asked
        return jittered if after is None else (after if after <= _LONGEST_RETRY_AFTER else None)
    if answer.status in _TRANSIENT and repeatable:
        after = retry_after(answer.headers)
        return jittered if after is None or after > _LONGEST_RETRY_AFTER else max(after, 0.0)
    return None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a service asks us to wait (`Retry-After` in seconds or as a date, `Retry-After-Ms`)."""
    lowered = {name.lower(): value for name, value in headers.items()}
    try:
        if "retry-after-ms" in lowered:
            return max(0.0, float(lowered["retry-after-ms"]) / 1000)
        value = lowered["retry-after"]
    except (KeyError, ValueError):
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _proxy_for(url: str, environment: Mapping[str, str]) -> str | None:
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    lowered = {name.lower(): value for name, value in environment.items() if value}
    proxy = lowered.get(f"{parts.scheme}_proxy") or lowered.get("all_proxy")
    if not proxy or host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost"):
        return None
    for pattern in lowered.get("no_proxy", "").split(","):
        name = pattern.strip().lstrip(".").lower()
        if name == "*" or (name and (host == name or host.endswith(f".{name}"))):
            return None
    return proxy


def _connection_cause(error: Exception) -> str:
    text = str(error)
    if "Name or service not known" in text or "getaddrinfo" in text or "resolve" in text:
        return "has a name that cannot be resolved"
    if "refused" in text:
        return "refuses connections"
    return "cannot be connected to"


def _shown_url(url: str) -> str:
    """The address without its query, which may carry a token."""
    parts = urllib.parse.urlsplit(url)
    netloc = parts.netloc.rpartition("@")[2]
    return urllib.parse.urlunsplit((parts.scheme, netloc, parts.path, "", ""))
