"""Deployments, environments, statuses and check runs."""

from __future__ import annotations

from typing import Any

import pytest

SHA = "a" * 40
PLAIN = {"auto_merge": False, "required_contexts": []}


def deploy(api: Any, environment: str, **more: Any) -> int:
    """A deployment of that environment."""
    answer = api.post("/deployments", {"ref": SHA, "environment": environment, **PLAIN, **more})
    assert answer.status == 201, answer.body
    return int(answer.json["id"])


def state(api: Any, deployment: int, wish: str, **more: Any) -> Any:
    """A new status."""
    answer = api.post(f"/deployments/{deployment}/statuses", {"state": wish, **more})
    assert answer.status == 201, answer.body
    return answer.json


def states(api: Any, deployment: int) -> list[str]:
    """What was said, newest first."""
    return [status["state"] for status in api.get(f"/deployments/{deployment}/statuses").json]


def test_a_success_ends_the_ones_before_it(api: Any) -> None:
    """Of the same environment, if they were a success, and neither transient nor production."""
    first, other, transient = deploy(api, "dev"), deploy(api, "stage"), deploy(api, "dev", transient_environment=True)
    never = deploy(api, "dev")
    for each in (first, other, transient):
        state(api, each, "success", auto_inactive=False)
    second = deploy(api, "dev")
    state(api, second, "in_progress")
    assert states(api, first) == ["success"]
    state(api, second, "success", environment_url="https://x.test")
    assert states(api, first) == ["inactive", "success"]
    assert (states(api, other), states(api, transient), states(api, never)) == (["success"], ["success"], [])
    third = deploy(api, "dev")
    state(api, third, "success", auto_inactive=False)
    assert states(api, second) == ["success", "in_progress"]
    old, new = deploy(api, "production"), deploy(api, "production")
    state(api, old, "success")
    state(api, new, "success")
    assert states(api, old) == ["success"]


def test_only_what_is_not_active_is_deleted(api: Any) -> None:
    """Unless it is the only one."""
    only = deploy(api, "dev")
    state(api, only, "success")
    assert api.call("DELETE", f"/deployments/{only}").status == 204
    first, second = deploy(api, "pr-1"), deploy(api, "pr-2")
    state(api, first, "success")
    assert "active deployment" in api.call("DELETE", f"/deployments/{first}").json["message"]
    state(api, first, "inactive")
    assert api.call("DELETE", f"/deployments/{first}").status == 204
    assert api.get(f"/deployments/{first}/statuses").status == 404
    assert [each["id"] for each in api.get("/deployments?environment=pr-2").json] == [second]
    assert api.get("/deployments?environment=pr-22").json == []


def test_contexts_that_are_required(api: Any) -> None:
    """All of them unless the caller says which; none for an empty list."""
    api.post(f"/statuses/{SHA}", {"state": "success", "context": "lint"})
    api.post(f"/statuses/{SHA}", {"state": "failure", "context": "tests"})
    refused = api.post("/deployments", {"ref": SHA, "environment": "dev"})
    assert refused.status == 409
    assert refused.error["contexts"] == [{"context": "tests", "state": "failure"}]
    assert api.post("/deployments", {"ref": SHA, "environment": "dev", "required_contexts": ["lint"]}).status == 201
    assert api.post("/deployments", {"ref": SHA, "environment": "dev", "required_contexts": ["none"]}).status == 409
    assert api.post("/deployments", {"ref": SHA, "environment": "dev", "required_contexts": []}).status == 201


def test_a_branch_that_is_behind_is_merged_instead(api: Any) -> None:
    """202 and no deployment; 409 when it cannot be merged; neither when the caller does not want it."""
    api.world("pulls", {"number": 1, "head": {"ref": "topic"}, "behind": True})
    wish = {"ref": "topic", "environment": "pr-1", "required_contexts": []}
    assert api.post("/deployments", {**wish, "auto_merge": False}).status == 201
    merged = api.post("/deployments", wish)
    assert (merged.status, merged.json) == (202, {"message": "Auto-merged main into topic on deployment."})
    assert api.post("/deployments", wish).status == 201
    api.world("pulls", {"number": 1, "behind": True, "mergeable": False})
    assert api.post("/deployments", wish).status == 409
    assert len(api.get("/deployments").json) == 2


@pytest.mark.parametrize(
    ("wish", "word"),
    [
        ({"ref": "nowhere"}, "No ref found for: nowhere"),
        ({}, "ref"),
        ({"ref": SHA, "transient_environment": "yes"}, "transient_environment"),
        ({"ref": SHA, "description": "x" * 141}, "Validation Failed"),
    ],
)
def test_a_deployment_needs_a_commit(api: Any, wish: dict[str, Any], word: str) -> None:
    """And fields of the right form."""
    answer = api.post("/deployments", {**PLAIN, **wish})
    assert answer.status == 422
    assert word in answer.json["message"]


