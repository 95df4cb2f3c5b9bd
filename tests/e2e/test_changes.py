"""Changing one thing changes that one thing; what others change behind our back is found and mended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.convex import MESSAGES
from tests.support.e2e_clone import Clone
from tests.support.e2e_world import World
from tests.support.wrangler import Wrangler

HOST = "dev.vibechecc.app"
WORKER = "vibechecc-development"
SECRETS = "vibechecc/development"


@pytest.fixture(autouse=True)
def _converged(clone: Clone) -> Iterator[None]:
    """Before each test the environment is as the tree says; after it, a deploy finds nothing left to do."""
    clone.deploy("dev")
    yield
    assert clone.deploy("dev").recap["changed"] == 0


def test_an_edited_function_is_pushed_and_nothing_else(clone: Clone, world: World) -> None:
    """A changed Convex function is one push; the application is neither built nor uploaded."""
    _edit(clone, "convex/health.ts", "database: true,", "database: true, // looked at")
    version = world.live_version(WORKER)["id"]
    ran = clone.deploy("dev")
    assert ran.changes == {("run", "convex:functions")}
    assert world.live_version(WORKER)["id"] == version


def test_an_edited_page_is_built_and_uploaded_and_nothing_else(clone: Clone, world: World) -> None:
    """A changed page is a build and an upload; functions, Terraform and secrets are left alone."""
    _edit(clone, "src/components/Footer.tsx", "<footer", "<footer data-edited")
    assert clone.deploy("dev", "--check").changes == {("run", "app:build"), ("update", f"worker:{WORKER}")}
    assert "data-edited" not in world.get(HOST, "/").text
    ran = clone.deploy("dev")
    assert ran.changes == {("run", "app:build"), ("update", f"worker:{WORKER}")}
    assert "data-edited" in world.get(HOST, "/").text


def test_files_that_are_never_deployed_change_nothing(clone: Clone) -> None:
    """Editing what the inventory excludes is no change."""
    with (clone.root / "example" / "README.md").open("a") as file:
        file.write("\nOne more line.\n")
    assert clone.deploy("dev").recap["changed"] == 0


def test_a_worker_variable_changes_the_upload_alone(clone: Clone, world: World) -> None:
    """`--set` of one variable is one new version with the same build; without it the next deploy takes it back."""
    setting = ("--set", "worker.variables.GREETING=hello")
    ran = clone.deploy("dev", "--check", "--diff", *setting)
    assert ran.changes == {("update", f"worker:{WORKER}")}
    assert clone.deploy("dev", *setting).changes == ran.changes
    assert ("GREETING", "hello") in _plain_bindings(world)
    assert clone.deploy("dev").changes == ran.changes
    assert "GREETING" not in dict(_plain_bindings(world))


def test_a_setting_of_terraform_changes_its_resource_and_the_upload(clone: Clone) -> None:
    """Observability is Terraform's, and the upload repeats it: both change together and a plan is empty afterwards."""
    setting = ("--set", "worker.logs.sampling_rate=0.5")
    expected = {("update", "site:module.worker.cloudflare_worker.this"), ("update", f"worker:{WORKER}")}
    assert clone.deploy("dev", *setting).changes == expected
    assert clone.deploy("dev", *setting).recap["changed"] == 0
    assert clone.deploy("dev").changes == expected


def test_a_rotated_worker_secret_makes_a_new_version(clone: Clone, world: World) -> None:
    """One secret that only the Worker has: the diff names it and nothing else, its value is never shown."""
    value = _rotate(world, "worker", "SESSION_SECRET")
    expected = {("update", f"worker:{WORKER}"), ("update", f"worker:{WORKER}/SESSION_SECRET")}
    before = world.live_version(WORKER)["id"]
    mutating = world.mutating()
    predicted = clone.deploy("dev", "--check", "--diff")
    assert predicted.changes == expected
    assert world.mutating() == mutating
    ran = clone.deploy("dev")
    assert ran.changes == expected
    assert world.live_version(WORKER)["id"] != before
    assert not any(value in text for each in (predicted, ran) for text in (each.out, each.err))


def test_a_rotated_convex_secret_changes_its_variable_alone(clone: Clone, world: World) -> None:
    """One secret that only Convex has is one changed variable, and no push."""
    value = _rotate(world, "convex", "MODERATION_TOKEN")
    assert clone.deploy("dev").changes == {("update", "convex:MODERATION_TOKEN")}
    assert world.variables(world.backend("development"))["MODERATION_TOKEN"] == value


