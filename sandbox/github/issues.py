"""Issues, and the number that they share with pull requests: what a discussion has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.github import fields
from sandbox.github.answers import Answer, Refusal, invalid, nothing, ok, too_long
from sandbox.github.call import Call, Route, needs
from sandbox.github.labels import label_names, shown_labels
from sandbox.github.values import node_id, user, user_id
from sandbox.tables import Body

LARGEST_BODY = 65_536
_LARGEST_TITLE = 256
_READ = needs("issues:read", "pull_requests:read")
_WRITE = needs("issues:write", "pull_requests:write")
_FIELDS = ("title", "body", "labels", "assignees")


def find(call: Call, number: int) -> Body:
    """The issue or pull request of that number."""
    return call.find("issues", number)


def store(call: Call, issue: Body) -> None:
    """Keep it."""
    call.state.put("issues", "-", str(issue["number"]), issue)


def new(call: Call, number: int, login: str, title: str, body: str | None) -> dict[str, Any]:
    """An open discussion without anything."""
    return {
        "id": call.next_id("issue_id", first=2_400_000_001),
        "number": number,
        "title": title,
        "body": body,
        "state": "open",
        "state_reason": None,
        "user": login,
        "labels": [],
        "assignees": [],
        "created_at": call.time,
        "updated_at": call.time,
        "closed_at": None,
        "is_pull": False,
    }


def common(call: Call, issue: Body) -> dict[str, Any]:
    """What an issue and a pull request show alike."""
    number, url = issue["number"], call.repository_url
    people = [user(login, call.world.url) for login in issue["assignees"]]
    return {
        "id": issue["id"],
        "node_id": node_id("PullRequest" if issue["is_pull"] else "Issue", issue["id"]),
        "number": number,
        "title": issue["title"],
        "body": issue["body"],
        "state": issue["state"],
        "locked": False,
        "active_lock_reason": None,
        "user": user(issue["user"], call.world.url),
        "labels": shown_labels(call, issue["labels"]),
        "assignee": people[0] if people else None,
        "assignees": people,
        "milestone": None,
        "comments_url": f"{url}/issues/{number}/comments",
        "html_url": f"{call.repository_page}/{'pull' if issue['is_pull'] else 'issues'}/{number}",
        "author_association": association(call, issue["user"]),
        "created_at": issue["created_at"],
        "updated_at": issue["updated_at"],
        "closed_at": issue["closed_at"],
    }


def association(call: Call, login: str) -> str:
    """What an author is to the repository: its owner, somebody who reviews there, or anybody."""
    if login.lower() == call.owner.lower():
        return "OWNER"
    return "COLLABORATOR" if call.state.get("users", "-", str(user_id(login))) else "NONE"


def count_comments(call: Call, number: int) -> int:
    """How many comments a discussion has."""
    return len(call.state.all("comments", str(number)))


def shown(call: Call, issue: Body) -> dict[str, Any]:
    """The form of the issues' API, which shows pull requests as well."""
    number, url = issue["number"], call.repository_url
    document = {
        **common(call, issue),
        "url": f"{url}/issues/{number}",
        "repository_url": url,
        "labels_url": f"{url}/issues/{number}/labels{{/name}}",
        "events_url": f"{url}/issues/{number}/events",
        "comments": count_comments(call, number),
        "closed_by": None,
        "state_reason": issue["state_reason"],
    }
    if issue["is_pull"]:
        page = f"{call.repository_page}/pull/{number}"
        pull = call.state.get("pulls", "-", str(number)) or {}
        document["draft"] = pull.get("draft", False)
        document["pull_request"] = {
            "url": f"{url}/pulls/{number}",
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "merged_at": pull.get("merged_at"),
        }
    return document


def check_body(resource: str, body: str | None) -> None:
    """A text has a largest length; GitHub says so in these words."""
    if body is not None and len(body) > LARGEST_BODY:
        message = f"Body is too long (maximum is {LARGEST_BODY} characters)"
        raise invalid(resource, "body" if resource == "Issue" else "data", code="unprocessable", message=message)


def _title(body: Mapping[str, Any]) -> str:
    title = fields.required_text(body, "title")
    if not title.strip():
        raise invalid("Issue", "title", code="missing_field")
    if len(title) > _LARGEST_TITLE:
        raise too_long("Issue", "title", _LARGEST_TITLE)
    return title


