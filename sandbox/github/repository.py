"""The repository itself, and who is who: the caller and any account."""

from __future__ import annotations

from typing import Any

from sandbox.github.answers import Answer, Refusal, not_found, ok
from sandbox.github.call import Call, Route
from sandbox.github.values import HTML, derived_number, is_login, node_id, user
from sandbox.tables import Body

# Where clients find what belongs to a repository, whether or not it is covered here.
_LINKS = {
    "archive": "{archive_format}{/ref}",
    "assignees": "assignees{/user}",
    "blobs": "git/blobs{/sha}",
    "branches": "branches{/branch}",
    "collaborators": "collaborators{/collaborator}",
    "comments": "comments{/number}",
    "commits": "commits{/sha}",
    "compare": "compare/{base}...{head}",
    "contents": "contents/{+path}",
    "contributors": "contributors",
    "deployments": "deployments",
    "downloads": "downloads",
    "events": "events",
    "forks": "forks",
    "git_commits": "git/commits{/sha}",
    "git_refs": "git/refs{/sha}",
    "git_tags": "git/tags{/sha}",
    "hooks": "hooks",
    "issue_comment": "issues/comments{/number}",
    "issue_events": "issues/events{/number}",
    "issues": "issues{/number}",
    "keys": "keys{/key_id}",
    "labels": "labels{/name}",
    "languages": "languages",
    "merges": "merges",
    "milestones": "milestones{/number}",
    "notifications": "notifications{?since,all,participating}",
    "pulls": "pulls{/number}",
    "releases": "releases{/id}",
    "stargazers": "stargazers",
    "statuses": "statuses/{sha}",
    "subscribers": "subscribers",
    "subscription": "subscription",
    "tags": "tags",
    "teams": "teams",
    "trees": "git/trees{/sha}",
}
_COUNTS = (
    "forks",
    "forks_count",
    "open_issues",
    "open_issues_count",
    "size",
    "stargazers_count",
    "watchers",
    "watchers_count",
)
_HAS = ("has_downloads", "has_issues", "has_projects", "has_wiki")


def new(full_name: str, default_branch: str, time: str) -> dict[str, Any]:
    """What is kept of the repository. Its numbers are the same in every sandbox."""
    owner = full_name.partition("/")[0]
    return {
        "id": derived_number("repository", full_name.lower()),
        "owner_id": derived_number("user", owner.lower()),
        "full_name": full_name,
        "default_branch": default_branch,
        "created_at": time,
        "immutable_subject": False,
        "subject_keys": None,
    }


def shown(call: Call, *, fork_of: str | None = None) -> dict[str, Any]:
    """The repository, or somebody's fork of it."""
    repository: Body = call.repository
    owner, _, name = str(repository["full_name"]).partition("/")
    login = fork_of or owner
    identifier = derived_number("repository", f"{fork_of}/{name}".lower()) if fork_of else repository["id"]
    full_name = f"{login}/{name}"
    url = f"{call.world.url}/repos/{full_name}"
    return {
        "id": identifier,
        "node_id": node_id("Repository", identifier),
        "name": name,
        "full_name": full_name,
        "private": True,
        "visibility": "private",
        "owner": user(login, call.world.url),
        "html_url": f"{HTML}/{full_name}",
        "description": None,
        "fork": fork_of is not None,
        "url": url,
        **{f"{name}_url": f"{url}/{path}" for name, path in _LINKS.items()},
        **{f"{name}_url": f"{HTML}/{full_name}.git" for name in ("clone", "git", "ssh", "svn")},
        **dict.fromkeys(("homepage", "language", "license", "mirror_url")),
        **dict.fromkeys(_COUNTS, 0),
        **dict.fromkeys(_HAS, True),
        "has_pages": False,
        "topics": [],
        "default_branch": repository["default_branch"],
        "archived": False,
        "disabled": False,
        "created_at": repository["created_at"],
        "updated_at": repository["created_at"],
        "pushed_at": repository["created_at"],
    }


def _read(call: Call) -> Answer:
    permission = {"admin": call.who.may("administration", "write"), "push": call.who.may("contents", "write")}
    counts = {"has_discussions": False, "subscribers_count": 0, "network_count": 0}
    return ok({**shown(call), **counts, "permissions": {**permission, "pull": True}})


def _profile(call: Call, login: str) -> dict[str, Any]:
    nothing_said = dict.fromkeys(("name", "company", "blog", "location", "email", "hireable", "bio"))
    counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    times = dict.fromkeys(("created_at", "updated_at"), call.repository["created_at"])
    return {**user(login, call.world.url), **nothing_said, **counts, **times}


def _user(call: Call) -> Answer:
    if call.who.is_app:  # as a workflow's own token finds out
        raise Refusal(403, "Resource not accessible by integration")
    return ok(_profile(call, call.who.login))


def _users(call: Call, login: str) -> Answer:
    if not is_login(login):
        raise not_found()
    return ok(_profile(call, login))


ROUTES = (
    Route("GET", "", _read),
    Route("GET", "/user", _user, bare=True),
    Route("GET", "/users/<login>", _users, bare=True),
)
