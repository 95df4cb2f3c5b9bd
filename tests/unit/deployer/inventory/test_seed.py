"""The seed names everything that the environments need in a fresh sandbox, and holds no value."""

from __future__ import annotations

import json

from deployer.inventory.seed import seed, seed_text
from tests.support.inventory import inventory, text


def test_it_covers_all_written_environments() -> None:
    """Account, zone, secrets of Secrets Manager, Convex deployments with their keys."""
    found = seed(inventory())

    assert found["account"] == {"id": "023e105f4ecef8ad9ca31a8372d0c353", "name": "vibechecc"}
    assert found["zones"] == ["vibechecc.app"]
    assert {"id": "vibechecc/development/worker", "keys": ["SESSION_SECRET", "VIBE_SIGNING_KEY"]} in found["secrets"]
    assert {"id": "vibechecc/deployer", "keys": ["fingerprint_key"]} in found["secrets"]
    assert found["convex"]["deployments"] == [
        {"name": "brisk-otter-482", "type": "dev", "deploy_key": {"env": "CONVEX_DEPLOY_KEY_DEVELOPMENT"}},
        {"name": "polished-heron-217", "type": "prod", "deploy_key": {"env": "CONVEX_DEPLOY_KEY_PRODUCTION"}},
    ]
    assert found["convex"]["preview_keys"] == [{"env": "CONVEX_PREVIEW_DEPLOY_KEY"}]
    assert not any("pr-" in secret["id"] for secret in found["secrets"])


def test_the_key_of_copies_is_there_if_the_inventory_names_one() -> None:
    """On the sandbox copies are encrypted as well, then."""
    wanted = ("plans_days = 30\n", 'plans_days = 30\ncopy_key = { aws = "{project}/deployer", key = "copy_key" }\n')

    assert {"id": "vibechecc/deployer", "keys": ["copy_key", "fingerprint_key"]} in seed(inventory(wanted))["secrets"]


def test_the_text_is_the_same_for_all_written_environments() -> None:
    """Going from dev to production does not reseed the sandbox."""
    loaded = inventory()

    assert (
        seed_text(loaded, loaded.environment("dev"))
        == seed_text(loaded, loaded.environment("prod"))
        == seed_text(loaded)
    )


def test_an_ephemeral_environment_is_added() -> None:
    """Its secrets are there when it is the one that is worked on."""
    loaded = inventory()
    ids = [secret["id"] for secret in seed(loaded, loaded.environment("pr-12"))["secrets"]]

    assert "vibechecc/pr-12/worker" in ids


def test_secrets_from_the_environment_are_listed_apart_from_deploy_keys() -> None:
    """The sandbox invents a value for each variable; deploy keys come from Convex."""
    loaded = inventory(settings=['worker.secrets.TOKEN={ env = "MY_TOKEN" }'])
    found = seed(loaded, loaded.environment("dev"))

    assert found["environment"] == ["CONVEX_MANAGEMENT_TOKEN", "MY_TOKEN"]


def test_the_sandbox_accepts_it() -> None:
    """The sandbox's own parser reads what we write."""
    from sandbox.seed import parse

    parsed = parse(seed_text(inventory()))

    assert parsed.zones == ("vibechecc.app",)
    assert len(parsed.convex.deployments) == 2
    assert json.loads(seed_text(inventory()))["schema"] == 1


def test_the_repository_has_the_environments_and_their_reviewers() -> None:
    """Guarded ones wait for the people who may approve, by those of their accounts that GitHub can have."""
    keys = 'ssh = ["ssh-ed25519 AAAA mira"]\naccounts = ["mira-on-hub", "mira@laptop"]'
    found = seed(inventory(("[app]\n", f"[project.approvers.mira]\n{keys}\n\n[app]\n")))["github"]

    assert found["repository"] == "vibechecc/vibechecc"
    assert found["environments"] == [
        {"name": "production", "reviewers": ["mira-on-hub"]},
        {"name": "development", "reviewers": []},
    ]


def test_without_a_repository_nothing_is_seeded_there() -> None:
    """The sandbox then has one of its own name."""
    line = next(line for line in text().splitlines() if line.startswith("repository"))

    assert "github" not in seed(inventory((f"{line}\n", "")))
