"""Accounts: the type is never changed, every answer counts as a refresh, and the unit is told under another name."""

from __future__ import annotations

from typing import Any

from ..decode import decode
from ..hooks import Call, Hooks, Value
from ..values import is_set


def _body(call: Call, body: Any) -> Any:
    if call.operation == "update":
        body.pop("type", None)
        if (call.state or {}).get("type") is not None:
            body["type"] = None
    return body


def _value(call: Call, _value: Value, node: Any) -> Value:
    new = decode(call.schema.attributes, node, call.schema.empty(), computed=False)
    managed = node.get("managed_by") if isinstance(node, dict) else None
    parent = managed.get("parent_org_id") if isinstance(managed, dict) else None
    if is_set(parent):
        new["unit"] = {"id": parent}
    return new


HOOKS = Hooks(body=_body, value=_value)