def _create(call: Call) -> Answer:
    body = call.object()
    fields.only(body, _FIELDS)
    title, content = _title(body), fields.text(body, "body")
    check_body("Issue", content)
    issue = new(call, call.next_id("number"), call.who.login, title, content)
    issue["labels"] = label_names(call, body.get("labels", []))
    issue["assignees"] = fields.texts(body, "assignees") or []
    store(call, issue)
    return ok(shown(call, issue), status=201)


def _listing(call: Call) -> Answer:
    query = call.query
    state = query.get("state", "open")
    if state not in ("open", "closed", "all"):
        raise invalid("Issue", "state")
    labels = {label.lower() for label in query.get("labels", "").split(",") if label}
    found = [
        issue
        for issue in call.state.all("issues", "-")
        if state in ("all", issue["state"])
        and labels <= {label.lower() for label in issue["labels"]}
        and query.get("creator", issue["user"]) == issue["user"]
        and issue["updated_at"] >= query.get("since", "")
    ]
    return call.page(ordered(found, query), shown=lambda issue: shown(call, issue))


def ordered(found: list[Body], query: Mapping[str, str]) -> list[Body]:
    """Newest first unless asked otherwise; by the number where times are the same."""
    key = "updated_at" if query.get("sort") == "updated" else "created_at"
    backward = query.get("direction", "desc") != "asc"
    return sorted(found, key=lambda issue: (issue[key], issue["number"]), reverse=backward)


def _read(call: Call, number: int) -> Answer:
    return ok(shown(call, find(call, number)))


def _change(call: Call, number: int) -> Answer:
    issue = dict(find(call, number))
    body = call.object()
    fields.only(body, (*_FIELDS, "state", "state_reason"))
    if "title" in body:
        issue["title"] = _title(body)
    if "body" in body:
        check_body("Issue", fields.text(body, "body"))
        issue["body"] = body["body"]
    if "labels" in body:
        issue["labels"] = label_names(call, body["labels"] or [])
    if "assignees" in body:
        issue["assignees"] = fields.texts(body, "assignees") or []
    state = fields.one_of(body, "state", ("open", "closed"))
    reason = fields.one_of(body, "state_reason", ("completed", "not_planned", "reopened", "duplicate"))
    if state is not None and state != issue["state"]:
        if issue["is_pull"]:
            raise Refusal(422, "the sandbox opens and closes pull requests by POST /__sandbox/pulls")
        issue["state"] = state
        issue["closed_at"] = call.time if state == "closed" else None
        issue["state_reason"] = reason or ("completed" if state == "closed" else "reopened")
    issue["updated_at"] = call.time
    store(call, issue)
    return ok(shown(call, issue))


def _labels(call: Call, number: int) -> Answer:
    return call.page(shown_labels(call, find(call, number)["labels"]))


def _set_labels(call: Call, number: int, names: list[str]) -> Answer:
    issue = {**find(call, number), "labels": names, "updated_at": call.time}
    store(call, issue)
    return ok(shown_labels(call, names))


def _named_labels(call: Call) -> list[str]:
    body = call.object()
    fields.only(body, ("labels",))
    return label_names(call, body.get("labels", []))


def _add_labels(call: Call, number: int) -> Answer:
    present = list(find(call, number)["labels"])
    return _set_labels(call, number, [*present, *(name for name in _named_labels(call) if name not in present)])


def _replace_labels(call: Call, number: int) -> Answer:
    find(call, number)
    return _set_labels(call, number, _named_labels(call))


def _remove_label(call: Call, number: int, name: str) -> Answer:
    present = list(find(call, number)["labels"])
    kept = [label for label in present if label.lower() != name.lower()]
    if kept == present:
        raise Refusal(404, "Label does not exist")
    return _set_labels(call, number, kept)


def _remove_labels(call: Call, number: int) -> Answer:
    _set_labels(call, number, [])
    return nothing()


ROUTES = (
    Route("GET", "/issues", _listing, _READ),
    Route("POST", "/issues", _create, needs("issues:write")),
    Route("GET", "/issues/<int:number>", _read, _READ),
    Route("PATCH", "/issues/<int:number>", _change, _WRITE),
    Route("GET", "/issues/<int:number>/labels", _labels, _READ),
    Route("POST", "/issues/<int:number>/labels", _add_labels, _WRITE),
    Route("PUT", "/issues/<int:number>/labels", _replace_labels, _WRITE),
    Route("DELETE", "/issues/<int:number>/labels", _remove_labels, _WRITE),
    Route("DELETE", "/issues/<int:number>/labels/<path:name>", _remove_label, _WRITE),
)
