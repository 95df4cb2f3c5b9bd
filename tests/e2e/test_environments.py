"""Several environments in one account: production with its zone, a preview from the template, two at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.e2e_clone import Clone, Ran
from tests.support.e2e_documents import RUN, valid
from tests.support.e2e_world import World
from tests.support.terraform import terraform_argv

ZONE = "vibechecc.app"
STACKS = ("zone", "site", "hosts")


@pytest.fixture(scope="module")
def production(clone: Clone) -> tuple[Ran, Ran]:
    """What `--check` said of production, and its deploy."""
    return clone.deploy("production", "--check"), clone.deploy("prod")


@pytest.fixture(scope="module")
def side_by_side(clone: Clone, production: tuple[Ran, Ran]) -> dict[str, Ran]:
    """Development and a preview, deployed at the same time from one checkout."""
    names = ("development", "pr-12")
    with ThreadPoolExecutor() as pool:
        return dict(zip(names, pool.map(clone.deploy, names), strict=True))


def test_production_is_deployed_as_predicted(world: World, production: tuple[Ran, Ran]) -> None:
    """Production converges in one run with its zone, as `--check` listed it, and answers at the zone's own name."""
    predicted, made = production
    assert predicted.changes == made.changes
    assert valid(made.json, RUN)["recap"]["failed"] == 0
    assert {"terraform zone", "terraform site", "terraform hosts", "worker"} <= made.changed_steps
    assert world.get(ZONE, "/release.json").json()["environment"] == "production"
    assert world.get(ZONE, "/health").json()["status"] == "ok"

    account, zone = world.account, world.account.zone(ZONE)
    assert account.get(f"{zone}/settings/ssl")["value"] == "strict"
    assert account.get(f"{zone}/settings/security_header")["value"]["strict_transport_security"]["max_age"] == 31536000
    assert account.get(f"{zone}/dnssec")["status"] in {"pending", "active"}
    assert {phase for phase, rules in account.rules(zone).items() if rules} == {
        "http_request_firewall_managed",
        "http_ratelimit",
        "http_request_cache_settings",
    }


def test_a_second_production_deploy_changes_nothing(clone: Clone, production: tuple[Ran, Ran]) -> None:
    """The aliased name means the same environment, in which nothing is left to do."""
    again = clone.deploy("prod")
    assert (again.recap["changed"], again.json["environment"]) == (0, "production")
    assert again.node_programs == []


@pytest.mark.parametrize("stack", STACKS)
def test_terraform_itself_finds_nothing_to_change(clone: Clone, production: tuple[Ran, Ran], stack: str) -> None:
    """After the Worker's deployment a plan by hand, in the deployer's working data, is empty."""
    ran = clone.run(*_plan(clone, "production", stack), ok=None, **_terraform(clone, "production", stack))
    assert ran.code == 0, f"{ran.out}\n{ran.err}"
    assert "No changes." in ran.out


def test_two_environments_are_deployed_at_the_same_time(
    clone: Clone, world: World, side_by_side: dict[str, Ran]
) -> None:
    """Both runs succeed, each host serves its own release, and neither has anything left to do."""
    for name, host in (("development", f"dev.{ZONE}"), ("pr-12", f"pr-12.{ZONE}")):
        assert valid(side_by_side[name].json, RUN)["outcome"] == "ok"
        assert world.get(host, "/release.json").json()["environment"] == name
        assert world.get(host, "/health").json()["status"] == "ok"
        assert clone.deploy(name).recap["changed"] == 0
    assert clone.deploy("production").recap["changed"] == 0


def test_a_preview_has_a_backend_of_its_own(clone: Clone, world: World, side_by_side: dict[str, Ran]) -> None:
    """pr-12 comes from the template: names with its number, and a Convex preview made with the preview key."""
    assert world.account.named("vibechecc-pr-12") == sorted(
        ["vibechecc-pr-12", "vibechecc-pr-12", "vibechecc-pr-12-cache", "vibechecc-pr-12-uploads"]
    )
    preview = world.convex.claim("pr-12")
    assert preview["isNewDeployment"] is False
    assert preview["instanceUrl"] != world.backend("development").url
    posted = {"text": "only in the preview", "mood": "radiant"}
    assert world.send("POST", f"pr-12.{ZONE}", "/api/vibes", data=posted).status_code == 303
    assert posted["text"] in world.get(f"pr-12.{ZONE}", "/").text
    assert posted["text"] not in world.get(f"dev.{ZONE}", "/").text


