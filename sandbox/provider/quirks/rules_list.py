"""Lists of addresses, hosts or redirects: their items are exchanged as a whole, by an operation that takes its time."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

from ..decode import decode
from ..diagnostics import Refused
from ..encode import encode
from ..hooks import Call, Hooks, Value
from ..http import Failed, json_request
from ..operations import parse, path_of
from ..values import equal, is_set, load_json

_LISTS = "accounts/{account_id}/rules/lists"
LIST, ITEMS = _LISTS + "/{id}", _LISTS + "/{list_id}/items"
_LONGEST_WAIT = 30.0


def wait_for(call: Call, operation: str) -> None:
    """Ask until the operation on the items has ended."""
    path = path_of(_LISTS + "/bulk_operations/{operation_id}", {**call.plan, "operation_id": operation})
    pause = 1.0
    while True:
        document = load_json(call.client.send(json_request("GET", path)).body)
        found = document.get("result") or {}
        if found.get("status") == "completed":
            return
        if found.get("status") == "failed":
            raise Refused("list item bulk operation failed", f"failed to create list item: {found.get('error', '')}")
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_WAIT)


def all_items(call: Call, list_id: str, query: dict[str, str], summary: str) -> list[Any]:
    """Every item of a list, page by page."""
    path = path_of(ITEMS, {**call.plan, "list_id": list_id})
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        request = json_request("GET", f"{path}?{urlencode(sorted({**query, **cursor}.items()))}")
        try:
            document = load_json(call.client.send(request).body)
        except Failed as failed:
            raise Refused(summary, failed.diagnostic.detail) from failed
        nodes = document.get("result") or []
        found += nodes
        after = ((document.get("result_info") or {}).get("cursors") or {}).get("after")
        if not after or not nodes:
            return found
        cursor = {"cursor": after}


def _items(call: Call, list_id: str) -> list[Value]:
    attribute = call.schema.attributes["items"]
    blank = dict.fromkeys(attribute.attributes)
    nodes = all_items(call, list_id, {"per_page": "500", "search": ""}, "failed to search list items")
    items = [decode(attribute.attributes, node, blank, computed=False) for node in nodes]
    for item in items:
        for name in ("hostname", "redirect"):
            inner = item[name]
            if is_set(inner) and not any(is_set(value) for value in inner.values()):
                item[name] = None
    return items


def _replace_items(call: Call, list_id: str) -> list[Value]:
    attribute = call.schema.attributes["items"]
    body = [encode(attribute.attributes, item, None, patch=False) for item in call.plan["items"] or []]
    request = json_request("PUT", path_of(ITEMS, {**call.plan, "list_id": list_id}), body)
    try:
        document = load_json(call.client.send(request).body)
    except Failed as failed:
        raise Refused("failed to update list items", failed.diagnostic.detail) from failed
    wait_for(call, (document.get("result") or {}).get("operation_id", ""))
    return _items(call, list_id)


def _create(call: Call) -> Value:
    plan = call.plan
    body = {"description": plan["description"] or "", "kind": plan["kind"], "name": plan["name"]}
    node = parse(call, call.client.send(json_request("POST", path_of(_LISTS, plan), body)))
    new = decode(call.schema.attributes, node, plan, computed=True)
    if plan["items"] is not None:
        new["items"] = _replace_items(call, new["id"])
    return new


def _update(call: Call) -> Value:
    plan, state = call.plan, call.state or {}
    request = json_request("PUT", path_of(LIST, plan), {"description": plan["description"] or ""})
    new = decode(call.schema.attributes, parse(call, call.client.send(request)), plan, computed=True)
    new["items"] = state.get("items")
    if not equal(plan["items"], state.get("items")):
        items = _replace_items(call, new["id"])
        new["items"] = items or (None if plan["items"] is None else items)
    return new


def _read(call: Call) -> Value:
    node = parse(call, call.client.send(json_request("GET", path_of(LIST, call.plan))))
    new = decode(call.schema.attributes, node, call.plan, computed=False)
    if call.operation == "import":
        new["items"] = _items(call, new["id"]) or None
    elif call.plan["items"] is not None:
        new["items"] = _items(call, new["id"])
    return new


HOOKS = Hooks(operations={"create": _create, "update": _update, "read": _read, "import": _read})
