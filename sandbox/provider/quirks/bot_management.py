"""Bot management: an answer never removes what it does not mention, and an update sends no nulls."""

from __future__ import annotations

from typing import Any

from ..encode import encode
from ..hooks import Call, Hooks, Value
from ..values import UNKNOWN

_NOT_SENT = ("cf_robots_variant", "content_bots_protection")


def _body(call: Call, _body: Any) -> Any:
    body = encode(call.schema.attributes, call.plan, None, patch=False)
    return {key: value for key, value in body.items() if key not in _NOT_SENT}


def _value(call: Call, _value: Value, node: Any) -> Value:
    fields = node if isinstance(node, dict) else {}
    new = dict(call.plan)
    for name, attribute in call.schema.attributes.items():
        if attribute.place != "json" or attribute.nesting or name == "cf_robots_variant":
            continue
        if fields.get(attribute.wire) is not None:
            new[name] = fields[attribute.wire]
    stale = fields.get("stale_zone_configuration")
    if isinstance(stale, dict):
        new["stale_zone_configuration"] = _stale(call, stale)
    return {name: None if value is UNKNOWN else value for name, value in new.items()}


def _stale(call: Call, node: dict[str, Any]) -> Value:
    attributes = call.schema.attributes["stale_zone_configuration"].attributes
    found = {name: node.get(name) for name in attributes}
    shown = found.get("sbfm_static_resource_protection")
    if isinstance(shown, bool):  # the one that the schema has as text
        found["sbfm_static_resource_protection"] = str(shown).lower()
    return found


HOOKS = Hooks(body=_body, value=_value)
