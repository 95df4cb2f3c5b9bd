"""Preview deployments: claimed by key and name with the real CLI, limited in time and number, deleted for good."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sandbox import lifecycle
from tests.support.convex import DEVELOPMENT, Client, Convex


@pytest.fixture(autouse=True)
def _none_left(convex: Convex) -> Iterator[None]:
    """No preview is left over from another test."""
    yield
    convex.running.control("POST", "/reset")


def project(convex: Convex) -> int:
    """The project's id."""
    return int(convex.management("GET", "/teams/vibechecc/projects/vibechecc").raise_for_status().json()["id"])


def previews(convex: Convex) -> list[dict[str, object]]:
    """What the Management API lists."""
    path = f"/projects/{project(convex)}/list_deployments"
    answer = convex.management("GET", path, params={"deploymentType": "preview"})
    return list(answer.raise_for_status().json())


def test_life_of_a_preview(convex: Convex, app: Path) -> None:
    """Made with its name and default variables, run on creation, reused by the same name, deleted with its data."""
    changes = [{"name": "FLAVOR", "deploymentType": "preview", "value": "mint"}]
    path = f"/projects/{project(convex)}/update_default_environment_variables"
    convex.management("POST", path, json={"changes": changes}).raise_for_status()
    key = convex.preview_key

    made = convex.cli(app, "deploy", "--preview-name", "pr-12", "--preview-run", "messages:count", key=key)
    assert float(made.stdout) == 0
    found = previews(convex)[0]
    assert (found["previewIdentifier"], found["reference"]) == ("pr-12", "preview/pr-12")
    assert isinstance(found["lastDeployTime"], int)
    assert convex.cli(app, "env", "get", "FLAVOR", "--preview-name", "pr-12", key=key).stdout == "mint\n"

    again = convex.cli(app, "deploy", "--preview-name", "pr-12", "--preview-run", "messages:count", key=key)
    assert again.stdout == ""
    assert [one["name"] for one in previews(convex)] == [found["name"]]

    convex.management("POST", f"/deployments/{found['name']}/delete").raise_for_status()
    assert previews(convex) == []
    for path in ("/version", "/api/v1/list_environment_variables"):
        assert httpx.get(f"{found['deploymentUrl']}{path}").status_code == 404
    assert convex.management("POST", f"/deployments/{found['name']}/delete").status_code == 404


def test_variables_before_the_first_push(convex: Convex, app: Path) -> None:
    """A command between claim and push finds the deployment's address in its environment and may set variables."""
    command = 'printf %s "$CONVEX_URL" > ../address'
    convex.cli(app, "deploy", "--preview-name", "pr-13", "--cmd", command, key=convex.preview_key)
    assert (app.parent / "address").read_text() == previews(convex)[0]["deploymentUrl"]


def test_recreation(convex: Convex) -> None:
    """Without `reuse` the old preview and its data are gone and another one is there."""
    first = convex.claim("pr-14")
    Client(first["instanceUrl"], first["adminKey"]).variables(OLD="1").raise_for_status()
    same = convex.claim("pr-14")
    assert (same["isNewDeployment"], same["instanceUrl"]) == (False, first["instanceUrl"])
    second = convex.claim("pr-14", reuse=False)
    assert second["isNewDeployment"]
    assert second["deploymentName"] != first["deploymentName"]
    fresh = Client(second["instanceUrl"], second["adminKey"])
    assert fresh.get("/api/v1/list_environment_variables").json() == {"environmentVariables": {}}


