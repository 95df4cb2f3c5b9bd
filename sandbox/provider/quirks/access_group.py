"""Access groups: empty selectors and empty lists say the same as none."""

from __future__ import annotations

from typing import Any

from ..hooks import Call, Hooks, Value
from ..values import is_set

_RULES = ("include", "require", "exclude")


def without_empty_selectors(rules: Any) -> Any:
    """Selectors whose fields are all null become null; those without fields are values by being there."""
    if not is_set(rules):
        return rules
    return [{name: None if _is_empty(item) else item for name, item in rule.items()} for rule in rules]


def _is_empty(selector: Any) -> bool:
    return isinstance(selector, dict) and bool(selector) and not any(is_set(item) for item in selector.values())


def as_before(new: Any, before: Any) -> Any:
    """Null and empty are one: what was there stays."""
    return new if new or (is_set(before) and before) else before


def _value(call: Call, value: Value, _node: Any) -> Value:
    if call.operation == "create":
        return value
    for name in _RULES:
        value[name] = without_empty_selectors(value[name])
        value[name] = (value[name] or None) if call.operation == "import" else as_before(value[name], call.plan[name])
    return value


HOOKS = Hooks(value=_value)
