"""One request as the handlers see it, and how a handler is bound to a path.

Handlers are functions `(Call, **path parameters) -> Answer`; they read and change `call.state` and raise `Refusal`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from werkzeug.wrappers import Request

from sandbox.github.answers import Answer, Page, Refusal, not_found, ok
from sandbox.github.signer import Signer
from sandbox.github.values import HTML, now
from sandbox.tables import Body, Tables

Handler = Callable[..., Answer]


@dataclass(frozen=True)
class World:
    """What outlives a request."""

    state: Tables
    url: str  # where the API answers
    request_token: Callable[[], str]  # with which a job of the sandbox asks for OIDC tokens
    signer: Signer


@dataclass(frozen=True)
class Caller:
    """Whose token it is and what it may do (`issues` to `read` or `write`)."""

    login: str
    permissions: Mapping[str, str]
    is_app: bool
    identifier: str

    def may(self, permission: str, level: str) -> bool:
        """Whether the token has that permission; write contains read."""
        if permission == "metadata":
            return True
        return self.permissions.get(permission) in (("write",) if level == "write" else ("read", "write"))


@dataclass
class Call:
    """One request."""

    world: World
    request: Request
    caller: Caller | None = None
    time: str = field(default_factory=now)

    @property
    def state(self) -> Tables:
        """The objects."""
        return self.world.state

    @property
    def who(self) -> Caller:
        """The caller of a route that is not anonymous."""
        if self.caller is None:
            raise Refusal(401, "Requires authentication")
        return self.caller

    @property
    def query(self) -> Mapping[str, str]:
        """Query parameters."""
        return self.request.args

    @property
    def repository(self) -> Body:
        """The one repository."""
        return self.find("repository", "repository")

    @property
    def owner(self) -> str:
        """Whose the repository is."""
        return str(self.repository["full_name"]).partition("/")[0]

    @property
    def repository_url(self) -> str:
        """The address of the repository in the API."""
        return f"{self.world.url}/repos/{self.repository['full_name']}"

    @property
    def repository_page(self) -> str:
        """Where people look at the repository."""
        return f"{HTML}/{self.repository['full_name']}"

    def find(self, kind: str, identifier: str | int, *, scope: str | int = "-") -> Body:
        """An object that has to be there; 404 for one that is not."""
        found = self.state.get(kind, str(scope), str(identifier))
        if found is None:
            raise not_found()
        return found

    def page(
        self, items: Sequence[Any], *, within: str | None = None, shown: Callable[[Any], Any] | None = None
    ) -> Answer:
        """One page of a list; `within` names the list in an object that also has the count."""
        part, headers = Page(self.world.url + quote(self.request.path), self.query).cut(items)
        part = [shown(item) for item in part] if shown else part
        return ok(part if within is None else {"total_count": len(items), within: part}, headers=headers)

    def object(self) -> dict[str, Any]:
        """The body as a JSON object; no body is an empty one."""
        try:
            body = json.loads(self.request.get_data() or b"{}")
        except ValueError:
            raise Refusal(400, "Problems parsing JSON") from None
        if not isinstance(body, dict):
            raise Refusal(400, "Body should be a JSON object")
        return body

    def next_id(self, kind: str, *, first: int = 1) -> int:
        """Count a kind of thing."""
        counter = self.state.get("counters", "-", kind)
        number = int(counter["last"]) + 1 if counter else first
        self.state.put("counters", "-", kind, {"last": number})
        return number

    def at_least(self, kind: str, number: int) -> None:
        """Make the next number of a kind larger than this one."""
        counter = self.state.get("counters", "-", kind)
        if counter is None or int(counter["last"]) < number:
            self.state.put("counters", "-", kind, {"last": number})


@dataclass(frozen=True)
class Route:
    """A path in werkzeug's syntax and what handles it.

    `/repos/<owner>/<repo>` is put before it unless it is `bare`. `needs` are permissions of which one is enough; a
    route that is `anonymous` checks the caller itself.
    """

    method: str
    path: str
    handler: Handler
    needs: Sequence[tuple[str, str]] = (("metadata", "read"),)
    bare: bool = False
    anonymous: bool = False

    @property
    def full_path(self) -> str:
        """The path as it is served."""
        return self.path if self.bare else f"/repos/<owner>/<repo>{self.path}"


def needs(*wishes: str) -> tuple[tuple[str, str], ...]:
    """`needs("issues:write", "pull_requests:write")`: one of these is enough."""
    return tuple((wish.partition(":")[0], wish.partition(":")[2]) for wish in wishes)
