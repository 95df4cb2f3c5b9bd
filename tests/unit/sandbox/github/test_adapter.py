"""The deployer's own client against the strict stand-in: what it sends is what GitHub takes, what it reads is there."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from werkzeug.serving import make_server

from deployer.adapters.github import COMMENT_LIMIT, GitHub
from deployer.adapters.http import Http
from deployer.adapters.redact import Redactor
from deployer.errors import NotPermitted
from deployer.playbooks.reporting import report_environment
from deployer.report.environment_report import EnvironmentReport
from tests.support.github_world import REPOSITORY
from tests.unit.sandbox.github.conftest import Api

SHA = "1" * 40


class Hub:
    """The stand-in with a port, and clients of it."""

    def __init__(self, api: Api, url: str) -> None:
        self.api = api
        self.url = url

    def client(self, variable: str = "GITHUB_TOKEN") -> GitHub:
        """With one of the seed's tokens."""
        http = Http(Redactor(), timeout=10.0, attempts=1)
        return GitHub(http, self.url, self.api.token(variable), REPOSITORY)

    def open(self, number: int, sha: str = SHA) -> None:
        """Somebody opens a pull request, or pushes to it."""
        self.api.world("pulls", {"number": number, "head": {"sha": sha, "ref": f"topic-{number}"}})


@pytest.fixture
def hub(api: Api) -> Iterator[Hub]:
    """Served for this test."""
    assert api.service.app is not None
    server = make_server("127.0.0.1", 0, api.service.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield Hub(api, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()


def test_pull_requests_are_read(hub: Hub) -> None:
    """Open, a fork's, closed and merged, not there."""
    hub.open(12)
    hub.api.world("pulls", {"number": 13, "head": {"sha": "2" * 40, "ref": "main", "fork": "stranger"}})
    hub.open(14, sha="3" * 40)
    hub.api.world("pulls", {"number": 14, "state": "closed", "merged": True})
    client = hub.client()
    mine, theirs, done = client.pull(12), client.pull(13), client.pull(14)
    assert mine is not None
    assert theirs is not None
    assert done is not None
    assert (mine.open, mine.fork, mine.head_sha) == (True, False, SHA)
    assert (theirs.fork, done.open, done.merged) == (True, False, True)
    assert client.pull(15) is None
    assert [pull.number for pull in client.open_pulls()] == [12, 13]


def test_a_comment_is_kept_in_place(hub: Hub) -> None:
    """As the workflow's own account, which cannot ask for its name; another bot's is left alone, a long one fits."""
    hub.open(12)
    client = hub.client()
    assert client.login == "github-actions[bot]"
    theirs = hub.api.world("comments", {"number": 12, "user": "other[bot]", "body": "<!-- deployer: x -->\nmine"})
    made = client.put_comment(12, marker="x", body="one")
    assert client.put_comment(12, marker="x", body="two").id == made.id != theirs["id"]
    assert not client.put_comment(12, marker="x", body="two").changed
    long = client.put_comment(12, marker="x", body="line\n" * 30_000)
    assert len(long.body.encode()) <= COMMENT_LIMIT
    client.delete_comment(made.id)
    client.delete_comment(made.id)
    assert client.put_comment(12, marker="x", body="two").id != made.id


def test_the_life_of_an_environment_is_told(hub: Hub) -> None:
    """Coming, up, pushed to, removed: one comment, no deployment that is still active, statuses on both commits."""
    hub.open(12)
    client, said = hub.client(), list[str]()
    report = EnvironmentReport(environment="pr-12", state="coming", url="https://pr-12.vibechecc.app")
    for state, sha in (("coming", SHA), ("up", SHA), ("coming", "4" * 40), ("up", "4" * 40), ("removed", "4" * 40)):
        hub.open(12, sha=sha)
        now = EnvironmentReport(environment="pr-12", state=state, url=report.url)  # type: ignore[arg-type]
        told = report_environment(client, now, number=12, sha=sha, body=state, say=said.append)
        assert told.notes == []
    assert said == []
    assert len(hub.api.get("/issues/12/comments").json) == 1
    states = [client.deployment_status(each.id) for each in client.deployments("pr-12")]
    assert [each.state for each in states if each] == ["inactive", "inactive"]
    assert hub.api.get(f"/commits/{SHA}/status").json["state"] == "success"


def test_a_token_that_only_reads_says_what_it_lacks(hub: Hub) -> None:
    """In the words of GitHub's header."""
    hub.open(12)
    with pytest.raises(NotPermitted) as caught:
        hub.client("GITHUB_READ_TOKEN").put_comment(12, marker="x", body="one")
    assert "it takes a token with: issues=write or pull_requests=write" in caught.value.details


def test_a_run_waits_is_reviewed_and_ends(hub: Hub) -> None:
    """With who let it pass, and how long ago it ended by GitHub's clock."""
    found = hub.api.world("runs", {"head_sha": SHA, "environment": "production", "actor": "noor"})
    client, run = hub.client(), int(found["id"])
    waiting = client.run(run)
    assert waiting is not None
    assert (waiting.status, waiting.completed, waiting.head_sha) == ("waiting", False, SHA)
    assert hub.api.get(f"/actions/runs/{run}").json["actor"]["login"] == "noor"
    assert client.approvals(run) == ()
    hub.api.world(f"runs/{run}", {"review": {"user": "mira", "comment": "fine"}})
    (review,) = client.approvals(run)
    assert (review.login, review.approved, review.environments, review.comment) == (
        "mira",
        True,
        ("production",),
        "fine",
    )
    hub.api.world(f"runs/{run}", {"status": "completed", "conclusion": "success"})
    ended = client.run(run, attempt=1)
    assert ended is not None
    assert (ended.completed, ended.conclusion) == (True, "success")
    assert ended.untouched_for is not None
    assert client.run(1) is None
    assert client.run(run, attempt=2) is None
