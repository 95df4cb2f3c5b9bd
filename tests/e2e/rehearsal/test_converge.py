"""The main job: deploy brings an environment up, again changes nothing, check tells the truth, destroy removes it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.support.rehearsal import Rehearsal, replace

HOST = "dev.vibechecc.app"


@pytest.fixture(autouse=True)
def _fresh(stage: Rehearsal) -> None:
    stage.reset()


def get(stage: Rehearsal, path: str) -> urllib3.BaseHTTPResponse:
    """What the edge answers for the host."""
    return urllib3.request("GET", f"{stage.connection['services']['edge']}{path}", headers={"Host": HOST})


def test_an_environment_lives(stage: Rehearsal) -> None:
    """Check, deploy, deploy again, destroy, destroy again: each does what it said, and the second one nothing.

    The application lies outside the checkout; `path` in the inventory is all that an adopting team has edited.
    """
    predicted = stage.deploy("--check", "--diff")
    assert predicted.code == 0, predicted.err
    assert predicted.document["outcome"] == "changes"
    assert [request for request in stage.requests() if request["mutating"]] == []

    deployed = stage.deploy()
    assert deployed.code == 0, deployed.err
    assert deployed.changes == predicted.changes
    assert deployed.document["url"].startswith("http://dev.vibechecc.app.localhost:")

    again = stage.deploy()
    assert again.code == 0, again.err
    assert again.recap["changed"] == 0
    assert again.recap["skipped"] == 0

    going = stage.destroy("--check")
    gone = stage.destroy()
    assert gone.code == 0, gone.err
    assert gone.changes == going.changes
    assert stage.destroy().recap["changed"] == 0
    assert get(stage, "/").status != 200


def test_the_live_host_serves_the_release_with_its_bindings(stage: Rehearsal) -> None:
    """Assets, release document, variable, secret, KV and R2, and the backend behind it."""
    ran = stage.deploy()
    assert ran.code == 0, ran.err
    assert b"Smallest application" in get(stage, "/").data
    release = get(stage, "/release.json")
    assert release.headers["Cache-Control"] == "no-store"
    assert set(release.json()) == {"commit", "digest", "environment"}
    assert get(stage, "/health").json() == {"backend": "success"}
    assert get(stage, "/bindings").json() == {
        "environment": "development",
        "secret": hashlib.sha256(secret(stage, "worker", "SESSION_SECRET").encode()).hexdigest(),
        "cache": True,
        "uploads": True,
    }


def secret(stage: Rehearsal, name: str, key: str) -> str:
    """A value that the sandbox made up, read the way AWS gives it out."""
    return str(
        json.loads(manager(stage).get_secret_value(SecretId=f"vibechecc/development/{name}")["SecretString"])[key]
    )


def manager(stage: Rehearsal) -> Any:
    """A client of the sandbox's Secrets Manager."""
    import boto3

    environment = stage.connection["environment"]
    return boto3.client(
        "secretsmanager", region_name="eu-central-1", endpoint_url=stage.connection["services"]["secretsmanager"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"], aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip


def test_only_what_changed_is_deployed(stage: Rehearsal) -> None:
    """A page changes the Worker, a function Convex and the Worker's build, a secret both that use it, a flag one."""
    assert stage.deploy().code == 0
    application = stage.root.parent / "application"

    replace(application / "public" / "index.html", "Smallest", "Tiniest")
    page = stage.deploy()
    assert addresses(page) == ["app:build", "worker:vibechecc-development"]
    assert b"Tiniest" in get(stage, "/").data

    replace(application / "convex" / "health.ts", "'pong'", "'pang'")
    function = stage.deploy()
    assert "convex:functions" in addresses(function)
    assert stage.deploy().recap["changed"] == 0

    values = {
        "SESSION_SECRET": "another-session-secret",
        "VIBE_SIGNING_KEY": secret(stage, "worker", "VIBE_SIGNING_KEY"),
    }
    identifier = "vibechecc/development/worker"
    manager(stage).put_secret_value(SecretId=identifier, SecretString=json.dumps(values))
    rotated = stage.deploy()
    assert rotated.changes == [
        ("update", "worker:vibechecc-development", "upload and deploy"),
        ("update", "worker:vibechecc-development/SESSION_SECRET", "secret"),
    ]
    expected = hashlib.sha256(b"another-session-secret").hexdigest()
    assert get(stage, "/bindings").json()["secret"] == expected

    logs = stage.deploy("--set", "worker.logs.enabled=false")
    assert [change[:2] for change in logs.changes] == [
        ("update", "site:module.worker.cloudflare_worker.this"),
        ("update", "worker:vibechecc-development"),
    ]
    # Back, and nothing is left to do.
    assert stage.deploy().code == 0
    assert stage.deploy().recap["changed"] == 0


def addresses(ran: Any) -> list[str]:
    """Addresses of the changes."""
    assert ran.code == 0, ran.err
    return [address for _, address, _ in ran.changes]


def test_what_the_inventory_no_longer_names_is_retired(stage: Rehearsal) -> None:
    """A secret and a variable that deploy had set go; one that a person set stays."""
    assert stage.deploy().code == 0
    inventory = stage.root / "environments.toml"
    before = inventory.read_text()
    replace(
        inventory,
        'SESSION_SECRET = { aws = "{project}/{environment}/worker", key = "SESSION_SECRET" }\n', "",
        'MODERATION_TOKEN = { aws = "{project}/{environment}/convex", key = "MODERATION_TOKEN" }\n', "",
    )  # fmt: skip
    try:
        ran = stage.deploy()
        assert ("delete", "worker:vibechecc-development/SESSION_SECRET", "secret") in ran.changes
        assert "convex:MODERATION_TOKEN" in addresses(ran)
        assert stage.deploy().recap["changed"] == 0
    finally:
        inventory.write_text(before)


def test_a_worker_deployed_by_hand_is_taken_back(stage: Rehearsal) -> None:
    """What is live is observed and not remembered: somebody else's upload is a difference."""
    assert stage.deploy().code == 0
    base = stage.connection["services"]["cloudflare"]
    account = "023e105f4ecef8ad9ca31a8372d0c353"
    token = stage.connection["environment"]["CLOUDFLARE_API_TOKEN"]
    put = urllib3.request(
        "PUT", f"{base}/accounts/{account}/workers/scripts/vibechecc-development/secrets",
        headers={"Authorization": f"Bearer {token}"}, json={"name": "BY_HAND", "text": "x", "type": "secret_text"},
    )  # fmt: skip
    assert put.status == 200, put.data
    ran = stage.deploy()
    assert [change[1] for change in ran.changes] == ["worker:vibechecc-development"]
    assert stage.deploy().recap["changed"] == 0


def test_an_unchanged_deploy_starts_no_node_process(stage: Rehearsal, tmp_path: Path) -> None:
    """Not even on a machine that has neither the build nor the packages."""
    assert stage.deploy().code == 0
    (stage.root / "node_modules").rename(stage.root / "hidden")
    modules = stage.root.parent / "application" / "node_modules"
    modules.rename(tmp_path / "hidden")
    try:
        for path in (stage.root / ".work" / "sandbox" / "development").iterdir():
            if path.name in {"build", "bin"}:
                path.rename(tmp_path / path.name)
        ran = stage.deploy()
        assert ran.code == 0, ran.err
        assert ran.recap["changed"] == 0
    finally:
        (stage.root / "hidden").rename(stage.root / "node_modules")
        (tmp_path / "hidden").rename(modules)
