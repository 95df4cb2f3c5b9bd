"""What the types look like: attributes, defaults, allowed values and how each field travels.

The facts are data (`data/schema.tsv`: kind, name and a JSON document a line). A line is parsed when its type is asked
for. Knows nothing of Terraform's protocol and nothing of paths and verbs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from .values import load_json


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a type."""

    name: str
    mode: str  # required, optional, computed, computed_optional
    type: Any  # the type expression, also of nested attributes
    nesting: str | None  # single, list, set, map; None: no attributes of its own
    attributes: dict[str, Attribute]
    place: str  # json, path, query, none: where it travels
    wire: str  # name of the field there; "-" travels nowhere
    wire_mode: str  # as mode, but what the request and the response go by; "untagged" is overwritten always
    flags: frozenset[str]  # no_refresh, decode_null_to_zero, force_encode, encode_state_for_unknown
    format: str | None  # time (RFC 3339), date, json (JSON text)
    integer: bool
    pointer: bool  # absent and null are one thing for it: it is never half known
    sensitive: bool
    deprecated: str | None
    default: Any
    has_default: bool
    keep: str | None  # state: an unknown value keeps the state's; non_null: only if there is one
    replace: str | None  # always, configured: a change replaces the resource
    modifiers: tuple[str, ...]
    checks: tuple[Any, ...] = ()  # what validation looks at: ["one_of", ...], ["between", low, high], ...

    @property
    def computed(self) -> bool:
        """Whether the provider may set it."""
        return self.mode in ("computed", "computed_optional")


@dataclass(frozen=True, slots=True)
class Schema:
    """The attributes of one resource type, data source or of the provider itself."""

    name: str
    version: int
    attributes: dict[str, Attribute]
    type: Any
    together: tuple[Any, ...] = ()  # what attributes need or exclude of one another

    def empty(self) -> dict[str, Any]:
        """An object with every attribute null."""
        return dict.fromkeys(self.attributes)


def _attribute(name: str, raw: dict[str, Any]) -> Attribute:
    nesting = raw.get("nesting")
    attributes = _attributes(raw["attributes"]) if nesting else {}
    wire = raw.get("wire", {})
    kind = raw.get("type")
    if nesting:
        inner = object_type(attributes)
        kind = inner if nesting == "single" else [nesting, inner]
    return Attribute(
        name=name,
        mode=raw["mode"],
        type=kind,
        nesting=nesting,
        attributes=attributes,
        place=wire.get("in", "json"),
        wire=wire.get("name", name),
        wire_mode=wire.get("mode", raw["mode"]),
        flags=frozenset(wire.get("flags", ())),
        format=raw.get("format"),
        integer=raw.get("int", False),
        pointer=raw.get("pointer", False),
        sensitive=raw.get("sensitive", False),
        deprecated=raw.get("deprecated"),
        default=raw.get("default"),
        has_default="default" in raw,
        keep=raw.get("keep"),
        replace=raw.get("replace"),
        modifiers=tuple(raw.get("modifiers", ())),
        checks=tuple(raw.get("checks", ())),
    )


def _attributes(raw: dict[str, Any]) -> dict[str, Attribute]:
    return {name: _attribute(name, raw[name]) for name in sorted(raw)}


def object_type(attributes: dict[str, Attribute]) -> Any:
    """The type expression of an object with these attributes."""
    return ["object", {name: attribute.type for name, attribute in attributes.items()}]


@cache
def _lines() -> dict[tuple[str, str], str]:
    text = resources.files(__package__).joinpath("data/schema.tsv").read_text(encoding="utf-8")
    table = {}
    for line in text.splitlines():
        kind, name, document = line.split("\t", 2)
        table[kind, name] = document
    return table


def names(kind: str) -> list[str]:
    """All resource types (`resource`) or data sources (`data`)."""
    return [name for found, name in _lines() if found == kind]


@cache
def schema(kind: str, name: str = "") -> Schema:
    """The schema of one `resource`, `data` source or of the `provider`. Unknown names raise KeyError."""
    raw = load_json(_lines()[kind, name])
    attributes = _attributes(raw["attributes"])
    return Schema(name, raw.get("version", 0), attributes, object_type(attributes), tuple(raw.get("together", ())))
