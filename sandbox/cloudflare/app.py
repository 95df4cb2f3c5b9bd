"""The WSGI application: finds the route, checks the caller, runs the handler as a transaction, tells the edge."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from sandbox.cloudflare import dns, r2, rows_account, rows_zone, rulesets, settings, tokens, transforms, zones
from sandbox.cloudflare.answers import Answer, Refusal, compact, not_covered
from sandbox.cloudflare.call import Call, HttpRequest, Route, World
from sandbox.cloudflare.workers import routes as workers
from sandbox.cloudflare.workers.sites import sites
from sandbox.requestlog import mark
from sandbox.tables import Body

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PREFIX = "/client/v4"


@cache
def all_routes() -> tuple[Route, ...]:
    """Every route of the stand-in."""
    plain = [route for row in (*rows_zone.COLLECTIONS, *rows_account.COLLECTIONS) for route in row.routes()]
    single = [route for row in rows_zone.SINGLETONS for route in row.routes()]
    own = (zones, dns, settings, transforms, rulesets, tokens, r2, workers)
    return (*plain, *single, *(route for module in own for route in module.ROUTES))


@cache
def _routing() -> Map:
    rules = [Rule(PREFIX + route.path, methods=[route.method], endpoint=route) for route in all_routes()]
    return Map(rules, strict_slashes=False, merge_slashes=False)


class App:
    """One sandbox's Cloudflare API."""

    def __init__(self, world: World, publish: Callable[[Sequence[Mapping[str, Any]]], None]) -> None:
        self._world = world
        # Before anybody asks: two threads that make one at once fail (ast.parse of Python 3.11 is not safe for that).
        self._routing = _routing()
        self._publish = publish
        self._publishing = threading.Lock()
        self._published: bytes | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = HttpRequest(environ)
        call = Call(self._world, request, self.account())
        try:
            answer = self._answer(call)
        except Refusal as refusal:
            if refusal.unknown:
                mark(environ, unknown=True)
            answer = refusal.answer()
        finally:
            request.close()  # uploads lie in temporary files
        response = Response(answer.body, answer.status, dict(answer.headers), content_type=answer.content_type)
        return response(environ, start_response)

    def account(self) -> Body:
        """The account that the seed named."""
        found = self._world.state.get("account", "-", "account")
        return found or {"id": "0" * 31 + "1", "name": "sandbox", "created_on": "2026-01-01T00:00:00.000000Z"}

    def publish(self) -> None:
        """Tell the edge what runs now, when that differs from what it was told last."""
        with self._publishing:
            with self._world.state.reading():
                current = sites(self._world, self.account())
                self._world.state.flush()
            text = compact(current)
            if text != self._published:
                self._publish(current)
                self._published = text

    def forget(self) -> None:
        """After a reset everything is told again."""
        self._published = None

    def _answer(self, call: Call) -> Answer:
        try:
            route, arguments = self._routing.bind_to_environ(call.request.environ).match()
        except HTTPException:
            self._authenticate(call)
            raise not_covered(call.request.method, call.request.path.removeprefix(PREFIX)) from None
        if not route.anonymous:
            self._authenticate(call)
        with self._world.state.transaction():
            _check_place(call, arguments)
            # There is one account, and it is in the call.
            places = {name: value for name, value in arguments.items() if name != "account_id"}
            answer: Answer = route.handler(call, **places)
        if call.sites_changed:
            self.publish()
        return answer

    def _authenticate(self, call: Call) -> None:
        with self._world.state.reading():
            tokens.authenticate(call)


def _check_place(call: Call, arguments: Mapping[str, str]) -> None:
    """The account must be the caller's; the zone must be there."""
    level = arguments.get("level")
    account = arguments.get("account_id") or (arguments["scope"] if level == "accounts" else None)
    if account is not None and account != call.account_id:
        raise Refusal(403, 10000, "Authentication error")
    zone = arguments.get("zone_id") or (arguments["scope"] if level == "zones" else None)
    if zone is not None:
        zones.find_zone(call, zone)
