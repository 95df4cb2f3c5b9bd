"""Reads a plan: what would change, attribute by attribute, and what the outputs would be.

Pure, over the JSON of `terraform show -json`. Sensitive values never leave this module.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Word = Literal["create", "update", "replace", "delete"]

_WORDS: dict[tuple[str, ...], Word] = {
    ("create",): "create",
    ("update",): "update",
    ("delete",): "delete",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
}
# Words of the `-json` lines for the same; what is not here (read, no-op, move, forget) changes nothing outside.
EVENT_WORDS: dict[str, Word] = {
    "create": "create",
    "update": "update",
    "delete": "delete",
    "remove": "delete",
    "replace": "replace",
}
UNKNOWN = "(known after apply)"
SENSITIVE = "(sensitive)"


@dataclass(frozen=True)
class PlannedChange:
    """One resource that would change; `detail` are the lines of a diff."""

    word: Word
    address: str
    reason: str | None = None
    detail: str = ""
    # Planned attributes, in a plan read with details; sensitive ones are left out.
    wanted: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    # Attributes because of which it is replaced.
    forces: tuple[str, ...] = ()
    # Terraform's own description, in a plan read with details; it can hold sensitive values.
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class UnknownOutput:
    """An output, or a part of one, that only the apply will tell."""

    name: str


def planned_changes(data: Mapping[str, Any]) -> list[PlannedChange]:
    """The changes in a plan's JSON, in Terraform's order."""
    found = []
    for resource in data.get("resource_changes", ()):
        change = resource["change"]
        word = _WORDS.get(tuple(change["actions"]))
        if word is not None and resource.get("mode") != "data":
            detail = "\n".join(_attribute_lines(change))
            wanted = _plain_attributes(change)
            forces = tuple(dict.fromkeys(path_text(path) for path in change.get("replace_paths", ())))
            reason = resource.get("action_reason")
            found.append(PlannedChange(word, resource["address"], reason, detail, wanted, forces, change))
    return found


def planned_outputs(data: Mapping[str, Any]) -> dict[str, Any]:
    """What the outputs would be, with UnknownOutput wherever the apply decides."""
    values = {name: output.get("value") for name, output in data.get("planned_values", {}).get("outputs", {}).items()}
    for name, change in data.get("output_changes", {}).items():
        if change["actions"] == ["delete"]:
            values.pop(name, None)
            continue
        values[name] = _with_unknowns(change.get("after"), change.get("after_unknown"), name)
    return values


def _with_unknowns(value: Any, unknown: Any, name: str) -> Any:
    if unknown is True:
        return UnknownOutput(name)
    if isinstance(unknown, dict):
        known = value if isinstance(value, dict) else {}
        keys = {*known, *unknown}
        return {key: _with_unknowns(known.get(key), unknown.get(key), f"{name}.{key}") for key in sorted(keys)}
    if isinstance(unknown, list) and isinstance(value, list):
        pairs = zip(value, [*unknown, *[None] * (len(value) - len(unknown))], strict=False)
        return [_with_unknowns(item, part, f"{name}[{index}]") for index, (item, part) in enumerate(pairs)]
    return value


def _plain_attributes(change: Mapping[str, Any]) -> dict[str, Any]:
    hidden = change.get("after_sensitive") or {}
    after = change.get("after") or {}
    return {} if hidden is True else {name: value for name, value in after.items() if not hidden.get(name)}


def _attribute_lines(change: Mapping[str, Any]) -> Iterator[str]:
    before = _flat(change.get("before"), change.get("before_sensitive"))
    after = _flat(change.get("after"), change.get("after_sensitive"))
    unknown = set(unknown_paths(change.get("after_unknown")))
    after.update({path: _Leaf(UNKNOWN) for path in unknown})
    # A whole that will be known is one line; its parts of now say nothing about what becomes of them.
    before = {path: leaf for path, leaf in before.items() if path in unknown or not within(path, unknown)}
    forces = {path_text(path) for path in change.get("replace_paths", ())}
    deleted = change["actions"] == ["delete"]
    for path in sorted({*before, *after}):
        old, new = before.get(path), None if deleted else after.get(path)
        if old == new:
            continue
        note = "  # forces replacement" if path in forces else ""
        if old is None:
            yield f"+ {path}: {new}{note}"
        elif new is None:
            yield f"- {path}: {old}{note}"
        else:
            yield f"~ {path}: {old} -> {new}{note}"


@dataclass(frozen=True)
class _Leaf:
    """A value as it is shown; `hidden` is what a sensitive one is compared by, so that its change shows too."""

    shown: str
    hidden: str = field(default="", repr=False)

    def __str__(self) -> str:
        return self.shown


def _flat(value: Any, sensitive: Any, path: str = "") -> dict[str, _Leaf]:
    """Leaves by dotted path, as JSON; null attributes are left out. A list of plain values is one leaf."""
    if value is None:
        return {}
    if sensitive is True:
        return {path: _Leaf(SENSITIVE, json.dumps(value, sort_keys=True))}
    if isinstance(value, dict) and value:
        parts = sensitive if isinstance(sensitive, dict) else {}
        return {
            deeper: leaf
            for key, item in value.items()
            for deeper, leaf in _flat(item, parts.get(key), f"{path}.{key}" if path else key).items()
        }
    items = sensitive if isinstance(sensitive, list) else []
    if isinstance(value, list) and (any(items) or any(isinstance(item, dict | list) for item in value)):
        return {
            deeper: leaf
            for index, item in enumerate(value)
            for deeper, leaf in _flat(item, items[index] if index < len(items) else None, f"{path}[{index}]").items()
        }
    return {path: _Leaf(json.dumps(value, ensure_ascii=False))}


def within(path: str, paths: Collection[str]) -> bool:
    """Whether a path is one of `paths`, or lies below one."""
    return path in paths or any(path.startswith((f"{known}.", f"{known}[")) for known in paths)


def unknown_paths(unknown: Any, path: str = "") -> Iterator[str]:
    """Paths of what only the apply will tell."""
    if unknown is True:
        yield path
    elif isinstance(unknown, dict):
        for key, item in unknown.items():
            yield from unknown_paths(item, f"{path}.{key}" if path else key)
    elif isinstance(unknown, list):
        for index, item in enumerate(unknown):
            yield from unknown_paths(item, f"{path}[{index}]")


def path_text(parts: list[Any]) -> str:
    """A path of Terraform's plan JSON the way people write it: `rules[0].enabled`."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else str(part))
    return text
