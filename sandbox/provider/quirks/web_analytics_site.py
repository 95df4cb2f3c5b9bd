"""Web analytics sites: an import finds the zone in the ruleset."""

from __future__ import annotations

from typing import Any

from ..hooks import Call, Hooks, Value
from ..values import is_set


def _value(call: Call, value: Value, _node: Any) -> Value:
    ruleset = value["ruleset"]
    if call.operation == "import" and is_set(ruleset) and is_set(ruleset["zone_tag"]):
        value["zone_tag"] = ruleset["zone_tag"]
    return value


HOOKS = Hooks(value=_value)
