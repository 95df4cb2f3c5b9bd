"""Comments on issues and pull requests. The author is who the token belongs to."""

from __future__ import annotations

from typing import Any

from sandbox.github import fields, issues
from sandbox.github.answers import Answer, invalid, nothing, ok
from sandbox.github.call import Call, Route, needs
from sandbox.github.values import app, node_id, user
from sandbox.tables import Body

_READ = needs("issues:read", "pull_requests:read")
_WRITE = needs("issues:write", "pull_requests:write")


def add(call: Call, number: int, login: str, body: str) -> dict[str, Any]:
    """A new comment by somebody."""
    identifier = call.next_id("comment_id", first=1_900_000_001)
    comment = {
        "id": identifier,
        "number": number,
        "user": login,
        "body": body,
        "created_at": call.time,
        "updated_at": call.time,
    }
    call.state.put("comments", str(number), str(identifier), comment)
    call.state.put("comment_places", "-", str(identifier), {"number": number})
    return comment


def edit(call: Call, comment: Body, body: str) -> dict[str, Any]:
    """The comment with another text."""
    changed = {**comment, "body": body, "updated_at": call.time}
    call.state.put("comments", str(comment["number"]), str(comment["id"]), changed)
    return changed


def remove(call: Call, comment: Body) -> None:
    """The comment is gone, and so is its place."""
    call.state.delete("comments", str(comment["number"]), str(comment["id"]))
    call.state.delete("comment_places", "-", str(comment["id"]))


def shown(call: Call, comment: Body) -> dict[str, Any]:
    """A comment as GitHub writes it."""
    url, number, identifier = call.repository_url, comment["number"], comment["id"]
    kind = "pull" if issues.find(call, number)["is_pull"] else "issues"
    return {
        "id": identifier,
        "node_id": node_id("IssueComment", identifier),
        "url": f"{url}/issues/comments/{identifier}",
        "html_url": f"{call.repository_page}/{kind}/{number}#issuecomment-{identifier}",
        "issue_url": f"{url}/issues/{number}",
        "user": user(comment["user"], call.world.url),
        "body": comment["body"],
        "author_association": issues.association(call, comment["user"]),
        "performed_via_github_app": app(comment["user"], call.world.url),
        "created_at": comment["created_at"],
        "updated_at": comment["updated_at"],
    }


def _find(call: Call, identifier: int) -> Body:
    place = call.find("comment_places", identifier)
    return call.find("comments", identifier, scope=place["number"])


def _text(call: Call) -> str:
    body = call.object()
    fields.only(body, ("body",))
    text = fields.required_text(body, "body")
    if not text.strip():
        raise invalid("IssueComment", "data", code="unprocessable", message="Body cannot be blank")
    issues.check_body("IssueComment", text)
    return text


def _listing(call: Call, number: int) -> Answer:
    issues.find(call, number)
    since = call.query.get("since", "")
    found = [comment for comment in call.state.all("comments", str(number)) if comment["updated_at"] >= since]
    return call.page(found, shown=lambda comment: shown(call, comment))


def _everywhere(call: Call) -> Answer:
    since = call.query.get("since", "")
    found = [comment for _, comment in call.state.scopes("comments") if comment["updated_at"] >= since]
    key = "updated_at" if call.query.get("sort") == "updated" else "created_at"
    backward = call.query.get("direction") == "desc" and "sort" in call.query
    found.sort(key=lambda comment: (comment[key], comment["id"]), reverse=backward)
    return call.page(found, shown=lambda comment: shown(call, comment))


def _create(call: Call, number: int) -> Answer:
    issue = issues.find(call, number)
    comment = add(call, number, call.who.login, _text(call))
    issues.store(call, {**issue, "updated_at": call.time})
    document = shown(call, comment)
    return ok(document, status=201, headers={"Location": document["url"]})


def _read(call: Call, identifier: int) -> Answer:
    return ok(shown(call, _find(call, identifier)))


def _change(call: Call, identifier: int) -> Answer:
    return ok(shown(call, edit(call, _find(call, identifier), _text(call))))


def _remove(call: Call, identifier: int) -> Answer:
    remove(call, _find(call, identifier))
    return nothing()


ROUTES = (
    Route("GET", "/issues/comments", _everywhere, _READ),
    Route("GET", "/issues/<int:number>/comments", _listing, _READ),
    Route("POST", "/issues/<int:number>/comments", _create, _WRITE),
    Route("GET", "/issues/comments/<int:identifier>", _read, _READ),
    Route("PATCH", "/issues/comments/<int:identifier>", _change, _WRITE),
    Route("DELETE", "/issues/comments/<int:identifier>", _remove, _WRITE),
)
