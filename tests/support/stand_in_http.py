"""The deployer's HTTP port, answered by the Cloudflare stand-in in this very process; it knows what it was asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from deployer.adapters.cloudflare import CloudflareApi
from deployer.adapters.guard import Guard
from deployer.adapters.http import Http, Response
from deployer.adapters.redact import Redactor
from deployer.errors import DeployError, ServiceFailed
from tests.support.cloudflare import ACCOUNT, TOKEN, Api

BASE = "https://cloudflare.test"


@dataclass
class StandInHttp(Http):
    """`refuses` says which requests fail, by method and path."""

    redactor: Redactor = field(default_factory=Redactor)
    api: Api | None = None
    refuses: Callable[[str, str], bool] = lambda _method, _path: False
    asked: list[tuple[str, str]] = field(default_factory=list)

    def request(self, method: str, url: str, **options: Any) -> Response:
        """One request; what is neither a success nor accepted is an error, like the real one's."""
        assert self.api is not None
        path = url.removeprefix(BASE)
        self.asked.append((method, path))
        if self.refuses(method, path):
            raise _failed(500)
        answer = self.api.call(method, path, options.get("data"))
        if answer.status >= 300 and answer.status not in options.get("accept", ()):
            raise _failed(answer.status)
        return Response("Cloudflare", url, answer.status, dict(answer.headers), answer.body)

    def count(self, part: str, *, method: str = "GET") -> int:
        """How many requests had this in their path."""
        return sum(part in path for asked, path in self.asked if asked == method)

    @property
    def writes(self) -> list[tuple[str, str]]:
        """What was more than looking."""
        return [(method, path) for method, path in self.asked if method != "GET"]


def cloudflare_of(
    api: Api, *, guard: Guard | None = None, refuses: Callable[[str, str], bool] = lambda _method, _path: False
) -> tuple[CloudflareApi, StandInHttp]:
    """The deployer's client of the stand-in, and its record."""
    http = StandInHttp(api=api, refuses=refuses)
    return CloudflareApi(http, BASE, ACCOUNT, lambda: TOKEN, guard), http


def _failed(status: int) -> DeployError:
    return ServiceFailed(f"Cloudflare answered with status {status}")
