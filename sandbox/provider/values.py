"""Terraform values in Python, and their two encodings on the wire (msgpack and JSON).

A null is `None`, an unknown value is `UNKNOWN`; lists and sets are lists, maps and objects are dicts. Numbers are
`int`, or `Decimal` when they have a fraction, because Terraform's numbers are wider than a float. Knows no schemas
beyond the type expressions that Terraform itself uses (`"string"`, `["list", "number"]`, `["object", {...}]`, ...).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeGuard

import msgpack


class _Unknown:
    """The type of `UNKNOWN`, of which there is one object."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()


@dataclass(frozen=True, slots=True)
class Dynamic:
    """A value of an attribute without a fixed type: the type that it has here comes with it."""

    type: Any
    value: Any


def is_set(value: Any) -> TypeGuard[Any]:
    """Whether there is a known value (not null)."""
    return value is not None and value is not UNKNOWN


def number(text: str) -> int | Decimal:
    """Read a number without losing digits."""
    return whole(Decimal(text))


def whole(value: Decimal) -> int | Decimal:
    """An int where the number is one."""
    return int(value) if value == value.to_integral_value() else value


def load_json(text: str | bytes) -> Any:
    """Parse JSON with numbers as this package keeps them."""
    return json.loads(text, parse_float=number)


class _Encoder(json.JSONEncoder):
    """Decimals become numbers; everything else in this package is JSON already."""

    def default(self, o: Any) -> Any:
        """Called for what the standard encoder does not know."""
        if isinstance(o, Decimal):
            return float(o)
        return super().default(o)


def dump_json(value: Any) -> str:
    """Compact JSON, as the API's clients send it."""
    return json.dumps(value, cls=_Encoder, separators=(",", ":"), ensure_ascii=False)


# ---------------------------------------------------------------------------------------------------------- msgpack


def _unpack_ext(code: int, data: bytes) -> Any:
    """Terraform's extension types are all ways of saying "unknown" (12 adds refinements, which we do not need)."""
    if code in (0, 12):
        return UNKNOWN
    raise ValueError(f"unknown msgpack extension {code} ({len(data)} bytes)")


def from_msgpack(data: bytes, kind: Any) -> Any:
    """Decode a value of a type."""
    return _decode(msgpack.unpackb(data, ext_hook=_unpack_ext, raw=False, strict_map_key=False), kind)


def _decode(raw: Any, kind: Any) -> Any:
    if raw is None or raw is UNKNOWN:
        return raw
    if kind == "number":
        if isinstance(raw, str):
            return number(raw)
        return whole(Decimal(raw)) if isinstance(raw, float) else raw
    if kind == "dynamic":
        inner = json.loads(raw[0])
        return Dynamic(inner, _decode(raw[1], inner))
    if isinstance(kind, str):
        return raw
    match kind[0]:
        case "list" | "set":
            return [_decode(item, kind[1]) for item in raw]
        case "map":
            return {key: _decode(item, kind[1]) for key, item in raw.items()}
        case "tuple":
            return [_decode(item, each) for item, each in zip(raw, kind[1], strict=True)]
        case _:
            return {key: _decode(raw[key], each) for key, each in kind[1].items()}


def to_msgpack(value: Any, kind: Any) -> bytes:
    """Encode a value of a type."""
    packed: bytes = msgpack.packb(_encode(value, kind), use_bin_type=True)
    return packed


def _encode(value: Any, kind: Any) -> Any:
    if value is None:
        return None
    if value is UNKNOWN:
        return msgpack.ExtType(0, b"\x00")
    if kind == "number":
        return _encode_number(value)
    if kind == "dynamic":
        return [json.dumps(value.type).encode(), _encode(value.value, value.type)]
    if isinstance(kind, str):
        return value
    match kind[0]:
        case "list" | "set":
            return [_encode(item, kind[1]) for item in value]
        case "map":
            return {key: _encode(item, kind[1]) for key, item in value.items()}
        case "tuple":
            return [_encode(item, each) for item, each in zip(value, kind[1], strict=True)]
        case _:
            return {key: _encode(value[key], each) for key, each in kind[1].items()}


def _encode_number(value: float | Decimal) -> int | float | str:
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else str(value)
    exact = Decimal(repr(value)) if isinstance(value, float) else value
    return float(exact) if Decimal(float(exact)) == exact else format(exact, "f")


def from_state_json(raw: Any, kind: Any) -> Any:
    """Convert parsed state JSON to a value of a type; attributes that the state lacks are null."""
    if raw is None:
        return None
    if kind == "dynamic":
        return Dynamic(raw["type"], from_state_json(raw["value"], raw["type"]))
    if kind == "number" and isinstance(raw, str):
        return number(raw)
    if isinstance(kind, str):
        return raw
    match kind[0]:
        case "list" | "set":
            return [from_state_json(item, kind[1]) for item in raw]
        case "map":
            return {key: from_state_json(item, kind[1]) for key, item in raw.items()}
        case "tuple":
            return [from_state_json(item, each) for item, each in zip(raw, kind[1], strict=True)]
        case _:
            return {key: from_state_json(raw.get(key), each) for key, each in kind[1].items()}


# ---------------------------------------------------------------------------------------------------------- dynamic


def infer(node: Any) -> tuple[Any, Any]:
    """The type and value that JSON has where no schema fixes it."""
    if node is None:
        return "dynamic", None
    if isinstance(node, bool):
        return "bool", node
    if isinstance(node, int | float | Decimal):
        return "number", node
    if isinstance(node, str):
        return "string", node
    if isinstance(node, list):
        pairs = [infer(item) for item in node]
        kinds = [kind for kind, _ in pairs]
        values = [value for _, value in pairs]
        if all(kind == kinds[0] for kind in kinds):
            return ["list", kinds[0] if kinds else "bool"], values
        return ["tuple", kinds], values
    named = {key: infer(item) for key, item in node.items()}
    return ["object", {key: kind for key, (kind, _) in named.items()}], {
        key: value for key, (_, value) in named.items()
    }


def plain(value: Any) -> Any:
    """A value without its types, for comparison and for JSON: `Dynamic` wrappers removed."""
    if isinstance(value, Dynamic):
        return plain(value.value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def equal(left: Any, right: Any) -> bool:
    """Equality that does not take `true` for 1."""
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(equal(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(item, right[key]) for key, item in left.items())
    if isinstance(left, Dynamic) and isinstance(right, Dynamic):
        return bool(left.type == right.type) and equal(left.value, right.value)
    return bool(left == right)
