"""Workflow runs, and the people who let them deploy."""

from __future__ import annotations

from typing import Any

import pytest


def waiting(api: Any, **more: Any) -> int:
    """A run that waits for production."""
    run = api.world("runs", {"name": "terraform-apply", "actor": "noor", "environment": "production", **more})
    assert run["status"] == "waiting"
    return int(run["id"])


def test_a_run_waits_for_a_reviewer(api: Any) -> None:
    """The reviewer's own token decides; the bot's cannot; the deployment that GitHub makes goes along."""
    run = waiting(api)
    pending = api.get(f"/actions/runs/{run}/pending_deployments", variable="GITHUB_MIRA_TOKEN").json
    assert pending[0]["current_user_can_approve"] is True
    assert api.get(f"/actions/runs/{run}/pending_deployments").json[0]["current_user_can_approve"] is False
    wish = {"environment_ids": [pending[0]["environment"]["id"]], "state": "approved", "comment": "go"}
    assert api.post(f"/actions/runs/{run}/pending_deployments", wish).status == 422
    decided = api.post(f"/actions/runs/{run}/pending_deployments", wish, variable="GITHUB_MIRA_TOKEN")
    assert [each["environment"] for each in decided.json] == ["production"]
    assert api.get(f"/actions/runs/{run}").json["status"] == "in_progress"
    assert api.get(f"/actions/runs/{run}/pending_deployments").json == []
    (approval,) = api.get(f"/actions/runs/{run}/approvals").json
    assert (approval["user"]["login"], approval["comment"]) == ("mira", "go")
    assert [each["name"] for each in approval["environments"]] == ["production"]
    api.world(f"runs/{run}", {"status": "completed", "conclusion": "success"})
    (deployment,) = api.get("/deployments?environment=production").json
    said = api.get(f"/deployments/{deployment['id']}/statuses").json
    assert [each["state"] for each in said] == ["success", "in_progress", "queued"]


@pytest.mark.parametrize("user", ["noor", "stranger"])
def test_not_everybody_may_review(api: Any, user: str) -> None:
    """Not who started the run, where that is forbidden, and nobody who is no reviewer."""
    run = waiting(api)
    answer = api.post(f"//__sandbox/runs/{run}", {"review": {"user": user}})
    assert answer.status == 422
    assert api.get(f"/actions/runs/{run}/approvals").json == []


def test_a_rejection_ends_the_run(api: Any) -> None:
    """As a failure, with the words of who rejected it."""
    run = waiting(api)
    ended = api.world(f"runs/{run}", {"review": {"user": "mira", "state": "rejected", "comment": "not today"}})
    assert (ended["status"], ended["conclusion"]) == ("completed", "failure")
    assert api.get(f"/actions/runs/{run}/approvals").json[0]["state"] == "rejected"


def test_an_environment_admits_only_its_branches(api: Any) -> None:
    """A run from another one fails at once."""
    api.world("pulls", {"number": 3, "head": {"ref": "topic"}})
    run = api.world("runs", {"name": "sneaky", "event": "pull_request", "pull": 3, "environment": "production"})
    assert (run["status"], run["conclusion"]) == ("completed", "failure")
    assert run["pull_requests"][0]["number"] == 3


def test_cancel_and_run_again(api: Any) -> None:
    """A completed run cannot be cancelled; each attempt stays readable."""
    run = api.world("runs", {"id": 77, "name": "sweep", "event": "schedule"})["id"]
    assert api.call("POST", f"/actions/runs/{run}/cancel", {}).status == 202
    assert api.get(f"/actions/runs/{run}").json["conclusion"] == "cancelled"
    assert api.call("POST", f"/actions/runs/{run}/cancel", {}).status == 409
    again = api.world("runs", {"id": 77, "attempt": 2})
    assert (again["status"], again["run_attempt"]) == ("in_progress", 2)
    assert api.get(f"/actions/runs/{run}/attempts/1").json["conclusion"] == "cancelled"
    assert api.get(f"/actions/runs/{run}/attempts/3").status == 404
    assert api.call("POST", f"/actions/runs/{run}/rerun", {}).status == 403
    api.world(f"runs/{run}", {"status": "completed", "conclusion": "failure"})
    assert api.call("POST", f"/actions/runs/{run}/rerun", {}).status == 201
    third = api.get(f"/actions/runs/{run}").json
    assert (third["run_attempt"], third["status"], third["conclusion"]) == (3, "in_progress", None)
    assert api.get("/actions/runs/78").status == 404


def test_runs_are_found(api: Any) -> None:
    """By status, by event, by commit, by workflow."""
    api.world("runs", {"name": "a", "event": "push", "head_sha": "a" * 40})
    api.world("runs", {"name": "b", "event": "schedule", "status": "completed", "conclusion": "failure"})

    def names(query: str) -> list[str]:
        return [run["name"] for run in api.get(f"/actions/{query}").json["workflow_runs"]]

    assert names("runs") == ["b", "a"]
    assert names("runs?event=schedule") == names("runs?status=failure") == names("runs?status=completed") == ["b"]
    assert names(f"runs?head_sha={'a' * 40}") == names("workflows/a.yml/runs") == ["a"]
    assert api.get("/actions/runs?status=odd").status == 422


def test_a_conclusion_belongs_to_a_completed_run(api: Any) -> None:
    """Neither goes without the other."""
    for wrong in ({"status": "completed"}, {"conclusion": "success"}, {"status": "queued", "conclusion": "success"}):
        assert api.post("//__sandbox/runs", wrong).status == 422
