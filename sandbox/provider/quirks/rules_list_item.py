"""One item of a list: made in a list of one, found again by what it says, removed by a body with its id."""

from __future__ import annotations

from typing import Any

from ..decode import decode
from ..diagnostics import Refused
from ..encode import encode
from ..hooks import Call, Hooks, Value
from ..http import Failed, json_request
from ..operations import parse, path_of
from ..values import is_set
from .rules_list import ITEMS, all_items, wait_for

_ITEM = ITEMS + "/{item_id=id}"
_SWITCHES = ("include_subdomains", "preserve_path_suffix", "preserve_query_string", "subpath_matching")


def _create(call: Call) -> Value:
    plan = call.plan
    body = [encode(call.schema.attributes, plan, None, patch=False)]
    node = parse(call, call.client.send(json_request("POST", path_of(ITEMS, plan), body)))
    wait_for(call, (node or {}).get("operation_id", ""))
    nodes = all_items(call, plan["list_id"], {"search": _term(plan)}, "failed to search list items")
    found = next((each["id"] for each in nodes if _matches(plan, each)), None)
    if found is None:
        raise Refused("failed to find list item", "list item pagination did not return a matching list item")
    planned = {**plan, "id": found}
    try:
        answer = call.client.send(json_request("GET", path_of(_ITEM, planned)))
    except Failed as failed:
        raise Refused("failed to fetch individual list item", failed.diagnostic.detail) from failed
    return decode(call.schema.attributes, parse(call, answer), planned, computed=True)


def _term(plan: Value) -> str:
    """What a search finds the item by."""
    if plan["ip"]:
        return str(plan["ip"])
    if is_set(plan["asn"]) and plan["asn"] > 0:
        return str(plan["asn"])
    if is_set(plan["hostname"]):
        return str(plan["hostname"]["url_hostname"])
    return str(plan["redirect"]["source_url"]) if is_set(plan["redirect"]) else ""


def _matches(plan: Value, node: Any) -> bool:
    if (plan["ip"] or "") != (node.get("ip") or "") or (plan["asn"] or 0) != (node.get("asn") or 0):
        return False
    host, redirect = plan["hostname"], plan["redirect"]
    if is_set(host) and not _same(host, node.get("hostname"), ("url_hostname",), ("exclude_exact_hostname",)):
        return False
    return not is_set(redirect) or _same(redirect, node.get("redirect"), ("source_url", "target_url"), _SWITCHES)


def _same(wanted: Value, node: Any, texts: tuple[str, ...], switches: tuple[str, ...]) -> bool:
    told = node or {}
    return all(wanted[name] == told.get(name) for name in texts) and all(
        (wanted[name] is True) == bool(told.get(name)) for name in switches
    )


def _update(_call: Call) -> Value:
    raise Refused("update is not supported for list items")


def _delete(call: Call) -> None:
    body = {"items": [{"id": call.plan["id"]}]}
    call.client.send(json_request("DELETE", path_of(ITEMS, call.plan), body))


HOOKS = Hooks(operations={"create": _create, "update": _update, "delete": _delete})
