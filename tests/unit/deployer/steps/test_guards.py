"""What deploy and destroy refuse before they change anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from deployer.adapters.cloudflare import CloudflareApi
from deployer.errors import ConfigError, Damaged, GuardRefused
from deployer.inventory.model import App
from deployer.steps.application import Application
from deployer.steps.guards import DeployGuards, DestroyGuards
from deployer.steps.holdings import Holdings
from deployer.words import Named
from tests.support.buckets import MemoryBucket, terraform_state

HOST = "dev.example.com"
STATE = "terraform/development/{}.tfstate"
NAMED = Named("development", "cloudflare")


class Api:
    """Custom domains, by host."""

    account = "acc"

    def __init__(self, **services: str) -> None:
        self.services = services

    def get(self, path: str) -> Any:
        """All of them: this one does not understand the filter."""
        assert path.startswith("/accounts/acc/workers/domains?hostname=")
        return [{"id": f"id-{host}", "hostname": host, "service": name} for host, name in self.services.items()]


class There:
    """An application that is where it should be."""

    def require(self) -> None:
        """It is."""


def deploy(api: Api, bucket: MemoryBucket, application: Any = None, host: str | None = HOST) -> DeployGuards:
    """The guards of a deploy."""
    return DeployGuards(
        name="guards", application=cast("Application", application or There()), cloudflare=cast("CloudflareApi", api),
        holdings=Holdings(bucket, NAMED), worker="ours", host=host, place="environments.toml",
    )  # fmt: skip


def test_a_host_of_another_worker_is_not_taken(context: Any) -> None:
    """The error names the Worker that would lose it."""
    with pytest.raises(GuardRefused, match=r"dev\.example\.com leads to another Worker, `legacy-site`"):
        deploy(Api(**{HOST: "legacy-site"}), MemoryBucket()).observe(context.of())


@pytest.mark.parametrize("served", [{}, {HOST: "ours"}, {"www.example.com": "legacy-site"}])
def test_a_host_that_is_free_or_ours_is_no_problem(served: dict[str, str], context: Any) -> None:
    """Hosts of others do not matter, whatever the service makes of the question."""
    deploy(Api(**served), MemoryBucket()).observe(context.of())
    deploy(Api(**{HOST: "legacy-site"}), MemoryBucket(), host=None).observe(context.of())


def test_a_host_in_our_state_is_ours(context: Any) -> None:
    """The Worker was given another name: the domain that we have attached leads to the old one."""
    bucket = MemoryBucket()
    bucket.put_json(STATE.format("hosts"), terraform_state(("cloudflare_workers_custom_domain", {"id": f"id-{HOST}"})))
    deploy(Api(**{HOST: "old-name"}), bucket).observe(context.of())


@pytest.mark.parametrize("missing", ["path", "convex"])
def test_an_application_that_is_not_there_is_found_first(missing: str, tmp_path: Path, context: Any) -> None:
    """With the key of the inventory that is wrong."""
    if missing == "convex":
        (tmp_path / "app").mkdir()
    app = App(
        path="app", install=("true",), build=("true",), main="main.js", assets="assets", convex="convex",
        convex_url_variable="URL", health="/health",
    )  # fmt: skip
    application = Application(
        wishes=app, folder=tmp_path / "app", sources=cast("Any", None), processes=cast("Any", None), environment=dict,
        programs=lambda: tmp_path, build=tmp_path, logs=tmp_path, lock=tmp_path / "lock", timeout=1,
    )  # fmt: skip
    with pytest.raises(ConfigError, match="does not exist") as caught:
        deploy(Api(), MemoryBucket(), application).observe(context.of())
    assert f"`{missing}`" in str(caught.value.hint)
    (tmp_path / "app" / "convex").mkdir(parents=True, exist_ok=True)
    deploy(Api(), MemoryBucket(), application).observe(context.of())


def destroy(states: MemoryBucket, **more: Any) -> DestroyGuards:
    """The guards of a destroy of `site` and `hosts`."""
    given: dict[str, Any] = {
        "stacks": ("site", "hosts"), "known_stacks": ("zone", "site", "hosts"), "may_empty": True,
        "bucket": lambda name: MemoryBucket(name=name), **more,
    }  # fmt: skip
    return DestroyGuards(name="guards", holdings=Holdings(states, NAMED), place="environments.toml", **given)


def test_a_state_of_a_stack_that_the_inventory_no_longer_names_is_not_orphaned(context: Any) -> None:
    """The error names it and what to add; once it is empty it does not matter."""
    bucket = MemoryBucket()
    bucket.put_json(STATE.format("zone"), terraform_state(("cloudflare_ruleset", {"id": "1"})))
    with pytest.raises(GuardRefused, match="still holds a resource") as caught:
        destroy(bucket).observe(context.of())
    assert "terraform/development/zone.tfstate" in str(caught.value)
    assert """--set 'stacks=["site","hosts","zone"]'""" in str(caught.value.hint)
    destroy(bucket, stacks=("zone", "site", "hosts")).observe(context.of())
    bucket.put_json(STATE.format("zone"), terraform_state())
    destroy(bucket).observe(context.of())


def test_objects_are_protected_before_anything_is_changed(context: Any) -> None:
    """Only those in buckets that a state holds: others are not touched anyway."""
    states, ours, others = MemoryBucket(), MemoryBucket(name="ours"), MemoryBucket(name="others")
    for bucket in (ours, others):
        bucket.put_json("picture", {})
    buckets = {"ours": ours, "others": others}
    guards = destroy(states, may_empty=False, bucket=buckets.__getitem__)
    guards.observe(context.of())
    states.put_json(STATE.format("site"), terraform_state(("cloudflare_r2_bucket", {"name": "ours"})))
    with pytest.raises(GuardRefused, match=r"`ours` \(1\)") as caught:
        guards.observe(context.of())
    assert "others" not in str(caught.value)
    destroy(states, bucket=buckets.__getitem__).observe(context.of())


@pytest.mark.parametrize("text", ["", "[]", '{"resources": 1}'])
def test_a_state_that_cannot_be_read_is_not_empty(text: str) -> None:
    """Nobody knows what it holds."""
    bucket = MemoryBucket()
    bucket.put(STATE.format("site"), text.encode(), replaces=None)
    with pytest.raises(Damaged, match="the state is damaged"):
        Holdings(bucket, NAMED).resources("site")


def test_data_sources_are_nothing_that_is_held() -> None:
    """They were only read."""
    bucket, state = MemoryBucket(), terraform_state(("cloudflare_zone", {"id": "1"}))
    state["resources"][0]["mode"] = "data"
    bucket.put(STATE.format("site"), json.dumps(state).encode(), replaces=None)
    assert Holdings(bucket, NAMED).resources("site") == ()
