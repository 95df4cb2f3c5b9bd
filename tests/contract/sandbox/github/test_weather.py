"""Bad weather and the request log, over HTTP."""

from __future__ import annotations

import threading

import httpx
import pytest

from tests.support.github_world import REPOSITORY, Client
from tests.support.sandbox import Running


def test_rate_limits_are_told_in_githubs_way(running: Running, github: Client) -> None:
    """The secondary one by `Retry-After`, the primary one by its own headers; then it is over."""
    running.control("POST", "/faults", {"service": "github", "path": "*", "status": 429, "retry_after_ms": 3000})
    first = github.get("/pulls")
    assert (first.status_code, first.headers["Retry-After"]) == (429, "3")
    assert "secondary rate limit" in first.json()["message"]
    fault = {"service": "github", "method": "POST", "status": 403, "code": "rate_limit", "retry_after_ms": 60_000}
    running.control("POST", "/faults", fault)
    assert github.get("/pulls").status_code == 200
    limited = github.post("/issues", {"title": "x"})
    assert (limited.status_code, limited.headers["x-ratelimit-remaining"]) == (403, "0")
    assert int(limited.headers["x-ratelimit-reset"]) > 1_700_000_000
    assert github.post("/issues", {"title": "x"}).status_code == 201


def test_a_lost_answer_was_carried_out(running: Running, github: Client) -> None:
    """The comment is there although nobody was told."""
    github.world("pulls", {"number": 1})
    running.control("POST", "/faults", {"service": "github", "method": "POST", "path": "*/comments", "drop": "after"})
    with pytest.raises(httpx.HTTPError):
        github.post("/issues/1/comments", {"body": "said"})
    assert [each["body"] for each in github.get("/issues/1/comments").json()] == ["said"]


def test_what_is_not_covered_is_in_the_log(running: Running, github: Client) -> None:
    """Marked as unknown, without any token."""
    assert github.get("/milestones").status_code == 404
    assert github.get("/pulls").status_code == 200
    logged = [entry for entry in running.requests() if entry["service"] == "github"]
    assert [(entry["path"], entry["unknown"]) for entry in logged] == [
        (f"/repos/{REPOSITORY}/milestones", True),
        (f"/repos/{REPOSITORY}/pulls", False),
    ]


def test_many_at_once(github: Client) -> None:
    """Twenty writers at one pull request: every comment is there once, each with its own number."""
    github.world("pulls", {"number": 2})
    threads = [
        threading.Thread(target=github.post, args=("/issues/2/comments", {"body": str(index)})) for index in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = github.get("/issues/2/comments?per_page=100").json()
    assert {each["body"] for each in found} == {str(index) for index in range(20)}
    assert len({each["id"] for each in found}) == 20
