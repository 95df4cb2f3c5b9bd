"""Branches and commits as far as there are any: a full commit id is a commit, a branch is what somebody named.

Nobody pushes here, so there is no history: pull requests and the default branch say where branches stand.
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.github.answers import Answer, Refusal, ok
from sandbox.github.call import Call, Route, needs
from sandbox.github.values import derived_sha, is_sha, node_id
from sandbox.tables import Body

_PULL_REF = re.compile(r"(?:refs/)?pull/(\d+)/(head|merge)")


def resolve(call: Call, ref: str) -> str | None:
    """The commit behind a branch, a reference of a pull request or a full commit id."""
    if is_sha(ref):
        return ref
    if found := _PULL_REF.fullmatch(ref):
        pull = call.state.get("pulls", "-", found[1])
        return str(pull["head"]["sha"] if found[2] == "head" else pull["merge_commit_sha"]) if pull else None
    branch = call.state.get("branches", "-", ref.removeprefix("refs/").removeprefix("heads/"))
    return str(branch["sha"]) if branch else None


def require(call: Call, ref: str) -> str:
    """The commit; 422 in the words of the routes that take a commit."""
    sha = resolve(call, ref)
    if sha is None:
        raise Refusal(422, f"No commit found for SHA: {ref}")
    return sha


def set_branch(call: Call, name: str, sha: str | None) -> None:
    """A branch stands somewhere else, or is gone."""
    if sha is None:
        call.state.delete("branches", "-", name)
    else:
        call.state.put("branches", "-", name, {"name": name, "sha": sha})


def _commit(call: Call, sha: str) -> dict[str, Any]:
    url = call.repository_url
    return {
        "sha": sha,
        "node_id": node_id("Commit", sha),
        "url": f"{url}/commits/{sha}",
        "html_url": f"{call.repository_page}/commit/{sha}",
        "comments_url": f"{url}/commits/{sha}/comments",
        "commit": {
            "url": f"{url}/git/commits/{sha}",
            **said(call, sha),
            "tree": {"sha": derived_sha("tree", sha), "url": f"{url}/git/trees/{derived_sha('tree', sha)}"},
            "comment_count": 0,
        },
        "author": None,
        "committer": None,
        "parents": [],
    }


def said(call: Call, sha: str) -> dict[str, Any]:
    """Author and message of a commit, which nobody wrote."""
    person = {"name": "sandbox", "email": "sandbox@example.test", "date": call.repository["created_at"]}
    return {"author": person, "committer": person, "message": f"Commit {sha[:7]}"}


def _read(call: Call, ref: str) -> Answer:
    return ok(_commit(call, require(call, ref)))


def _branch(call: Call, body: Body) -> dict[str, Any]:
    protected = body["name"] == call.repository["default_branch"]
    commit = {"sha": body["sha"], "url": f"{call.repository_url}/commits/{body['sha']}"}
    return {"name": body["name"], "commit": commit, "protected": protected}


def _branches(call: Call) -> Answer:
    return call.page(call.state.all("branches", "-"), shown=lambda branch: _branch(call, branch))


def _read_branch(call: Call, name: str) -> Answer:
    found = call.state.get("branches", "-", name)
    if found is None:
        raise Refusal(404, "Branch not found")
    url = f"{call.repository_url}/branches/{name}"
    page = f"{call.repository_page}/tree/{name}"
    whole = {
        "commit": _commit(call, found["sha"]),
        "_links": {"self": url, "html": page},
        "protection": {"enabled": False},
        "protection_url": f"{url}/protection",
    }
    return ok({**_branch(call, found), **whole})


def _reference(call: Call, name: str) -> Answer:
    found = call.find("branches", name)
    target = {"type": "commit", "sha": found["sha"], "url": f"{call.repository_url}/git/commits/{found['sha']}"}
    reference = f"refs/heads/{name}"
    return ok(
        {
            "ref": reference,
            "node_id": node_id("Ref", reference),
            "url": f"{call.repository_url}/git/{reference}",
            "object": target,
        }
    )


ROUTES = (
    Route("GET", "/commits/<path:ref>", _read, needs("contents:read")),
    Route("GET", "/branches", _branches, needs("contents:read")),
    Route("GET", "/branches/<path:name>", _read_branch, needs("contents:read")),
    Route("GET", "/git/ref/heads/<path:name>", _reference, needs("contents:read")),
)
