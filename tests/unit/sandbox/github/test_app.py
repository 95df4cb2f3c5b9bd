"""Who may ask, in which form, and what GitHub says otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.github.app import all_routes


def test_a_wrong_token_is_nobody(api: Any) -> None:
    """401 in GitHub's form, with and without a token."""
    missing = api.get("/pulls", headers={"Authorization": None})
    assert (missing.status, missing.json["message"]) == (401, "Requires authentication")
    wrong = api.get("/pulls", headers={"Authorization": "Bearer ghs_wrong"})
    assert wrong.json == {
        "message": "Bad credentials",
        "documentation_url": "https://docs.github.com/rest",
        "status": "401",
    }
    assert api.get("/pulls", headers={"Authorization": f"token {api.token()}"}).status == 200


def test_a_token_without_the_permission_is_told_which_one(api: Any) -> None:
    """403, and the header that names what would do; reading is what a fork's token can."""
    api.world("pulls", {"number": 1})
    assert api.get("/pulls/1", variable="GITHUB_READ_TOKEN").status == 200
    refused = api.post("/issues/1/comments", {"body": "x"}, variable="GITHUB_READ_TOKEN")
    assert (refused.status, refused.json["message"]) == (403, "Resource not accessible by integration")
    assert refused.headers["x-accepted-github-permissions"] == "issues=write; pull_requests=write"
    person = api.post("/statuses/" + "a" * 40, {"state": "success"}, variable="GITHUB_MIRA_TOKEN")
    assert (person.status, person.json["message"]) == (403, "Resource not accessible by personal access token")


def test_what_is_not_covered_is_unknown(api: Any) -> None:
    """404 in GitHub's form and marked; another repository is a plain 404."""
    strange = api.get("/milestones")
    assert (strange.status, strange.json["status"], strange.unknown) == (404, "404", True)
    assert api.call("PUT", "/pulls/1/merge", {}).unknown
    other = api.get("//repos/somebody/else/pulls")
    assert (other.status, other.json["message"], other.unknown) == (404, "Not Found", False)
    assert api.get("//repos/VibeChecc/VIBECHECC").json["full_name"] == "vibechecc/vibechecc"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-GitHub-Api-Version": "2022-11-28"}, 200),
        ({"X-GitHub-Api-Version": "2019-01-01"}, 400),
        ({"Accept": "application/vnd.github+json"}, 200),
        ({"Accept": "application/vnd.github.v3+json"}, 200),
        ({"Accept": "text/html"}, 415),
        ({"User-Agent": None}, 403),
    ],
)
def test_headers_count(api: Any, headers: dict[str, str | None], status: int) -> None:
    """Versions and media types that GitHub has; a client that does not say its name is refused."""
    assert api.get("/pulls", headers=headers).status == status


def test_a_body_must_be_an_object(api: Any) -> None:
    """400, as GitHub says it; a field that is not taken is a 422."""
    assert api.call("POST", "/issues", data=b"{").json["message"] == "Problems parsing JSON"
    assert api.call("POST", "/issues", data=b"[]").status == 400
    assert '"colour" is not a permitted key' in api.post("/issues", {"title": "x", "colour": 1}).json["message"]


def test_lists_come_in_pages(api: Any) -> None:
    """`Link` names the neighbours with the query that was asked; a page takes 100 at most."""
    api.world("pulls", {"pulls": [{"number": number} for number in range(1, 206)]})
    first = api.get("/pulls?state=open&per_page=500")
    assert len(first.json) == 100
    base = "/repos/vibechecc/vibechecc/pulls?state=open&per_page=500&page="
    assert first.headers["Link"].endswith(
        f'{base}2>; rel="next", <{api.service.context.url("github")}{base}3>; rel="last"'
    )
    last = api.get("/pulls?state=open&per_page=500&page=3")
    assert [pull["number"] for pull in last.json] == [5, 4, 3, 2, 1]
    assert 'rel="prev"' in last.headers["Link"]
    assert 'rel="next"' not in last.headers["Link"]
    assert "Link" not in api.get("/labels").headers


def test_requests_are_counted(api: Any) -> None:
    """Each token sees its own limit, also by asking for it."""
    first, second = (int(api.get("").headers["x-ratelimit-remaining"]) for _ in range(2))
    assert first - second == 1
    assert api.get("//rate_limit").json["rate"]["remaining"] == second
    assert int(api.get("/pulls", variable="GITHUB_READ_TOKEN").headers["x-ratelimit-used"]) == 1


def test_pages_in_a_browser_do_not_reach_the_control(api: Any) -> None:
    """A page of the person's browser could otherwise open pull requests."""
    answer = api.post("//__sandbox/pulls", {"number": 1}, headers={"Origin": "https://evil.test"})
    assert answer.status == 403


def test_coverage_names_every_route_once(api: Any) -> None:
    """In the form that the other stand-ins have."""
    covered = list(api.service.coverage())
    assert len(covered) == len(set(covered)) == len(all_routes())
    assert "PATCH /repos/{owner}/{repo}/issues/comments/{identifier}" in covered
    assert "POST /__sandbox/runs/{identifier}" in covered