def test_destroying_one_leaves_the_others(clone: Clone, world: World, side_by_side: dict[str, Ran]) -> None:
    """Of pr-12 nothing is left but its history; development and production have nothing to do afterwards."""
    gone = clone.inv("destroy", "--env", "pr-12", "--sandbox", "--yes", "--json")
    assert valid(gone.json, RUN)["outcome"] == "ok"
    assert world.account.named("vibechecc-pr-12") == []
    assert f"pr-12.{ZONE}" not in world.account.hosts()
    keys = world.objects("vibechecc-terraform-state")
    # What was done to it stays, in the ledger alone.
    assert {key.split("/")[0] for key in keys if "pr-12" in key} == {"ledger", "ledger-heads"}
    assert [key for key in keys if "development" in key]
    for name in ("development", "production"):
        assert clone.deploy(name).recap["changed"] == 0
    clone.deploy("pr-12")


def test_production_is_not_destroyed_by_accident(clone: Clone, world: World, production: tuple[Ran, Ran]) -> None:
    """Without its guard the destroy is refused before anything is asked or touched; with it, and emptied, it goes."""
    before = len(world.requests())
    for flags in ((), ("--yes",)):
        refused = clone.inv("destroy", "--env", "production", "--sandbox", "--json", *flags, ok=11)
        assert refused.json["error"]["reason"] == "guard-refused"
        assert "--allow-protected" in refused.json["error"]["hint"]
    assert len(world.requests()) == before
    assert clone.deploy("production").recap["changed"] == 0


def test_destroyed_production_leaves_the_shared_zone(clone: Clone, world: World, production: tuple[Ran, Ran]) -> None:
    """With its guard given, everything of production goes but the zone's settings: those need a guard of their own."""
    clone.inv("destroy", "--env", "production", "--sandbox", "--yes", "--allow-protected", "--json")
    assert world.account.named("vibechecc-production") == []
    assert ZONE not in world.account.hosts()
    zone = world.account.zone(ZONE)
    assert {phase for phase, rules in world.account.rules(zone).items() if rules}
    again = clone.inv("destroy", "--env", "production", "--sandbox", "--yes", "--allow-protected", "--json")
    assert again.recap["changed"] == 0
    whole = ("--allow-protected", "--set", "guards.destroy_zone=true", "--json")
    clone.inv("destroy", "--env", "production", "--sandbox", "--yes", *whole)
    assert {phase for phase, rules in world.account.rules(zone).items() if rules} == set()
    assert clone.deploy("production").recap["failed"] == 0


def _plan(clone: Clone, environment: str, stack: str) -> list[str]:
    work = _folder(clone, environment, stack)
    arguments = ["plan", "-detailed-exitcode", "-input=false", "-lock=false", "-no-color"]
    root = clone.root / "terraform" / "roots" / stack
    return [*terraform_argv(), f"-chdir={root}", *arguments, f"-var-file={work / f'{stack}.tfvars.json'}"]


def _terraform(clone: Clone, environment: str, stack: str) -> dict[str, str]:
    credentials = clone.credentials
    work = _folder(clone, environment, stack)
    return {
        "TF_DATA_DIR": str(work / "data"),
        "TF_CLI_CONFIG_FILE": str(work / "terraform.tfrc"),
        "CHECKPOINT_DISABLE": "1",
        "AWS_ACCESS_KEY_ID": credentials["R2_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": credentials["R2_SECRET_ACCESS_KEY"],
        **{name: credentials[name] for name in credentials if name.startswith(("CLOUDFLARE_", "TF_"))},
        "AWS_ENDPOINT_URL_S3": credentials["AWS_ENDPOINT_URL_S3"],
    }


def _folder(clone: Clone, environment: str, stack: str) -> Path:
    return clone.work(environment) / "terraform" / stack
