"""The Management API: deployments, deploy keys with limited permissions, strictness about callers and paths."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.support.convex import DEVELOPMENT, MESSAGES, Client, Convex


@pytest.fixture(scope="module")
def project(convex: Convex) -> int:
    """The project's id, found as a client finds it."""
    return int(convex.management("GET", f"/teams/{team(convex)}/projects").raise_for_status().json()["items"][0]["id"])


def team(convex: Convex) -> int:
    """The team's id."""
    return int(convex.management("GET", "/token_details").raise_for_status().json()["teamId"])


def test_token_details(convex: Convex) -> None:
    """A team token says of which team it is; anything else is nobody or not allowed."""
    details = convex.management("GET", "/token_details").json()
    assert details["type"] == "teamToken"
    assert convex.management("GET", "/token_details", token="wrong").status_code == 401
    assert convex.management("GET", "/token_details", token=convex.key()).status_code == 403
    assert httpx.get(f"{convex.control}/v1/token_details").status_code == 401


def test_a_team_is_listed_by_its_number(convex: Convex) -> None:
    """A project is found by slugs, what a team has is not."""
    listed = convex.management("GET", f"/teams/{team(convex)}/list_deployments").json()
    assert DEVELOPMENT in [one["name"] for one in listed["items"]]
    assert listed["pagination"] == {"hasMore": False, "nextCursor": None}
    for path in ("/teams/vibechecc/list_deployments", "/teams/vibechecc/projects"):
        assert convex.management("GET", path).status_code == 404
    assert convex.management("GET", "/teams/vibechecc/projects/vibechecc").status_code == 200


def test_unknown_paths(convex: Convex) -> None:
    """Unknown paths and methods are refused loudly and marked in the request log."""
    for method, path in (("GET", "/teams/vibechecc/list_members"), ("DELETE", f"/deployments/{DEVELOPMENT}")):
        answer = convex.management(method, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "SandboxUnknownPath")
    marked = [entry["path"] for entry in convex.running.requests() if entry["unknown"] and entry["service"] == "convex"]
    assert marked[-2:] == ["/v1/teams/vibechecc/list_members", f"/v1/deployments/{DEVELOPMENT}"]


def test_life_of_a_deployment(convex: Convex, project: int) -> None:
    """Create, find, list, change, delete; a deleted one does not exist."""
    path = f"/projects/{project}"
    made = convex.management("POST", f"{path}/create_deployment", json={"type": "dev", "reference": "dev/ann"}).json()
    assert made["deploymentType"] == "dev"
    assert httpx.get(f"{made['deploymentUrl']}/version").status_code == 200
    assert (
        convex.management("GET", f"{path}/deployment", params={"reference": "dev/ann"}).json()["name"] == made["name"]
    )
    assert convex.management("GET", f"{path}/deployment", params={"defaultDev": "true"}).json()["name"] == DEVELOPMENT
    again = convex.management("POST", f"{path}/create_deployment", json={"type": "dev", "reference": "dev/ann"})
    assert again.json()["code"] == "DeploymentReferenceTaken"
    names = [one["name"] for one in convex.management("GET", f"{path}/list_deployments").json()]
    assert {DEVELOPMENT, made["name"]} <= set(names)
    assert convex.management("PATCH", f"/deployments/{made['name']}", json={"reference": "dev/bob"}).status_code == 200
    assert convex.management("GET", f"/deployments/{made['name']}").json()["reference"] == "dev/bob"
    assert convex.management("PATCH", f"/deployments/{made['name']}", json={"colour": "red"}).status_code == 400
    assert convex.management("POST", f"/deployments/{made['name']}/delete").status_code == 200
    assert convex.management("GET", f"/deployments/{made['name']}").status_code == 404


def test_deploy_keys_with_limits(convex: Convex) -> None:
    """A key may do what its actions say and nothing else (403 names the action); a deleted or expired key is nobody."""
    path = f"/deployments/{DEVELOPMENT}"
    wish = {"name": "reader", "allowedActions": ["deployment:env:view"]}
    key = convex.management("POST", f"{path}/create_deploy_key", json=wish).json()["deployKey"]
    reader = Client(convex.deployment().url, key)
    assert reader.get("/api/v1/list_environment_variables").status_code == 200
    refused = reader.variables(A="1")
    assert refused.status_code == 403
    assert "(deployment:env:write)" in refused.json()["message"]
    assert reader.start_push({"messages.js": MESSAGES}).status_code == 403

    listed = convex.management("GET", f"{path}/list_deploy_keys").json()
    assert ("reader", ["deployment:env:view"]) in [(one["name"], one["allowedActions"]) for one in listed]
    assert key.split("|")[1] not in str(listed)
    assert convex.management("POST", f"{path}/delete_deploy_key", json={"id": key}).status_code == 200
    assert reader.get("/api/v1/list_environment_variables").status_code == 401
    url = f"{convex.control}/api/deployment/url_for_key"
    assert httpx.post(url, json={"deployKey": key}).status_code == 401

    wrong = {"name": "x", "allowedActions": ["deployment:fly"]}
    assert convex.management("POST", f"{path}/create_deploy_key", json=wrong).status_code == 400
    short = {"name": "x", "expiresAt": int(time.time() * 1000)}
    assert convex.management("POST", f"{path}/create_deploy_key", json=short).json()["code"] == "InvalidExpiration"


def test_preview_deploy_keys(convex: Convex, project: int) -> None:
    """A made preview key claims previews until it is deleted."""
    path = f"/projects/{project}"
    key = convex.management("POST", f"{path}/create_preview_deploy_key", json={"name": "ci"}).json()["previewDeployKey"]
    assert key.startswith("preview:vibechecc:vibechecc|")
    assert "ci" in [one["name"] for one in convex.management("GET", f"{path}/list_preview_deploy_keys").json()["items"]]
    assert convex.management("GET", "/token_details", token=key).status_code == 403
    assert convex.management("POST", f"{path}/delete_preview_deploy_key", json={"id": "ci"}).status_code == 200
    assert convex.management("GET", "/token_details", token=key).status_code == 401


def test_default_variables(convex: Convex, project: int) -> None:
    """Defaults are kept per type of deployment and can be removed."""
    path = f"/projects/{project}"
    changes = [{"name": "A", "deploymentType": kind, "value": "1"} for kind in ("dev", "preview")]
    change = f"{path}/update_default_environment_variables"
    assert convex.management("POST", change, json={"changes": changes}).status_code == 200
    listed = convex.management("GET", f"{path}/list_default_environment_variables").json()["items"]
    assert listed == [{"name": "A", "value": "1", "deploymentTypes": ["dev", "preview"]}]
    removal = [{"name": "A", "deploymentType": "dev", "value": None}]
    convex.management("POST", change, json={"changes": removal}).raise_for_status()
    query = {"deploymentType": "dev"}
    left = convex.management("GET", f"{path}/list_default_environment_variables", params=query).json()["items"]
    assert left == []


def test_reset_and_seed_keep_keys(convex: Convex) -> None:
    """A reset empties the deployments; their addresses and the keys that clients hold stay valid."""
    deployment = convex.deployment()
    deployment.push({"messages.js": MESSAGES})
    deployment.value("mutation", "messages:send", {"body": "gone"})
    before = (deployment.url, deployment.key, convex.team_token, convex.preview_key)
    convex.running.control("POST", "/reset")
    again = convex.deployment()
    assert (again.url, again.key, convex.team_token, convex.preview_key) == before
    assert again.hashes() == {}
    again.push({"messages.js": MESSAGES})
    assert again.value("query", "messages:count") == 0
