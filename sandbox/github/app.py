"""The WSGI application: finds the route, checks the caller and what it sent, runs the handler as a transaction."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from sandbox.github import (
    checks,
    comments,
    commits,
    control,
    deployments,
    environments,
    issues,
    labels,
    oidc,
    pulls,
    repository,
    runs,
    statuses,
)
from sandbox.github.answers import Answer, Refusal, not_found, ok
from sandbox.github.call import Call, Route, World
from sandbox.github.callers import authenticate, authorize
from sandbox.requestlog import mark

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_MODULES = (
    repository, pulls, issues, comments, labels, commits, statuses, checks, deployments, environments, runs, oidc,
    control,
)  # fmt: skip
_VERSIONS = ("2022-11-28", "2026-03-10")
_LIMIT = 5000
_WINDOW_SECONDS = 3600


@cache
def all_routes() -> tuple[Route, ...]:
    """Every route of the stand-in."""
    limit = Route("GET", "/rate_limit", lambda call: ok({}), bare=True)
    return (limit, *(route for module in _MODULES for route in module.ROUTES))


@cache
def _routing() -> Map:
    rules = [Rule(route.full_path, methods=[route.method], endpoint=route) for route in all_routes()]
    return Map(rules, strict_slashes=False, merge_slashes=False)


class RateLimit:
    """Requests of each token in this hour. Counted and told, never enforced: faults do that."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: dict[str, tuple[float, int]] = {}

    def count(self, token: str, *, free: bool) -> Mapping[str, int]:
        """Count one request of a token; returns what the headers say."""
        with self._lock:
            began, used = self._used.get(token, (time.time(), 0))
            if time.time() - began > _WINDOW_SECONDS:
                began, used = time.time(), 0
            used += 0 if free else 1
            self._used[token] = (began, used)
        remaining = max(0, _LIMIT - used)
        return {"limit": _LIMIT, "remaining": remaining, "reset": int(began) + _WINDOW_SECONDS, "used": used}

    def clear(self) -> None:
        """Nothing was asked yet."""
        with self._lock:
            self._used.clear()


class App:
    """One sandbox's GitHub."""

    def __init__(self, world: World) -> None:
        self._world = world
        # Before anybody asks: two threads that make one at once fail (ast.parse of Python 3.11 is not safe for that).
        self._routing = _routing()
        self.limit = RateLimit()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        call = Call(self._world, Request(environ))
        try:
            answer = self._answer(call)
        except Refusal as refusal:
            if refusal.unknown:
                mark(environ, unknown=True)
            answer = refusal.answer()
        headers = {
            "X-GitHub-Media-Type": "github.v3; format=json",
            "X-GitHub-Request-Id": uuid.uuid4().hex[:20].upper(),
            **answer.headers,
        }
        if call.caller is not None:
            told = self.limit.count(call.caller.identifier, free=call.request.path == "/rate_limit")
            headers |= {f"x-ratelimit-{name}": str(value) for name, value in told.items()}
            headers["x-ratelimit-resource"] = "core"
            if call.request.path == "/rate_limit" and answer.status == 200:
                answer = ok({"resources": {"core": told, "search": told}, "rate": told})
        response = Response(answer.body, answer.status, headers, content_type="application/json; charset=utf-8")
        return response(environ, start_response)

    def _answer(self, call: Call) -> Answer:
        try:
            route, arguments = self._routing.bind_to_environ(call.request.environ).match()
        except HTTPException:
            route, arguments = None, {}
        if route is not None and route.anonymous:
            if call.request.headers.get("Origin"):
                raise Refusal(403, "only programs of this machine, no pages, may ask this")
        else:
            with self._world.state.reading():
                call.caller = authenticate(call)
            _check_headers(call.request.headers)
        if route is None:
            reason = f"Not Found (the sandbox does not cover {call.request.method} {call.request.path})"
            raise Refusal(404, reason, unknown=True)
        with self._world.state.transaction():
            _check_repository(call, arguments)
            if not route.anonymous:
                authorize(call, route)
            places = {name: value for name, value in arguments.items() if name not in ("owner", "repo")}
            answer: Answer = route.handler(call, **places)
            return answer


def _check_repository(call: Call, arguments: Mapping[str, str]) -> None:
    """There is one repository; names do not differ by case."""
    if "repo" in arguments:
        wanted = f"{arguments['owner']}/{arguments['repo']}"
        if wanted.lower() != str(call.repository["full_name"]).lower():
            raise not_found()


def _check_headers(headers: Headers) -> None:
    """What GitHub refuses before it looks at anything else."""
    if not headers.get("User-Agent"):
        raise Refusal(
            403,
            "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
        )
    accepted = headers.get("Accept") or "*/*"
    types = [part.partition(";")[0].strip() for part in accepted.split(",")]
    if not any(kind in ("*/*", "application/*", "application/json") or _ours(kind) for kind in types):
        raise Refusal(415, "Unsupported 'Accept' header: must accept 'application/json'.")
    version = headers.get("X-GitHub-Api-Version")
    if version and version not in _VERSIONS:
        raise Refusal(400, f"The version {version} is not supported: {', '.join(_VERSIONS)}.")


def _ours(kind: str) -> bool:
    return kind.startswith("application/vnd.github") and kind.endswith(("json", "github", "v3"))
