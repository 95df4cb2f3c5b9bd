"""Logpush jobs: an old kind counts as none."""

from __future__ import annotations

from typing import Any

from ..hooks import Call, Hooks, Value

_NONE = (None, "", "instant-logs")


def _body(call: Call, body: Any) -> Any:
    if call.operation == "update" and call.plan["kind"] in _NONE and (call.state or {}).get("kind") in _NONE:
        body.pop("kind", None)
        if (call.state or {}).get("kind") is not None:
            body["kind"] = None
    return body


def _value(_call: Call, value: Value, _node: Any) -> Value:
    if value["kind"] == "instant-logs":
        value["kind"] = ""
    return value


HOOKS = Hooks(body=_body, value=_value)
