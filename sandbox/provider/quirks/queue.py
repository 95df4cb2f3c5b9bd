"""Queues: counts that the API leaves out are zero."""

from __future__ import annotations

from typing import Any

from ..hooks import Call, Hooks, Value


def _value(_call: Call, value: Value, _node: Any) -> Value:
    for name in ("consumers_total_count", "producers_total_count"):
        value[name] = 0 if value[name] is None else value[name]
    return value


HOOKS = Hooks(value=_value)
