"""What becomes state: the rules by which the fields of a response are taken over.

Two modes. A refresh takes every field, and what the response lacks becomes null. After a create or update, required and
optional attributes keep their planned value, computed ones are taken from the response, and attributes that are both
are taken only where the plan left them open. A field of an unexpected JSON type is left as it was. Knows nothing of
requests or of single types.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from .facts import Attribute
from .rawjson import text_of
from .values import UNKNOWN, Dynamic, infer, is_set, number

ALWAYS, IF_UNSET, NESTED_ONLY = "always", "if unset", "nested only"

_MODES = {"required": NESTED_ONLY, "optional": NESTED_ONLY, "computed_optional": IF_UNSET}


class Mismatch(Exception):
    """The JSON type does not fit; the field stays as it was."""


def decode(attributes: dict[str, Attribute], node: Any, current: dict[str, Any], computed: bool) -> dict[str, Any]:
    """Take an object's fields from `node`; `computed` tells a create or update from a refresh."""
    fields = node if isinstance(node, dict) else {}
    out = dict(current)
    for name, attribute in attributes.items():
        if attribute.place != "json" or attribute.wire == "-":
            continue
        if computed:
            behaviour = _MODES.get(attribute.wire_mode, ALWAYS)
        elif "no_refresh" in attribute.flags:
            continue
        else:
            behaviour = ALWAYS
        value = fields.get(attribute.wire)
        try:
            out[name] = _value(attribute, value, current.get(name), behaviour, computed)
        except Mismatch:
            continue
    return out


def blank(attribute: Attribute) -> dict[str, Any]:
    """A nested object with nothing set."""
    return dict.fromkeys(attribute.attributes)


def _value(attribute: Attribute, node: Any, current: Any, behaviour: str, computed: bool) -> Any:
    if attribute.nesting == "single":
        return _single(attribute, node, current, behaviour, computed)
    kind = attribute.type
    if attribute.nesting in ("list", "set") or (isinstance(kind, list) and kind[0] in ("list", "set")):
        return _items(attribute, node, current, behaviour, computed)
    if attribute.nesting == "map" or (isinstance(kind, list) and kind[0] == "map"):
        return _entries(attribute, node, current, behaviour, computed)
    if kind == "dynamic":
        return _dynamic(node, current, behaviour)
    if attribute.format in ("time", "date"):
        return _time(node, current, behaviour, attribute.format)
    return _primitive(kind, node, current, behaviour, attribute)


_ZERO = {"string": "", "number": 0, "bool": False}


def _zeroed(attribute: Attribute) -> bool:
    """Whether a field that is null or missing counts as empty instead."""
    return "decode_null_to_zero" in attribute.flags


def _skip(current: Any, node: Any, behaviour: str) -> bool:
    """Whether an attribute that is either there or not (never unknown) stays as it is."""
    present = is_set(current)
    return (not present and (behaviour is NESTED_ONLY or node is None)) or (present and behaviour is IF_UNSET)


def _single(attribute: Attribute, node: Any, current: Any, behaviour: str, computed: bool) -> Any:
    present = is_set(current)
    if attribute.pointer:
        if _skip(current, node, behaviour):
            return None if current is UNKNOWN else current
    else:
        if behaviour is NESTED_ONLY and current is None:
            return None
        if node is None and not _zeroed(attribute) and (behaviour is ALWAYS or not present):
            return None
    return decode(attribute.attributes, node, current if present else blank(attribute), computed)


def _items(attribute: Attribute, node: Any, current: Any, behaviour: str, computed: bool) -> Any:
    present = is_set(current)
    if attribute.pointer:
        if _skip(current, node, behaviour):
            return None if current is UNKNOWN else current
    else:
        if behaviour is NESTED_ONLY and current is None:
            return None
        if _zeroed(attribute):
            node = node or []
            if behaviour is IF_UNSET and not present:
                return []
        if node is None and (behaviour is ALWAYS or not present):
            return None
        if behaviour is IF_UNSET and not present:
            behaviour, computed = ALWAYS, False
    if node is None and behaviour is ALWAYS:
        return None
    if node is not None and not isinstance(node, list):
        raise Mismatch
    nodes = node or []
    have = current if present else []
    keeps_length = behaviour is NESTED_ONLY or (behaviour is IF_UNSET and present)
    count = len(have if keeps_length else nodes)
    return [
        _item(
            attribute,
            nodes[n] if n < len(nodes) else None,
            have[n] if n < len(have) else _fresh(attribute),
            behaviour,
            computed,
        )
        for n in range(count)
    ]


def _fresh(attribute: Attribute) -> Any:
    return blank(attribute) if attribute.nesting else None


def _item(attribute: Attribute, node: Any, current: Any, behaviour: str, computed: bool) -> Any:
    if attribute.nesting:
        return decode(attribute.attributes, node, current, computed)
    kind = attribute.type[1]
    if isinstance(kind, str):
        return _primitive(kind, node, current, behaviour, attribute)
    return _collection(kind, node, current, behaviour)