def test_a_rotated_shared_secret_reaches_both_sides(clone: Clone, world: World) -> None:
    """A key that Worker and Convex share is changed on both, and they agree on it afterwards."""
    _rotate(world, "worker", "VIBE_SIGNING_KEY")
    changes = clone.deploy("dev").changes
    assert changes == {
        ("update", f"worker:{WORKER}"),
        ("update", f"worker:{WORKER}/VIBE_SIGNING_KEY"),
        ("update", "convex:VIBE_SIGNING_KEY"),
    }
    health = world.get(HOST, "/health").json()
    assert (health["status"], health["convex"]["keys_agree"]) == ("ok", True)


def test_a_change_in_the_dashboard_is_taken_back(clone: Clone, world: World) -> None:
    """Logs switched off and a host detached by hand: Terraform finds both, and nothing else is touched."""
    account = world.account
    (worker,) = [each for each in account.get("/accounts/{account}/workers/workers") if each["name"] == WORKER]
    path = f"/accounts/{{account}}/workers/workers/{worker['id']}"
    account.call("PATCH", path, {"observability": {"enabled": False}})
    (domain,) = account.get(f"/accounts/{{account}}/workers/domains?hostname={HOST}")
    account.call("DELETE", f"/accounts/{{account}}/workers/domains/{domain['id']}")
    assert world.get(HOST, "/").status_code == 530

    expected = {
        ("update", "site:module.worker.cloudflare_worker.this"),
        ("create", "hosts:module.host.cloudflare_workers_custom_domain.this"),
    }
    assert clone.deploy("dev", "--check").changes == expected
    assert clone.deploy("dev").changes == expected
    assert world.get(HOST, "/health").status_code == 200
    assert account.get(path)["observability"]["enabled"] is True


def test_somebody_elses_upload_is_replaced(clone: Clone, world: World, tmp_path: Path) -> None:
    """A `wrangler deploy` from another machine is recognised as not ours, and our release is live again afterwards."""
    names = ("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_BASE_URL")
    credentials = {name: clone.credentials[name] for name in names}
    other = Wrangler(folder=tmp_path, account=world.account.id, environment=credentials)
    other.run("deploy", "--config", str(other.configure(WORKER)))
    assert world.get(HOST, "/release.json").status_code != 200 or "digest" not in world.get(HOST, "/release.json").text

    ran = clone.deploy("dev")
    # Their configuration has no observability, which Wrangler sends as "off": that is Terraform's to mend.
    assert ran.changes - {("update", "site:module.worker.cloudflare_worker.this")} == {("update", f"worker:{WORKER}")}
    (summary,) = [step["changes"][0]["summary"] for step in ran.json["steps"] if step["name"] == "worker"]
    assert "not deployed from here" in summary
    assert world.get(HOST, "/health").json()["status"] == "ok"


def test_somebody_elses_push_is_replaced(clone: Clone, world: World) -> None:
    """Functions pushed from another machine are recognised, and ours are live again afterwards."""
    backend = world.backend("development")
    before = backend.hashes()
    backend.push({"messages.js": MESSAGES})
    assert world.get(HOST, "/health").status_code == 503

    assert clone.deploy("dev", "--check").changes == {("run", "convex:functions")}
    ran = clone.deploy("dev")
    assert ran.changes == {("run", "convex:functions")}
    assert "changed by somebody else" in json.dumps(ran.json)
    assert backend.hashes() == before
    assert world.get(HOST, "/health").status_code == 200


def _edit(clone: Clone, name: str, old: str, new: str) -> None:
    path = clone.root / "example" / name
    text = path.read_text()
    assert text.count(old) == 1, f"{name} has changed; this test edits `{old}`"
    path.write_text(text.replace(old, new))


def _rotate(world: World, secret: str, key: str) -> str:
    """Put another value behind one key of a secret, as a person does in the console."""
    identifier = f"{SECRETS}/{secret}"
    document = world.secret(identifier)
    document[key] = f"rotated-{key.lower()}-{document[key][::-1]}"
    world.secrets_manager.put_secret_value(SecretId=identifier, SecretString=json.dumps(document))
    return str(document[key])


def _plain_bindings(world: World) -> list[tuple[str, str]]:
    bindings = world.live_version(WORKER)["resources"]["bindings"]
    return [(each["name"], each["text"]) for each in bindings if each["type"] == "plain_text"]
