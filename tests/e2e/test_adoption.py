"""Another team with the same stack edits environments.toml, points it at their application, and deploys."""

from __future__ import annotations

import shutil

import pytest

from tests.support.e2e_application import ACCOUNT, INVENTORY, ZONE, another_teams_application
from tests.support.e2e_clone import Clone, Ran
from tests.support.e2e_documents import RUN, valid
from tests.support.e2e_world import World

STAGING = f"staging.{ZONE}"
LIVE = f"www.{ZONE}"


@pytest.fixture(scope="module")
def adopted(clone: Clone) -> Clone:
    """A checkout without our application, whose inventory is the other team's."""
    another_teams_application(clone.folder)
    shutil.rmtree(clone.root / "example")
    clone.git("commit", "-q", "--all", "-m", "without the example")
    (clone.root / "environments.toml").write_text(INVENTORY)
    return clone


@pytest.fixture(scope="module")
def staging(adopted: Clone) -> tuple[Ran, Ran]:
    """What `--check` said of their staging, and its deploy."""
    return adopted.deploy("staging", "--check"), adopted.deploy("next")


def test_their_environment_is_deployed_as_predicted(adopted: Clone, staging: tuple[Ran, Ran]) -> None:
    """Nothing but environments.toml differs, and their staging converges in one run, proved by their health path."""
    predicted, made = staging
    assert valid(made.json, RUN)["outcome"] == "ok"
    assert predicted.changes == made.changes
    assert made.json["environment"] == "staging"
    assert adopted.git("status", "--porcelain") == "M environments.toml"


def test_their_site_is_served(adopted: Clone, world: World, staging: tuple[Ran, Ran]) -> None:
    """Their Worker answers at their host with their assets, bindings, secrets and backend."""
    world.backend("staging").value("mutation", "moods:add", {"name": "serene"})
    assert world.get(STAGING, "/").text == "moods of staging: serene"
    assert world.get(STAGING, "/about").text == "<h1>About moods</h1>\n"
    assert world.get(STAGING, "/alive").json() == {"agreed": True, "stored": True, "optional": True}
    assert world.get(STAGING, "/release.json").json()["commit"] is None  # their folder is no repository


def test_their_names_are_used(adopted: Clone, world: World, staging: tuple[Ran, Ran]) -> None:
    """Account, zone, Worker, bindings, buckets and state are named as their inventory says; nothing has our names."""
    assert world.account.id == ACCOUNT
    assert world.account.named("") == sorted(
        ["mood staging sessions", "mood-staging-pictures", "mood-states", "mood-staging-web", "mood-staging-web"]
    )
    assert world.account.hosts() == {STAGING: "mood-staging-web"}
    assert {key for key in world.objects("mood-states") if key.startswith("terraform/")} == {
        "terraform/staging/hosts.tfstate",
        "terraform/staging/site.tfstate",
    }
    paths = " ".join(request["path"] for request in world.requests())
    assert "vibechecc" not in paths


def test_their_second_deploy_changes_nothing(adopted: Clone, staging: tuple[Ran, Ran]) -> None:
    """Everything is ok the second time, and no Node program is started."""
    again = adopted.deploy("staging")
    assert again.recap["changed"] == 0
    assert again.node_programs == []


def test_their_public_environment_has_its_zone(adopted: Clone, world: World, staging: tuple[Ran, Ran]) -> None:
    """An environment of another kind takes the zone along, with their values, beside the other one."""
    assert adopted.deploy("live").recap["failed"] == 0
    zone = world.account.zone(ZONE)
    assert world.account.get(f"{zone}/settings/min_tls_version")["value"] == "1.3"
    assert world.account.get(f"{zone}/settings/security_header")["value"]["strict_transport_security"]["max_age"] == 300
    assert world.get(LIVE, "/").text == "moods of live: "
    for name in ("live", "staging"):
        assert adopted.deploy(name).recap["changed"] == 0
    refused = adopted.inv("destroy", "--env", "live", "--sandbox", "--yes", ok=11)
    assert "protected" in refused.err


def test_their_environment_can_be_destroyed(adopted: Clone, world: World, staging: tuple[Ran, Ran]) -> None:
    """Destroy leaves nothing of staging; a deploy brings it back."""
    adopted.inv("destroy", "--env", "staging", "--sandbox", "--yes")
    assert [name for name in world.account.named("") if "staging" in name] == []
    assert STAGING not in world.account.hosts()
    assert adopted.deploy("staging").recap["failed"] == 0
    assert world.get(STAGING, "/alive").status_code == 200
