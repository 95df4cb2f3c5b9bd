"""What is sent: the body of a request, from the plan and the state before it.

A create sends what is known and not null. An update (PUT) sends the whole object, and null for what the state has and
the plan has not. A PATCH sends only what changed, also inside objects. Computed attributes are never sent. Knows
nothing of paths and of single types.
"""

from __future__ import annotations

import json
from typing import Any

from .decode import format_time, parse_time
from .facts import Attribute
from .values import UNKNOWN, Dynamic, equal, is_set, load_json


class _Omit:
    """The type of `OMIT`."""


OMIT = _Omit()
"""The field is left out of the body."""


def encode(
    attributes: dict[str, Attribute], plan: dict[str, Any], state: dict[str, Any] | None, patch: bool, root: bool = True
) -> Any:
    """Build an object; without a state everything that is set is sent. OMIT where a nested PATCH has no change."""
    if state is None:
        state, patch = dict.fromkeys(attributes), False
    body = {}
    for attribute in sorted(attributes.values(), key=lambda each: each.wire):
        if attribute.place != "json" or attribute.wire == "-":
            continue
        if attribute.wire_mode == "computed" and "force_encode" not in attribute.flags:
            continue
        planned, before = plan.get(attribute.name), state.get(attribute.name)
        if planned is UNKNOWN and "encode_state_for_unknown" in attribute.flags:
            planned = before
        value = encode_value(attribute, planned, before, patch)
        if value is not OMIT:
            body[attribute.wire] = value
    if not body and patch and not root:
        return OMIT
    return body


def encode_value(attribute: Attribute, plan: Any, state: Any, patch: bool) -> Any:
    """One field of a body, or OMIT."""
    if plan is None:
        return OMIT if state is None else None
    if plan is UNKNOWN or (patch and is_set(state) and equal(plan, state)):
        return OMIT
    if isinstance(plan, Dynamic):
        return _dynamic(plan, state, patch)
    if attribute.nesting == "single":
        return encode(attribute.attributes, plan, state if is_set(state) else None, patch, root=False)
    if attribute.nesting == "map":
        return _entries(attribute, plan, state, patch)
    if attribute.nesting:
        return [encode(attribute.attributes, item, item, patch=False) for item in plan]
    if isinstance(plan, list):
        return [_item(item) for item in plan]
    if isinstance(plan, dict):
        return _map(plan, state, patch)
    if attribute.format == "json":
        return _embedded(plan)
    if attribute.format == "time":
        return format_time(parse_time(plan))
    return plan


def _embedded(text: str) -> Any:
    """JSON text goes into the body as what it says."""
    try:
        return load_json(text)
    except json.JSONDecodeError:
        return text


def _item(value: Any) -> Any:
    return None if value is UNKNOWN else value


def _entries(attribute: Attribute, plan: dict[str, Any], state: Any, patch: bool) -> dict[str, Any]:
    before = state if is_set(state) else {}
    body: dict[str, Any] = {}
    for key in sorted({*plan, *(before if patch else ())}):
        if key not in plan:
            body[key] = None
        elif not (patch and key in before and equal(plan[key], before[key])):
            known = key in before
            value = encode(attribute.attributes, plan[key], before.get(key, plan[key]), patch and known, root=False)
            body[key] = None if value is OMIT else value
    return body


def _map(plan: dict[str, Any], state: Any, patch: bool) -> dict[str, Any]:
    """A map of plain values; a PATCH names the keys that changed, with null for those that went."""
    before = state if isinstance(state, dict) and patch else {}
    body: dict[str, Any] = {}
    for key in sorted({*plan, *before}):
        if key not in plan:
            body[key] = None
        elif key not in before or not equal(plan[key], before[key]):
            body[key] = _item(plan[key])
    return body


def _dynamic(plan: Dynamic, state: Any, patch: bool) -> Any:
    before = state.value if isinstance(state, Dynamic) else None
    value = _loose(plan.value, before, patch)
    if value is None and not is_set(before):
        return OMIT
    return value


def _loose(plan: Any, state: Any, patch: bool) -> Any:
    if plan is None:
        return None if is_set(state) else OMIT
    if plan is UNKNOWN or (patch and is_set(state) and equal(plan, state)):
        return OMIT
    if isinstance(plan, list):
        values = [_loose(item, item, patch=False) for item in plan]
        return [None if value is OMIT else value for value in values]
    if not isinstance(plan, dict):
        return plan
    before = state if isinstance(state, dict) and patch else {}
    body: dict[str, Any] = {}
    for key in sorted({*plan, *before}):
        if key in plan and key in before and equal(plan[key], before[key]):
            continue
        value = _loose(plan.get(key), before.get(key), patch and key in before) if key in plan else None
        body[key] = None if value is OMIT else value
    return body
