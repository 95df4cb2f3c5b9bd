"""The repository's labels, and those that issues carry by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from sandbox.github import fields
from sandbox.github.answers import Answer, invalid, malformed, nothing, ok, too_long
from sandbox.github.call import Call, Route, needs
from sandbox.github.values import node_id
from sandbox.tables import Body

_READ = needs("issues:read", "pull_requests:read")
_WRITE = needs("issues:write", "pull_requests:write")
_COLOR = re.compile(r"[0-9A-Fa-f]{6}")
_LARGEST_NAME = 50
_LARGEST_DESCRIPTION = 100


def find(call: Call, name: str) -> Body | None:
    """A label; names do not differ by case."""
    return call.state.get("labels", "-", name.lower())


def shown_labels(call: Call, names: Sequence[str]) -> list[dict[str, Any]]:
    """The labels of an issue."""
    return [_shown(call, label) for name in names if (label := find(call, name)) is not None]


def label_names(call: Call, given: Any) -> list[str]:
    """Names from a body: texts or objects with a name. A label that the repository lacks is made, as GitHub does."""
    if not isinstance(given, list):
        raise malformed("labels", f"{given} is not an array")
    names = []
    for item in given:
        name = item.get("name") if isinstance(item, dict) else item
        if not isinstance(name, str) or not name.strip():
            raise invalid("Label", "name")
        label = find(call, name) or _store(call, name, "ededed", None)
        names.append(str(label["name"]))
    return list(dict.fromkeys(names))


def _store(call: Call, name: str, color: str, description: str | None, old: Body | None = None) -> Body:
    if len(name) > _LARGEST_NAME:
        raise too_long("Label", "name", _LARGEST_NAME)
    if not _COLOR.fullmatch(color):
        raise invalid("Label", "color")
    if description and len(description) > _LARGEST_DESCRIPTION:
        raise invalid("Label", "description")
    identifier = old["id"] if old else call.next_id("label_id", first=7_100_000_001)
    label = {"id": identifier, "name": name, "color": color.lower(), "description": description}
    call.state.put("labels", "-", name.lower(), label)
    return label


def _shown(call: Call, label: Body) -> dict[str, Any]:
    return {
        "id": label["id"],
        "node_id": node_id("Label", label["id"]),
        "url": f"{call.repository_url}/labels/{quote(label['name'])}",
        "name": label["name"],
        "color": label["color"],
        "default": False,
        "description": label["description"],
        "archived_at": None,
        "archived_by": None,
    }


def _listing(call: Call) -> Answer:
    return call.page(call.state.all("labels", "-"), shown=lambda label: _shown(call, label))


def _create(call: Call) -> Answer:
    body = call.object()
    fields.only(body, ("name", "color", "description"))
    name = fields.required_text(body, "name")
    if find(call, name) is not None:
        raise invalid("Label", "name", code="already_exists")
    label = _store(call, name, fields.text(body, "color") or "ededed", fields.text(body, "description"))
    return ok(_shown(call, label), status=201)


def _read(call: Call, name: str) -> Answer:
    return ok(_shown(call, call.find("labels", name.lower())))


def _change(call: Call, name: str) -> Answer:
    old = call.find("labels", name.lower())
    body = call.object()
    fields.only(body, ("new_name", "color", "description"))
    new_name = fields.text(body, "new_name") or str(old["name"])
    if new_name.lower() != name.lower() and find(call, new_name) is not None:
        raise invalid("Label", "name", code="already_exists")
    call.state.delete("labels", "-", name.lower())
    color = fields.text(body, "color") or str(old["color"])
    label = _store(call, new_name, color, fields.text(body, "description", default=old["description"]), old)
    _on_issues(call, str(old["name"]), new_name)
    return ok(_shown(call, label))


def _remove(call: Call, name: str) -> Answer:
    old = call.find("labels", name.lower())
    call.state.delete("labels", "-", name.lower())
    _on_issues(call, str(old["name"]), None)
    return nothing()


def _on_issues(call: Call, name: str, new_name: str | None) -> None:
    for issue in call.state.all("issues", "-"):
        if name in issue["labels"]:
            changed = [new_name if label == name else label for label in issue["labels"]]
            kept = [label for label in changed if label is not None]
            call.state.put("issues", "-", str(issue["number"]), {**issue, "labels": kept})


ROUTES = (
    Route("GET", "/labels", _listing, _READ),
    Route("POST", "/labels", _create, _WRITE),
    Route("GET", "/labels/<path:name>", _read, _READ),
    Route("PATCH", "/labels/<path:name>", _change, _WRITE),
    Route("DELETE", "/labels/<path:name>", _remove, _WRITE),
)