def test_authorizing_does_not_create(convex: Convex) -> None:
    """Asking for a preview that is not there is a 404 and makes nothing; the request log calls it reading."""
    body = {
        "previewName": "pr-15",
        "projectSelection": {"kind": "teamAndProjectSlugs", "teamSlug": "vibechecc", "projectSlug": "vibechecc"},
    }
    headers = {"Authorization": f"Bearer {convex.preview_key}"}
    url = f"{convex.control}/api/deployment/authorize_preview"
    assert httpx.post(url, json=body, headers=headers).status_code == 404
    assert previews(convex) == []
    entry = next(one for one in convex.running.requests() if one["path"].endswith("authorize_preview"))
    assert not entry["mutating"]
    claimed = convex.claim("pr-15")
    assert httpx.post(url, json=body, headers=headers).json()["url"] == claimed["instanceUrl"]


def test_expiry(convex: Convex) -> None:
    """A preview ends by itself, five days after creation or when it was told to; then it is gone like a deleted one."""
    claimed = convex.claim("pr-16")
    path = f"/deployments/{claimed['deploymentName']}"
    created = convex.management("GET", path).json()
    assert created["expiresAt"] - created["createTime"] == 5 * 24 * 3600 * 1000

    soon = int(time.time() * 1000) + 60_000
    assert convex.management("PATCH", path, json={"expiresAt": soon}).json()["code"] == "InvalidExpiration"
    later = soon + 3600_000
    assert convex.management("PATCH", path, json={"expiresAt": later}).status_code == 200
    assert convex.management("GET", path).json()["expiresAt"] == later

    # The clock is the one thing that cannot be waited for: shorten the time where the sandbox keeps it.
    account = convex.running.home.root / "convex/account.json"
    document = json.loads(account.read_text())
    document["deployments"][claimed["deploymentName"]]["expiresAt"] = 1
    lifecycle.down(convex.running.home)
    account.write_text(json.dumps(document))
    lifecycle.up(convex.running.home, only=("convex",))
    assert convex.management("GET", path).status_code == 404
    assert previews(convex) == []


def test_quota(convex: Convex) -> None:
    """The plan's quota counts every deployment; the next claim is refused until one is deleted."""
    held = len(previews(convex)) + 2
    claimed = [convex.claim(f"pr-{number}") for number in range(100, 140 - held)]
    body = {
        "identifier": "one-too-many",
        "reuse": True,
        "projectSelection": {"kind": "teamAndProjectSlugs", "teamSlug": "vibechecc", "projectSlug": "vibechecc"},
    }
    headers = {"Authorization": f"Bearer {convex.preview_key}"}
    url = f"{convex.control}/api/claim_preview_deployment"
    for number in range(200, 202 + held):
        last = httpx.post(url, json={**body, "identifier": f"pr-{number}"}, headers=headers)
        if last.status_code != 200:
            break
    assert (last.status_code, last.json()["code"]) == (400, "DeploymentQuotaReached")
    convex.management("POST", f"/deployments/{claimed[0]['deploymentName']}/delete").raise_for_status()
    assert httpx.post(url, json=body, headers=headers).status_code == 200


def test_preview_key_stays_with_previews(convex: Convex, app: Path) -> None:
    """A preview key opens previews of its project and nothing else; a deploy key opens no previews."""
    refused = convex.cli(app, "env", "list", key=convex.preview_key, check=False)
    assert refused.returncode == 1
    assert convex.management("GET", "/token_details", token=convex.preview_key).status_code == 403
    body = {
        "identifier": "x",
        "reuse": True,
        "projectSelection": {"kind": "teamAndProjectSlugs", "teamSlug": "vibechecc", "projectSlug": "other"},
    }
    url = f"{convex.control}/api/claim_preview_deployment"
    assert httpx.post(url, json=body, headers={"Authorization": f"Bearer {convex.preview_key}"}).status_code == 404
    body["projectSelection"] = {"kind": "teamAndProjectSlugs", "teamSlug": "vibechecc", "projectSlug": "vibechecc"}
    assert httpx.post(url, json=body, headers={"Authorization": f"Bearer {convex.key(DEVELOPMENT)}"}).status_code == 403
    assert httpx.post(url, json=body, headers={"Authorization": "Bearer nobody"}).status_code == 401
    assert previews(convex) == []
