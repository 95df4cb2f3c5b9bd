"""The stand-in as a part of the sandbox: seed, environment, restart, reset, injected errors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from sandbox import seed as seeds
from sandbox.cloudflare.service import Cloudflare, create
from sandbox.faults import Fault
from sandbox.home import Home
from sandbox.ports import Ports
from sandbox.service import Context
from sandbox.vault import Vault
from tests.support.cloudflare import ACCOUNT, ZONE, ZONE_NAME, MemoryBuckets

SEED = seeds.parse(json.dumps({"schema": 1, "account": {"id": ACCOUNT, "name": "vibechecc"}, "zones": [ZONE_NAME]}))


class World:
    """A home in which the service can be started again and again."""

    def __init__(self, folder: Path) -> None:
        self.home = Home.at(folder)
        self.published: list[Sequence[Mapping[str, Any]]] = []

    def publish(self, sites: Sequence[Mapping[str, Any]]) -> None:
        """What the edge is told."""
        self.published.append(sites)

    def start(self) -> Cloudflare:
        """As the supervisor does."""

        def no_process(*_: Any, **__: Any) -> Any:
            raise AssertionError("the stand-in needs no process of its own")

        context = Context(
            name="cloudflare",
            home=self.home,
            ports=Ports(self.home.root / "ports.json"),
            vault=Vault(self.home.root / "vault.json"),
            buckets=MemoryBuckets(),
            publish=self.publish,
            spawn=no_process,
            connection_changed=lambda: None,
        )
        service = create(context)
        assert isinstance(service, Cloudflare)
        service.start()
        service.apply_seed(SEED)
        return service

    def state(self) -> dict[str, Any]:
        """What is on disk."""
        found: dict[str, Any] = json.loads((self.home.folder("cloudflare") / "state.json").read_bytes())
        return found


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty home."""
    return World(tmp_path)


def test_the_seed_is_idempotent(world: World) -> None:
    """Applied again, or after a restart, it changes nothing; zone ids are the same in every sandbox."""
    service = world.start()
    first = world.state()
    service.apply_seed(SEED)
    assert world.state() == first
    world.start()
    assert world.state() == first
    assert list(first["zones"]) == [f"{ACCOUNT}/{ZONE}"]


def test_clients_are_pointed_here(world: World) -> None:
    """The token stays over restarts; both tools' variables name the same address."""
    environment = world.start().environment()
    assert environment["CLOUDFLARE_BASE_URL"] == environment["CLOUDFLARE_API_BASE_URL"]
    assert environment["CLOUDFLARE_BASE_URL"].startswith("http://127.0.0.1:")
    assert environment["CLOUDFLARE_BASE_URL"].endswith("/client/v4")
    assert len(environment["CLOUDFLARE_API_TOKEN"]) >= 40
    assert world.start().environment() == environment


def test_reset_forgets_state_and_files(world: World) -> None:
    """Nothing of what was made is left, and the edge serves nothing."""
    service = world.start()
    folder = world.home.folder("cloudflare")
    (folder / "modules").mkdir()
    (folder / "modules" / "left").write_text("x")
    service.reset()
    assert world.state() == {}
    assert [path.name for path in folder.iterdir()] == ["state.json"]
    assert world.published[-1] == []


def test_injected_errors_look_like_cloudflares(world: World) -> None:
    """With the code that Cloudflare uses for the status, or the one that was asked for."""
    service = world.start()

    def error(**fields: Any) -> Any:
        kind, body = service.fault_body(Fault(id=1, service="cloudflare", **fields))
        assert kind == "application/json"
        answer = json.loads(body)
        assert answer["success"] is False
        return answer["errors"][0]

    assert error(status=403)["code"] == 10000
    assert error(status=429)["code"] == 971
    assert error(status=502)["code"] == 10013
    assert error(status=400, code=10021, message="no") == {"code": 10021, "message": "no"}


def test_coverage_lists_routes(world: World) -> None:
    """One line each, with the parameters in braces."""
    covered = list(world.start().coverage())
    assert "GET /zones/{zone_id}/dns_records" in covered
    assert "PUT /accounts/{account_id}/workers/scripts/{name}" in covered
    assert len(covered) == len(set(covered)) > 150
