"""One request as the handlers see it, and how a handler is bound to a path.

Handlers are functions `(Call, **path parameters) -> Answer`; they read and change `call.state` and raise `Refusal`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request

from sandbox.cloudflare.answers import Answer, Refusal
from sandbox.cloudflare.values import now
from sandbox.service import Buckets
from sandbox.tables import Body, Tables

Handler = Callable[..., Answer]


class HttpRequest(Request):
    """Werkzeug's request without its form limits: modules and assets are large."""

    max_form_memory_size = None
    max_form_parts = 10_000


@dataclass(frozen=True)
class World:
    """What outlives a request."""

    state: Tables
    buckets: Buckets
    folder: Path
    token: Callable[[], str]  # the one that the sandbox hands to its clients


@dataclass
class Call:
    """One request."""

    world: World
    request: HttpRequest
    account: Body
    time: str = field(default_factory=now)
    sites_changed: bool = False  # what runs, or where it answers, is different after this request

    @property
    def state(self) -> Tables:
        """The objects."""
        return self.world.state

    @property
    def account_id(self) -> str:
        """The one account."""
        return str(self.account["id"])

    @property
    def query(self) -> Mapping[str, str]:
        """Query parameters."""
        return self.request.args

    def header(self, name: str, default: str = "") -> str:
        """A request header."""
        return self.request.headers.get(name, default)

    def json(self) -> Any:
        """The body as JSON of any kind; code 6007 as for every malformed one."""
        try:
            return json.loads(self.request.get_data())
        except ValueError:
            raise Refusal(400, 6007, "Malformed JSON in request body") from None

    def object(self) -> dict[str, Any]:
        """The body as a JSON object."""
        body = self.json()
        if not isinstance(body, dict):
            raise Refusal(400, 6007, "Malformed JSON in request body: an object is expected")
        return body

    def source(self) -> str:
        """Which client this is, in the words that Cloudflare uses for versions and deployments."""
        agent = self.header("User-Agent")
        if agent.startswith("wrangler/"):
            return "wrangler"
        return "terraform" if agent.startswith("terraform-provider-cloudflare/") else "api"


@dataclass(frozen=True)
class Route:
    """A path (werkzeug's syntax, below /client/v4) and what handles it. `anonymous`: it checks the caller itself."""

    method: str
    path: str
    handler: Handler
    anonymous: bool = False
