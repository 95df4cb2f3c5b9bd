"""Pull requests, issues, comments and labels."""

from __future__ import annotations

from typing import Any

import pytest


def test_pull_requests_are_found_by_state_head_and_base(api: Any) -> None:
    """A fork's has its own owner in the label."""
    api.world("pulls", {"number": 1, "head": {"ref": "one"}})
    api.world("pulls", {"number": 2, "head": {"ref": "two", "fork": "stranger"}})
    api.world("pulls", {"number": 3, "head": {"ref": "three"}, "base": {"ref": "release", "sha": "d" * 40}})
    api.world("pulls", {"number": 3, "state": "closed"})

    def numbers(query: str) -> list[int]:
        return [pull["number"] for pull in api.get(f"/pulls{query}").json]

    assert numbers("") == [2, 1]
    assert numbers("?state=closed") == [3]
    assert numbers("?state=all&sort=created&direction=asc") == [1, 2, 3]
    assert numbers("?head=vibechecc:one") == [1]
    assert numbers("?head=stranger:two") == [2]
    assert numbers("?head=vibechecc:two") == []
    assert numbers("?state=all&base=release") == [3]
    assert api.get("/pulls?state=ajar").status == 422
    fork = api.get("/pulls/2").json["head"]
    assert (fork["label"], fork["repo"]["full_name"], fork["repo"]["fork"]) == (
        "stranger:two",
        "stranger/vibechecc",
        True,
    )


def test_closing_merging_and_opening_again(api: Any) -> None:
    """A closed one can be opened again, a merged one cannot; a merge moves the base."""
    api.world("pulls", {"number": 4})
    closed = api.world("pulls", {"number": 4, "state": "closed"})
    assert (closed["state"], closed["merged"], closed["closed_at"] is None) == ("closed", False, False)
    assert api.world("pulls", {"number": 4, "state": "open"})["closed_at"] is None
    merged = api.world("pulls", {"number": 4, "merged": True, "merged_by": "mira"})
    assert (merged["state"], merged["merged_by"]["login"]) == ("closed", "mira")
    assert api.get("/branches/main").json["commit"]["sha"] == merged["merge_commit_sha"]
    assert api.post("//__sandbox/pulls", {"number": 4, "state": "open"}).status == 422
    assert [pull["number"] for pull in api.get(f"/commits/{merged['merge_commit_sha']}/pulls").json] == [4]


def test_files_of_a_pull_request(api: Any) -> None:
    """As somebody named them."""
    files = ["a.py", {"filename": "b.md", "status": "removed", "additions": 0, "deletions": 7}]
    assert api.world("pulls", {"number": 5, "files": files})["changed_files"] == 2
    listed = api.get("/pulls/5/files").json
    assert [(file["filename"], file["status"], file["changes"]) for file in listed] == [
        ("a.py", "modified", 1),
        ("b.md", "removed", 7),
    ]


def test_issues_and_pull_requests_share_numbers(api: Any) -> None:
    """An issue takes the next number; issues list both, pull requests only theirs."""
    api.world("pulls", {"number": 7})
    made = api.post("/issues", {"title": "Drift", "labels": ["drift"], "body": "a"}).json
    assert (made["number"], made["user"]["type"], made["labels"][0]["name"]) == (8, "Bot", "drift")
    assert ["pull_request" in each for each in api.get("/issues").json] == [False, True]
    assert [each["number"] for each in api.get("/issues?labels=drift").json] == [8]
    closed = api.call("PATCH", "/issues/8", {"state": "closed", "state_reason": "not_planned"}).json
    assert (closed["state"], closed["state_reason"]) == ("closed", "not_planned")
    assert api.get("/issues?labels=drift").json == []
    assert api.get("/pulls/8").status == 404
    assert api.post("//__sandbox/pulls", {"number": 8}).status == 422
    assert api.post("/issues", {"body": "no title"}).json["message"].endswith('"title" wasn\'t supplied.')


def test_labels_of_an_issue(api: Any) -> None:
    """Added, listed, replaced, removed; one that the repository lacks is made."""
    api.world("pulls", {"number": 9, "labels": ["preview"]})
    added = api.post("/issues/9/labels", {"labels": ["pinned", "Preview"]}).json
    assert [label["name"] for label in added] == ["preview", "pinned"]
    assert api.get("/labels/pinned").json["color"] == "ededed"
    assert api.call("DELETE", "/issues/9/labels/preview").json[0]["name"] == "pinned"
    gone = api.call("DELETE", "/issues/9/labels/preview")
    assert (gone.status, gone.json["message"]) == (404, "Label does not exist")
    assert api.post("/labels", {"name": "PINNED", "color": "ffffff"}).error["code"] == "already_exists"
    assert api.post("/labels", {"name": "new", "color": "red"}).error["field"] == "color"
    assert api.call("DELETE", "/labels/pinned").status == 204
    assert api.get("/issues/9/labels").json == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"body": "x" * 65_536}, 201),
        ({"body": "x" * 65_537}, 422),
        ({"body": "  "}, 422),
        ({}, 422),
        ({"body": 1}, 422),
    ],
)
def test_a_comment_has_a_largest_length(api: Any, body: dict[str, Any], status: int) -> None:
    """65,536 characters, in creating and in changing."""
    api.world("pulls", {"number": 10})
    answer = api.post("/issues/10/comments", body)
    assert answer.status == status
    kept = api.post("/issues/10/comments", {"body": "kept"}).json["id"]
    changed = api.call("PATCH", f"/issues/comments/{kept}", body)
    assert changed.status == (200 if status == 201 else 422)
    if len(str(body.get("body"))) > 65_536:
        assert answer.error["message"] == "Body is too long (maximum is 65536 characters)"


def test_comments_of_several_authors(api: Any) -> None:
    """People's and other bots' are told apart by their author; a deleted one is gone for everybody."""
    api.world("pulls", {"number": 11})
    api.world("comments", {"number": 11, "user": "mira", "body": "nice"})
    other = api.world("comments", {"number": 11, "user": "other[bot]", "body": "<!-- deployer -->"})
    own = api.post("/issues/11/comments", {"body": "<!-- deployer -->"}).json
    listed = api.get("/issues/11/comments").json
    assert [each["user"]["login"] for each in listed] == ["mira", "other[bot]", "github-actions[bot]"]
    assert [each["user"]["type"] for each in listed] == ["User", "Bot", "Bot"]
    api.world("comments", {"number": 11, "id": own["id"]})
    assert api.call("PATCH", f"/issues/comments/{own['id']}", {"body": "x"}).status == 404
    assert api.call("DELETE", f"/issues/comments/{own['id']}").status == 404
    assert [each["id"] for each in api.get("/issues/comments").json][-1] == other["id"]
    assert api.post("/issues/99/comments", {"body": "x"}).status == 404
