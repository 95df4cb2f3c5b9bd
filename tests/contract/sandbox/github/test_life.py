"""The whole life of a pull request over HTTP: opened, commented, deployed, reviewed, merged, gone."""

from __future__ import annotations

from tests.support.github_world import Client
from tests.support.sandbox import Running

SHA, NEXT = "a" * 40, "b" * 40


def test_a_pull_request_from_open_to_merged(running: Running, github: Client) -> None:
    """Every part sees what the others did, and all of it is there after a restart."""
    opened = github.world("pulls", {"number": 12, "title": "Faster", "head": {"sha": SHA, "ref": "faster"}})
    assert (opened["state"], opened["merged"], opened["head"]["sha"]) == ("open", False, SHA)
    assert [pull["number"] for pull in github.get("/pulls").json()] == [12]

    comment = github.post("/issues/12/comments", {"body": "up"}).json()
    assert comment["user"]["login"] == "github-actions[bot]"
    assert github.patch(f"/issues/comments/{comment['id']}", {"body": "up, proven"}).json()["body"] == "up, proven"

    wish = {"ref": SHA, "environment": "pr-12", "auto_merge": False, "required_contexts": []}
    first = github.post("/deployments", {**wish, "transient_environment": True}).json()
    answer = github.post(f"/deployments/{first['id']}/statuses", {"state": "success", "environment_url": "https://x"})
    assert answer.status_code == 201
    assert github.post(f"/statuses/{SHA}", {"state": "success", "context": "pr-environment"}).status_code == 201
    assert github.get(f"/commits/{SHA}/status").json()["state"] == "success"

    github.world("pulls", {"number": 12, "head": {"sha": NEXT}})
    assert github.get("/pulls/12").json()["commits"] == 2
    assert github.get("/branches/faster").json()["commit"]["sha"] == NEXT

    running.restart(only=("github",))
    assert github.get("/issues/12/comments").json()[0]["body"] == "up, proven"
    github.world("pulls", {"number": 12, "merged": True, "merge_commit_sha": "c" * 40})
    merged = github.get("/pulls/12").json()
    assert (merged["state"], merged["merged"]) == ("closed", True)
    assert github.get("/branches/main").json()["commit"]["sha"] == "c" * 40
    assert github.get("/pulls").json() == []

    run = github.world("runs", {"name": "terraform-apply", "head_sha": "c" * 40, "environment": "production"})
    assert run["status"] == "waiting"
    pending = github.get(f"/actions/runs/{run['id']}/pending_deployments").json()
    assert [each["reviewer"]["login"] for each in pending[0]["reviewers"]] == ["mira", "noor"]
    assert github.get(f"/actions/runs/{run['id']}/approvals").json() == []
    github.world(f"runs/{run['id']}", {"review": {"user": "mira", "comment": "Ship it!"}})
    approvals = github.get(f"/actions/runs/{run['id']}/approvals").json()
    assert [(each["user"]["login"], each["state"], each["comment"]) for each in approvals] == [
        ("mira", "approved", "Ship it!")
    ]
    github.world(f"runs/{run['id']}", {"status": "completed", "conclusion": "success"})
    found = github.get(f"/actions/runs/{run['id']}").json()
    assert (found["status"], found["conclusion"], found["run_attempt"]) == ("completed", "success", 1)

    github.post(f"/deployments/{first['id']}/statuses", {"state": "inactive"})
    assert github.delete(f"/deployments/{first['id']}").status_code == 204
    assert github.delete(f"/issues/comments/{comment['id']}").status_code == 204
    assert github.get("/issues/12/comments").json() == []
