"""A fresh stand-in for each test, called without a server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder

from sandbox import seed as seeds
from sandbox.github.service import GitHubService, create
from sandbox.home import Home
from sandbox.ports import Ports
from sandbox.service import Context
from sandbox.vault import Vault
from tests.support.cloudflare import MemoryBuckets
from tests.support.github_world import REPOSITORY, SEED


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    unknown: bool

    @property
    def json(self) -> Any:
        """The document."""
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        """The only entry of `errors` of a refusal."""
        (error,) = self.json["errors"]
        return error


class Api:
    """The stand-in in a folder, seeded."""

    def __init__(self, folder: Path) -> None:
        self.home = Home.at(folder)
        self.vault = Vault(self.home.root / "vault.json")
        self.service = self.start()

    def start(self) -> GitHubService:
        """As the supervisor does, with what is on disk."""

        def no_process(*_: Any, **__: Any) -> Any:
            raise AssertionError("the stand-in needs no process of its own")

        context = Context(
            name="github",
            home=self.home,
            ports=Ports(self.home.root / "ports.json"),
            vault=self.vault,
            buckets=MemoryBuckets(),
            publish=lambda _: None,
            spawn=no_process,
            connection_changed=lambda: None,
        )
        service = create(context)
        assert isinstance(service, GitHubService)
        service.apply_seed(seeds.parse(json.dumps(SEED)))
        self.service = service
        return service

    def token(self, variable: str = "GITHUB_TOKEN") -> str:
        """The value that clients are given."""
        found = self.vault.environment().get(variable)
        assert found is not None
        return found

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        variable: str = "GITHUB_TOKEN",
        headers: Mapping[str, str | None] | None = None,
        data: bytes | None = None,
    ) -> Answer:
        """One request; a path of the repository begins with `/`, any other with `//`."""
        sent = {"Authorization": f"Bearer {self.token(variable)}", "User-Agent": "test", **(headers or {})}
        full = path[1:] if path.startswith("//") else f"/repos/{REPOSITORY}{path}"
        content = data if data is not None else None if body is None else json.dumps(body).encode()
        given = [(name, value) for name, value in sent.items() if value is not None]
        builder = EnvironBuilder(full, method=method, headers=given, data=content, content_type="application/json")
        environ = builder.get_environ()
        captured: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
            captured[:] = [int(status.split(" ", maxsplit=1)[0]), dict(headers)]
            return captured.append

        assert self.service.app is not None
        answer = b"".join(self.service.app(environ, start_response))
        builder.close()
        return Answer(captured[0], answer, captured[1], bool(environ.get("sandbox.unknown")))

    def get(self, path: str, **options: Any) -> Answer:
        """GET."""
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any, **options: Any) -> Answer:
        """POST."""
        return self.call("POST", path, body, **options)

    def world(self, path: str, body: Any) -> Any:
        """What a person or GitHub itself does."""
        answer = self.post(f"//__sandbox/{path}", body)
        assert answer.status in (200, 201), answer.body
        return answer.json


@pytest.fixture
def api(tmp_path: Path) -> Api:
    """One repository, as `tests.support.github_world.SEED` says."""
    return Api(tmp_path)