def test_a_status_has_a_state_and_web_addresses(api: Any) -> None:
    """Everything else is a 422."""
    deployment = deploy(api, "pr-1")
    for wrong in ({"state": "live"}, {}, {"state": "success", "environment_url": "pr-1.example.com"}):
        assert api.post(f"/deployments/{deployment}/statuses", wrong).status == 422
    assert states(api, deployment) == []


def test_environments(api: Any) -> None:
    """Made by a deployment, or by an administrator with rules; reviewers by number."""
    deploy(api, "pr-1")
    listed = api.get("/environments").json
    assert (listed["total_count"], [each["name"] for each in listed["environments"]]) == (2, ["pr-1", "production"])
    rules = {rule["type"]: rule for rule in api.get("/environments/production").json["protection_rules"]}
    assert set(rules) == {"required_reviewers", "branch_policy"}
    reviewers = rules["required_reviewers"]["reviewers"]
    assert rules["required_reviewers"]["prevent_self_review"]
    assert [(each["type"], each["reviewer"]["login"]) for each in reviewers] == [("User", "mira"), ("User", "noor")]
    patterns = api.get("/environments/production/deployment-branch-policies").json["branch_policies"]
    assert [each["name"] for each in patterns] == ["main"]

    mira = reviewers[0]["reviewer"]["id"]
    policy = {"protected_branches": True, "custom_branch_policies": False}
    wish = {"reviewers": [{"type": "User", "id": mira}], "wait_timer": 30, "deployment_branch_policy": policy}
    made = api.call("PUT", "/environments/team%2Fstage", wish).json
    assert (made["name"], len(made["protection_rules"])) == ("team/stage", 3)
    assert api.get("/environments/team%2Fstage").json["deployment_branch_policy"] == policy
    same = {"protected_branches": True, "custom_branch_policies": True}
    for wrong in (
        {"wait_timer": 43_201},
        {"reviewers": [{"type": "User", "id": 1}]},
        {"reviewers": [{"type": "User", "id": mira}] * 7},
        {"deployment_branch_policy": same},
    ):
        assert api.call("PUT", "/environments/stage", wrong).status == 422
    assert api.call("DELETE", "/environments/team%2Fstage").status == 204
    assert api.get("/environments/team%2Fstage").status == 404


def test_statuses_of_a_commit(api: Any) -> None:
    """The newest of each context counts."""
    assert api.get(f"/commits/{SHA}/status").json["state"] == "pending"
    for context, wish in (("a", "failure"), ("b", "success"), ("a", "success")):
        answer = api.post(f"/statuses/{SHA}", {"state": wish, "context": context, "target_url": "https://x.test"})
        assert answer.status == 201
    combined = api.get(f"/commits/{SHA}/status").json
    assert (combined["state"], combined["total_count"]) == ("success", 2)
    assert len(api.get(f"/commits/{SHA}/statuses").json) == 3
    assert api.post("/statuses/main", {"state": "success"}).status == 201
    assert api.post("/statuses/abc", {"state": "success"}).json["message"] == "No commit found for SHA: abc"
    assert api.post(f"/statuses/{SHA}", {"state": "green"}).status == 422


def annotation(line: int) -> dict[str, Any]:
    """One remark."""
    where = {"path": "environments.toml", "start_line": line, "end_line": line}
    return {**where, "annotation_level": "failure", "message": "no"}


def test_check_runs(api: Any) -> None:
    """At most 50 annotations a request, more by further ones; a completed one has a conclusion."""
    output = {"title": "Plan", "summary": "1 change", "annotations": [annotation(line) for line in range(1, 51)]}
    made = api.post("/check-runs", {"name": "plan", "head_sha": SHA, "status": "in_progress", "output": output}).json
    path = f"/check-runs/{made['id']}"
    more = {"output": {**output, "annotations": [annotation(51)]}}
    assert api.call("PATCH", path, more).json["output"]["annotations_count"] == 51
    assert len(api.get(f"{path}/annotations?per_page=100").json) == 51
    too_many = {"output": {**output, "annotations": [annotation(1)] * 51}}
    assert api.call("PATCH", path, too_many).status == 422
    assert api.call("PATCH", path, {"status": "completed"}).error["field"] == "conclusion"
    done = api.call("PATCH", path, {"conclusion": "failure"}).json
    assert (done["status"], done["completed_at"] is None) == ("completed", False)
    api.post("/check-runs", {"name": "plan", "head_sha": SHA})
    assert api.get(f"/commits/{SHA}/check-runs").json["total_count"] == 1
    assert api.get(f"/commits/{SHA}/check-runs?filter=all").json["total_count"] == 2
    person = api.world("tokens", {"user": "mira", "permissions": {"checks": "write"}})["token"]
    headers = {"Authorization": f"Bearer {person}"}
    refused = api.post("/check-runs", {"name": "x", "head_sha": SHA}, headers=headers)
    assert (refused.status, refused.json["message"]) == (403, "You must authenticate via a GitHub App.")
