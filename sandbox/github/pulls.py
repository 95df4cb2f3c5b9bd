"""Pull requests as the API reads them; people open and change them by `/__sandbox/pulls` (`control.py`)."""

from __future__ import annotations

from typing import Any

from sandbox.github import issues
from sandbox.github.answers import Answer, invalid, ok
from sandbox.github.call import Call, Route, needs
from sandbox.github.repository import shown as shown_repository
from sandbox.github.values import user
from sandbox.tables import Body

_READ = needs("pull_requests:read")
_SORTS = ("created", "updated", "popularity", "long-running")
_MOST_FILES = 3000


def find(call: Call, number: int) -> Body:
    """What a pull request has beyond an issue."""
    return call.find("pulls", number)


def _side(call: Call, pull: Body, side: str) -> dict[str, Any]:
    body = pull[side]
    login = body.get("fork") or call.owner
    repository = shown_repository(call, fork_of=body.get("fork"))
    return {
        "label": f"{login}:{body['ref']}",
        "ref": body["ref"],
        "sha": body["sha"],
        "user": user(login, call.world.url),
        "repo": repository,
    }


def minimal(call: Call, pull: Body) -> dict[str, Any]:
    """As runs and checks name it."""
    number = pull["number"]
    repository = call.repository
    place = {"id": repository["id"], "url": call.repository_url, "name": repository["full_name"].partition("/")[2]}
    sides = {side: {**{name: pull[side][name] for name in ("ref", "sha")}, "repo": place} for side in ("head", "base")}
    return {"id": number, "number": number, "url": f"{call.repository_url}/pulls/{number}", **sides}


def shown(call: Call, pull: Body, *, whole: bool = False) -> dict[str, Any]:
    """A pull request as in a list, or with what only the single one tells."""
    number, url = pull["number"], call.repository_url
    issue = issues.find(call, number)
    page = f"{call.repository_page}/pull/{number}"
    document = {
        **issues.common(call, issue),
        "url": f"{url}/pulls/{number}",
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": f"{url}/issues/{number}",
        "commits_url": f"{url}/pulls/{number}/commits",
        "review_comment_url": f"{url}/pulls/comments{{/number}}",
        "review_comments_url": f"{url}/pulls/{number}/comments",
        "statuses_url": f"{url}/statuses/{pull['head']['sha']}",
        "requested_reviewers": [],
        "requested_teams": [],
        "draft": pull["draft"],
        "merged_at": pull["merged_at"],
        "merge_commit_sha": pull["merge_commit_sha"],
        "head": _side(call, pull, "head"),
        "base": _side(call, pull, "base"),
        "auto_merge": None,
    }
    document["_links"] = {
        name: {"href": document[key]}
        for name, key in (
            ("self", "url"),
            ("html", "html_url"),
            ("issue", "issue_url"),
            ("comments", "comments_url"),
            ("review_comments", "review_comments_url"),
            ("review_comment", "review_comment_url"),
            ("commits", "commits_url"),
            ("statuses", "statuses_url"),
        )
    }
    if whole:
        merged_by = user(pull["merged_by"], call.world.url) if pull["merged_by"] else None
        files = pull["files"]
        document.update(
            merged=pull["merged_at"] is not None,
            mergeable=None if issue["state"] == "closed" else pull["mergeable"],
            rebaseable=None if issue["state"] == "closed" else pull["mergeable"],
            mergeable_state=_mergeable_state(pull),
            merged_by=merged_by,
            comments=issues.count_comments(call, number),
            review_comments=0,
            maintainer_can_modify=False,
            commits=pull["pushes"],
            additions=sum(file["additions"] for file in files),
            deletions=sum(file["deletions"] for file in files),
            changed_files=len(files),
        )
    return document


def _mergeable_state(pull: Body) -> str:
    if not pull["mergeable"]:
        return "dirty"
    return "behind" if pull["behind"] else "draft" if pull["draft"] else "clean"


def _listing(call: Call) -> Answer:
    query = call.query
    state = query.get("state", "open")
    if state not in ("open", "closed", "all"):
        raise invalid("PullRequest", "state")
    if query.get("sort", "created") not in _SORTS:
        raise invalid("PullRequest", "sort")
    found = []
    for issue in issues.ordered([each for each in call.state.all("issues", "-") if each["is_pull"]], query):
        pull = find(call, issue["number"])
        if state in ("all", issue["state"]) and _fits(call, pull, query.get("head", ""), query.get("base", "")):
            found.append(pull)
    return call.page(found, shown=lambda pull: shown(call, pull))


def _fits(call: Call, pull: Body, head: str, base: str) -> bool:
    """`head` is `owner:branch`; without an owner GitHub ignores it."""
    owner = pull["head"].get("fork") or call.owner
    if ":" in head and head.lower() != f"{owner}:{pull['head']['ref']}".lower():
        return False
    return not base or base == pull["base"]["ref"]


def _read(call: Call, number: int) -> Answer:
    return ok(shown(call, find(call, number), whole=True))


def _files(call: Call, number: int) -> Answer:
    pull = find(call, number)
    sha, url, page = pull["head"]["sha"], call.repository_url, call.repository_page
    documents = [
        {
            **file,
            "blob_url": f"{page}/blob/{sha}/{file['filename']}",
            "raw_url": f"{page}/raw/{sha}/{file['filename']}",
            "contents_url": f"{url}/contents/{file['filename']}?ref={sha}",
        }
        for file in pull["files"][:_MOST_FILES]
    ]
    return call.page(documents)


def _of_commit(call: Call, ref: str) -> Answer:
    found = [pull for pull in call.state.all("pulls", "-") if ref in (pull["head"]["sha"], pull["merge_commit_sha"])]
    return call.page(found, shown=lambda pull: shown(call, pull))


ROUTES = (
    Route("GET", "/pulls", _listing, _READ),
    Route("GET", "/pulls/<int:number>", _read, _READ),
    Route("GET", "/pulls/<int:number>/files", _files, _READ),
    Route("GET", "/commits/<ref>/pulls", _of_commit, needs("pull_requests:read", "contents:read")),
)
