"""Page rules: actions travel as a list of names and values, a refresh looks only at what the API alone decides."""

from __future__ import annotations

from typing import Any

from ..decode import decode
from ..hooks import Call, Hooks, Value
from ..http import json_request
from ..operations import parse, path_of
from ..values import is_set

# Actions that are there or not; their value is not sent (and `disable_apps` is the exception).
_SWITCHES = ("always_use_https", "disable_apps", "disable_performance", "disable_security", "disable_zaraz")
_AFTER = {"cache_key_fields": "cache_on_cookie"}  # the one that is out of the alphabetical order
_PATH = "zones/{zone_id}/pagerules/{pagerule_id=id}"
_KEY_PARTS: dict[str, dict[str, Any]] = {
    "cookie": {"include": [], "check_presence": []},
    "header": {"include": [], "exclude": [], "check_presence": []},
    "host": {"resolved": False},
    "query_string": {"include": [], "exclude": []},
    "user": {"geo": False, "device_type": False, "lang": False},
}


def _body(call: Call, body: Any) -> Any:
    plan = call.plan
    out = {key: body[key] for key in ("priority", "status") if body.get(key)}
    constraint = {"operator": "matches", "value": plan["target"]}
    return {**out, "targets": [{"target": "url", "constraint": constraint}], "actions": _actions(plan["actions"])}


def _actions(actions: Any) -> list[Value]:
    found = []
    for name in sorted(actions, key=lambda name: (_AFTER.get(name, name), name in _AFTER)):
        value = actions.get(name)
        if name in _SWITCHES:
            if value is True:
                found.append({"id": name, "value": True} if name == "disable_apps" else {"id": name})
        elif is_set(value):
            found.append({"id": name, "value": _action_value(name, value)})
    return found


def _action_value(name: str, value: Any) -> Any:
    if name == "cache_key_fields":
        return {
            part: {key: (value.get(part) or {}).get(key) or blank for key, blank in blanks.items()}
            for part, blanks in _KEY_PARTS.items()
        }
    if name == "cache_ttl_by_status":
        return {key: int(text) if str(text).lstrip("-").isdigit() else text for key, text in value.items()}
    return value


def _read(call: Call) -> Value:
    node = parse(call, call.client.send(json_request("GET", path_of(_PATH, call.plan))))
    return decode(call.schema.attributes, node, call.plan, computed=True)


def _import(call: Call) -> Value:
    node = parse(call, call.client.send(json_request("GET", path_of(_PATH, call.plan)))) or {}
    attributes = call.schema.attributes
    value = decode(attributes, {**node, "actions": None}, call.plan, computed=False)
    targets = node.get("targets") or []
    value["target"] = targets[0]["constraint"]["value"].rstrip("/") if targets else None
    actions = dict.fromkeys(attributes["actions"].attributes)
    for action in node.get("actions") or []:
        name, told = action.get("id"), action.get("value")
        if name in _SWITCHES:
            actions[name] = True
        elif name in actions:
            actions[name] = _told(call, name, told)
    value["actions"] = actions
    return value


def _told(call: Call, name: str, told: Any) -> Any:
    attribute = call.schema.attributes["actions"].attributes[name]
    if name == "cache_ttl_by_status" and isinstance(told, dict):
        return {key: str(value) for key, value in told.items()}
    if name == "cache_key_fields" and isinstance(told, dict):
        told = {
            part: fields for part, fields in told.items() if part not in ("cookie", "header") or any(fields.values())
        }
        told = {
            part: {key: value for key, value in fields.items() if value not in ([], None)}
            for part, fields in told.items()
        }
    return decode({name: attribute}, {attribute.wire: told}, {name: None}, computed=False)[name]


HOOKS = Hooks(body=_body, operations={"read": _read, "import": _import})