def _collection(kind: Any, node: Any, current: Any, behaviour: str) -> Any:
    """A list inside a list or a map; these are taken whole."""
    if behaviour is NESTED_ONLY or (behaviour is IF_UNSET and is_set(current)):
        return current
    if node is None:
        return None
    if kind[0] in ("list", "set") and isinstance(node, list):
        return [_plain(kind[1], item) for item in node]
    if kind[0] == "map" and isinstance(node, dict):
        return {key: _plain(kind[1], item) for key, item in node.items()}
    raise Mismatch


def _plain(kind: Any, node: Any) -> Any:
    return _collection(kind, node, None, ALWAYS) if isinstance(kind, list) else _convert(kind, node, integer=False)


def _entries(attribute: Attribute, node: Any, current: Any, behaviour: str, computed: bool) -> Any:
    present = is_set(current)
    if attribute.pointer:
        if _skip(current, node, behaviour):
            return None if current is UNKNOWN else current
    else:
        if behaviour is NESTED_ONLY and current is None:
            return None
        if node is None and (behaviour is ALWAYS or not present):
            return None
    if behaviour is IF_UNSET:
        if present:
            return current
        behaviour, computed = ALWAYS, False
    entries = node if isinstance(node, dict) else {}
    have = current if present else {}
    keys = list(have) if behaviour is NESTED_ONLY else list(entries)
    out = {
        key: _item(attribute, entries.get(key), have.get(key, _fresh(attribute)), behaviour, computed) for key in keys
    }
    return out or current


def _dynamic(node: Any, current: Any, behaviour: str) -> Any:
    inner = current.value if isinstance(current, Dynamic) else current
    if behaviour is NESTED_ONLY or (behaviour is IF_UNSET and is_set(inner)):
        return current
    if node is None:
        return None
    if isinstance(current, Dynamic) and is_set(current.value):
        return Dynamic(current.type, typed(current.type, node))
    return Dynamic(*infer(node))


def typed(kind: Any, node: Any) -> Any:
    """JSON as a value of a known type; Mismatch if it is of another."""
    if node is None:
        return None
    if isinstance(kind, str):
        return _convert(kind, node, integer=False)
    match kind[0]:
        case "list" | "set" if isinstance(node, list):
            return [typed(kind[1], item) for item in node]
        case "map" if isinstance(node, dict):
            return {key: typed(kind[1], item) for key, item in node.items()}
        case "tuple" if isinstance(node, list):
            return [typed(each, node[n] if n < len(node) else None) for n, each in enumerate(kind[1])]
        case "object" if isinstance(node, dict):
            return {key: typed(each, node.get(key)) for key, each in kind[1].items()}
        case _:
            raise Mismatch


def _primitive(kind: str, node: Any, current: Any, behaviour: str, attribute: Attribute) -> Any:
    present = is_set(current)
    if behaviour is IF_UNSET and present:
        return current
    if node is None and (behaviour is ALWAYS or not present):
        return _ZERO[kind] if _zeroed(attribute) else None
    if behaviour is NESTED_ONLY:
        return current
    if attribute.format == "json":
        return text_of(node)
    return _convert(kind, node, attribute.integer)


def _convert(kind: str, node: Any, integer: bool) -> Any:
    if node is None:
        return None
    if kind == "string" and isinstance(node, str):
        return node
    if kind == "bool" and isinstance(node, bool):
        return node
    if kind == "number":
        return _number(node, integer)
    if kind == "dynamic":
        return Dynamic(*infer(node))
    raise Mismatch


def _number(node: Any, integer: bool) -> int | Decimal:
    if isinstance(node, bool) or not isinstance(node, int | Decimal | str):
        raise Mismatch
    try:
        value = number(node) if isinstance(node, str) else node
    except InvalidOperation as error:
        raise Mismatch from error
    return int(value) if integer else value


_LAYOUTS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S%z")


def parse_time(text: str) -> datetime:
    """Read a timestamp in any form that the API writes. ValueError if it is none."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        for layout in _LAYOUTS:
            try:
                return datetime.strptime(text, layout)  # noqa: DTZ007 - without a zone it is taken for UTC
            except ValueError:
                continue
        raise


def format_time(moment: datetime) -> str:
    """Write a timestamp as state keeps it: seconds, and Z for UTC."""
    offset = moment.utcoffset()
    text = moment.replace(microsecond=0, tzinfo=None).isoformat()
    if not offset:
        return text + "Z"
    minutes = int(offset.total_seconds()) // 60
    return f"{text}{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _time(node: Any, current: Any, behaviour: str, _format: str) -> Any:
    if behaviour is NESTED_ONLY or (behaviour is IF_UNSET and is_set(current)):
        return current
    if node is None:
        return None
    if not isinstance(node, str):
        raise Mismatch
    try:
        return format_time(parse_time(node))
    except ValueError as error:
        raise Mismatch from error
