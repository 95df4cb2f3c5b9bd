"""The deployer's own client against the stand-in: what it reads and writes means the same to both."""

from __future__ import annotations

import pytest

from deployer.adapters.github import GitHub
from deployer.adapters.http import Http
from deployer.adapters.redact import Redactor
from deployer.errors import CredentialsRefused, NotPermitted
from tests.support.github_world import REPOSITORY, Client
from tests.support.sandbox import Running

SHA = "a" * 40


def hub(running: Running, token: str | None = None) -> GitHub:
    """The adapter with the sandbox's token, or with another."""
    environment = running.environment
    return GitHub(
        http=Http(redactor=Redactor()),
        base=environment["GITHUB_API_URL"],
        token=token or environment["GITHUB_TOKEN"],
        repository=REPOSITORY,
    )


def test_pull_requests_and_the_comment(running: Running, github: Client) -> None:
    """Open ones are listed, a fork's is one, a comment is kept in place beside those of others."""
    github.world("pulls", {"number": 12, "head": {"sha": SHA, "ref": "topic"}, "labels": ["preview"]})
    github.world("pulls", {"number": 13, "head": {"fork": True}})
    github.world("pulls", {"number": 14, "merged": True})
    client = hub(running)
    assert [pull.number for pull in client.open_pulls()] == [12, 13]
    pull, fork, merged = (client.pull(number) for number in (12, 13, 14))
    assert pull is not None
    assert fork is not None
    assert merged is not None
    assert (pull.head_sha, pull.fork) == (SHA, False)
    told = github.get("/pulls/12").json()
    assert (told["head"]["ref"], [label["name"] for label in told["labels"]]) == ("topic", ["preview"])
    assert (fork.fork, merged.merged, client.pull(99)) == (True, True, None)

    github.world("comments", {"number": 12, "user": "other[bot]", "body": "<!-- deployer: environment -->\nmine"})
    first = client.put_comment(12, marker="environment", body="up")
    assert client.put_comment(12, marker="environment", body="up, proven").id == first.id
    bodies = [each["body"] for each in github.get("/issues/12/comments").json()]
    assert bodies == ["<!-- deployer: environment -->\nmine", "<!-- deployer: environment -->\nup, proven"]
    client.put_comment(12, marker="environment", body="x" * 70_000)
    client.delete_comment(first.id)
    assert len(github.get("/issues/12/comments").json()) == 1


def test_deployments_runs_and_reviews(running: Running, github: Client) -> None:
    """A deployment that is made inactive, a finished run, and who approved it."""
    client = hub(running)
    made = client.create_deployment(SHA, environment="pr-12")
    client.set_deployment_status(made.id, "success", url="https://pr-12.example.com")
    client.set_deployment_status(made.id, "inactive")
    last = client.deployment_status(made.id)
    assert last is not None
    assert last.state == "inactive"
    assert [each.id for each in client.deployments("pr-12")] == [made.id]
    assert client.deployments("pr-1") == ()
    client.set_status(SHA, context="pr-environment", state="success")
    assert github.get(f"/commits/{SHA}/status").json()["state"] == "success"

    run = int(github.world("runs", {"name": "terraform-apply", "environment": "production"})["id"])
    github.world(f"runs/{run}", {"review": {"user": "mira", "comment": "go"}})
    github.world(f"runs/{run}", {"status": "completed", "conclusion": "success"})
    found = client.run(run)
    assert found is not None
    assert (found.status, found.conclusion) == ("completed", "success")
    assert client.run(run, attempt=1) is not None
    assert client.run(run + 1) is None
    assert [(each.login, each.state) for each in client.approvals(run)] == [("mira", "approved")]


def test_refusals(running: Running, github: Client) -> None:
    """A token that only reads, and one that nobody knows."""
    github.world("pulls", {"number": 12})
    reader = hub(running, running.environment["GITHUB_READ_TOKEN"])
    assert reader.pull(12) is not None
    with pytest.raises(NotPermitted) as refused:
        reader.put_comment(12, marker="environment", body="x")
    assert "issues=write or pull_requests=write" in str(refused.value.details)
    with pytest.raises(CredentialsRefused):
        hub(running, "ghs_wrong").open_pulls()
