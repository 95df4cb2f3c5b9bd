"""Commit statuses: what a context says of a commit, and all contexts together."""

from __future__ import annotations

from typing import Any

from sandbox.github import commits, fields
from sandbox.github.answers import Answer, invalid, ok, too_long
from sandbox.github.call import Call, Route, needs
from sandbox.github.repository import shown as shown_repository
from sandbox.github.values import node_id, user
from sandbox.tables import Body

_READ = needs("statuses:read")
_WRITE = needs("statuses:write")
_STATES = ("error", "failure", "pending", "success")
_LARGEST_DESCRIPTION = 140
_MOST = 1000


def contexts(call: Call, sha: str) -> dict[str, str]:
    """The newest state of each context of a commit."""
    return {status["context"]: status["state"] for status in call.state.all("statuses", sha)}


def _shown(call: Call, status: Body) -> dict[str, Any]:
    names = ("id", "state", "description", "target_url", "context", "created_at")
    return {
        **{name: status[name] for name in names},
        "url": f"{call.repository_url}/statuses/{status['sha']}",
        "node_id": node_id("StatusContext", status["id"]),
        "avatar_url": user(status["creator"], call.world.url)["avatar_url"],
        "updated_at": status["created_at"],
        "creator": user(status["creator"], call.world.url),
    }


def _create(call: Call, sha: str) -> Answer:
    sha = commits.require(call, sha)
    body = call.object()
    fields.only(body, ("state", "target_url", "description", "context"))
    fields.required_text(body, "state")
    state = fields.one_of(body, "state", _STATES)
    description, target = fields.text(body, "description"), fields.text(body, "target_url")
    context = fields.text(body, "context") or "default"
    if description and len(description) > _LARGEST_DESCRIPTION:
        raise too_long("Status", "description", _LARGEST_DESCRIPTION)
    if target and not target.startswith(("http://", "https://")):
        raise invalid("Status", "target_url", code="custom", message="target_url must use http(s) scheme")
    earlier = [status for status in call.state.all("statuses", sha) if status["context"] == context]
    if len(earlier) >= _MOST:
        message = "This SHA and context has reached the maximum number of statuses."
        raise invalid("Status", "base", code="custom", message=message)
    status = {
        "id": call.next_id("status_id", first=33_000_000_001),
        "sha": sha,
        "state": state,
        "description": description,
        "target_url": target,
        "context": context,
        "creator": call.who.login,
        "created_at": call.time,
    }
    call.state.put("statuses", sha, str(status["id"]), status)
    return ok(_shown(call, status), status=201)


def _listing(call: Call, ref: str) -> Answer:
    newest = list(reversed(call.state.all("statuses", commits.require(call, ref))))
    return call.page(newest, shown=lambda status: _shown(call, status))


def _combined(call: Call, ref: str) -> Answer:
    sha = commits.require(call, ref)
    newest = {status["context"]: status for status in call.state.all("statuses", sha)}
    states = {status["state"] for status in newest.values()}
    state = "failure" if states & {"error", "failure"} else "success" if states == {"success"} else "pending"
    return ok(
        {
            "state": state,
            "statuses": [_shown(call, status) for status in newest.values()],
            "sha": sha,
            "total_count": len(newest),
            "repository": shown_repository(call),
            "commit_url": f"{call.repository_url}/commits/{sha}",
            "url": f"{call.repository_url}/commits/{sha}/status",
        }
    )


ROUTES = (
    Route("POST", "/statuses/<sha>", _create, _WRITE),
    Route("GET", "/commits/<path:ref>/statuses", _listing, _READ),
    Route("GET", "/commits/<path:ref>/status", _combined, _READ),
)
