"""Managed transforms: only the enabled ones count, none may be enabled before, and what is left out is switched off."""

from __future__ import annotations

from typing import Any

from ..diagnostics import Refused
from ..encode import encode
from ..hooks import Call, Hooks, Value
from ..http import json_request
from ..operations import parse, path_of

_KINDS = {"managed_request_headers": "request", "managed_response_headers": "response"}


def _current(call: Call) -> dict[str, list[Any]]:
    path = path_of("zones/{zone_id}/managed_headers", call.plan)
    node = parse(call, call.client.send(json_request("GET", path)))
    found = node if isinstance(node, dict) else {}
    return {name: found.get(name) or [] for name in _KINDS}


def _check(call: Call) -> None:
    """Before a create nothing may be enabled, as it would be overwritten unseen."""
    if call.operation != "create":
        return
    for name, transforms in _current(call).items():
        for transform in transforms:
            if transform.get("enabled"):
                call.diagnostics.error(
                    "cannot create resource",
                    f"managed {_KINDS[name]} header transform {transform['id']} cannot be enabled before creation",
                )
    if call.diagnostics.failed:
        last = call.diagnostics.found.pop()
        raise Refused(last.summary, last.detail)


def _body(call: Call, body: Any) -> Any:
    if call.operation == "create":
        return body
    wanted = dict(call.plan)
    for name, transforms in _current(call).items():
        if wanted[name] is None:
            continue
        named = {transform["id"] for transform in wanted[name]}
        blank = dict.fromkeys(call.schema.attributes[name].attributes)
        wanted[name] = wanted[name] + [
            {**blank, "id": transform["id"], "enabled": False}
            for transform in transforms
            if transform.get("enabled") and transform["id"] not in named
        ]
    return encode(call.schema.attributes, wanted, call.state, patch=True)


def _value(call: Call, value: Value, _node: Any) -> Value:
    """The API lists every transform; those that are off count only where they are configured."""
    for name in _KINDS:
        if value[name] is None:
            continue
        named = {transform["id"] for transform in call.plan.get(name) or []}
        value[name] = [each for each in value[name] if each["enabled"] or each["id"] in named]
    return value


HOOKS = Hooks(check=_check, body=_body, value=_value)
