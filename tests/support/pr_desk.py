"""A checkout in which pr.* runs in this process, with small steps in place of the playbooks and a bucket in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deployer.engine.playbook import Playbook
from deployer.steps.lease_store import LeaseStore
from deployer.words import Named
from tests.support.buckets import MemoryBucket
from tests.support.cli import Checkout, FileStep, Ran, make_checkout

PREVIEW = "preview:vibechecc:vibechecc|made-up"


@dataclass
class Desk:
    """A checkout, what its runs have made, and the world that they see."""

    checkout: Checkout
    bucket: MemoryBucket = field(default_factory=MemoryBucket)
    pulls: dict[int, str] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    after_first: Callable[[], None] = lambda: None

    @property
    def root(self) -> Path:
        """The checkout."""
        return self.checkout.root

    def pr(self, verb: str, *flags: str, number: int = 12) -> Ran:
        """`inv pr.VERB --number 12`."""
        return self.checkout.inv(f"pr.{verb}", "--number", str(number), *flags)

    def store(self, number: int = 12) -> LeaseStore:
        """A lease."""
        return LeaseStore(self.bucket, Named(f"pr-{number}", "cloudflare"))


@dataclass(frozen=True, kw_only=True)
class FirstStep(FileStep):
    """Something happens beside the run once it has ended."""

    desk: Desk

    def apply(self, context: Any, facts: bool, changes: Any) -> Any:
        values = super().apply(context, facts, changes)
        self.desk.after_first()
        return values


@dataclass(frozen=True, kw_only=True)
class GoneStep(FileStep):
    """The file is not there."""

    def observe(self, context: Any) -> bool:
        return not self.path.exists()

    def apply(self, context: Any, facts: bool, changes: Any) -> Any:
        self.path.unlink()
        return {}


def make_desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk without GitHub and without Convex's management."""
    checkout = make_checkout(tmp_path, capsys)
    desk = Desk(checkout)
    names = ("CLOUDFLARE_API_TOKEN", "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID")
    for name in (*names, "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "made-up-credential")
    for name in ("GITHUB_TOKEN", "GH_TOKEN", "CONVEX_MANAGEMENT_TOKEN", "GITHUB_RUN_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CONVEX_PREVIEW_DEPLOY_KEY", PREVIEW)

    def making(wiring: Any) -> Playbook:
        folder = tmp_path / "made" / wiring.environment.name
        folder.mkdir(parents=True, exist_ok=True)
        first = FirstStep(name="convex functions", path=folder / "one", desk=desk)
        return Playbook("deploy", [first, FileStep(name="second", needs=(first.name,), path=folder / "two")])

    def removing(wiring: Any, _management: object = None) -> Playbook:
        folder = tmp_path / "made" / wiring.environment.name
        folder.mkdir(parents=True, exist_ok=True)
        return Playbook("destroy", [GoneStep(name=name, path=folder / name) for name in ("two", "one")])

    hub = SimpleNamespace(pull=lambda number: _pull(desk.pulls.get(number)))
    monkeypatch.setattr("deployer.playbooks.ephemeral.deploy", making)
    monkeypatch.setattr("deployer.playbooks.ephemeral.destroy", removing)
    monkeypatch.setattr("deployer.playbooks.wiring.Wiring.bucket", lambda _wiring, _name: desk.bucket)
    monkeypatch.setattr("deployer.playbooks.pull_requests.hub_of", lambda _wiring: hub if desk.pulls else None)
    monkeypatch.setattr("deployer.steps.live.Live._live_worker", lambda _live: None)
    monkeypatch.setattr("deployer.adapters.cloudflare.CloudflareApi.zone_id", lambda _api, _name: "zone")
    monkeypatch.setattr(
        "deployer.adapters.cloudflare.CloudflareApi.total", lambda _api, path: desk.counts.get(_last(path), 0)
    )
    return desk


def _pull(state: str | None) -> Any:
    return None if state is None else SimpleNamespace(open=state == "open", merged=state == "merged")


def _last(path: str) -> str:
    return path.partition("?")[0].rpartition("/")[2]


def made(desk: Desk, number: int = 12) -> list[str]:
    """What is there."""
    folder = desk.root / "made" / f"pr-{number}"
    return sorted(path.name for path in folder.glob("*")) if folder.exists() else []
