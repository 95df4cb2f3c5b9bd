"""The repository itself, the caller, and the rate limit."""

from __future__ import annotations

from typing import Any

from sandbox.github.answers import Answer, Refusal, not_found, ok
from sandbox.github.call import Call, Route
from sandbox.github.values import HTML, derived_number, is_login, node_id, user
from sandbox.tables import Body


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
        "url": f"{call.world.url}/repos/{full_name}",
        "default_branch": repository["default_branch"],
        "archived": False,
        "disabled": False,
        "created_at": repository["created_at"],
        "updated_at": repository["created_at"],
        "pushed_at": repository["created_at"],
    }


def _read(call: Call) -> Answer:
    permission = {"admin": call.who.may("administration", "write"), "push": call.who.may("contents", "write")}
    return ok({**shown(call), "permissions": {**permission, "pull": True}})


def _user(call: Call) -> Answer:
    if call.who.is_app:  # as a workflow's own token finds out
        raise Refusal(403, "Resource not accessible by integration")
    return ok(user(call.who.login, call.world.url))


def _users(call: Call, login: str) -> Answer:
    if not is_login(login):
        raise not_found()
    return ok(user(login, call.world.url))


ROUTES = (
    Route("GET", "", _read),
    Route("GET", "/user", _user, bare=True),
    Route("GET", "/users/<login>", _users, bare=True),
)
