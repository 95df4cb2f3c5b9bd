"""Reads a plan: what would change, attribute by attribute, and what the outputs would be.

Pure, over the JSON of `terraform show -json`. Sensitive values are in no line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Literal

from deployer.adapters.terraform.differences import attribute_lines

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
        word = word_of(resource)
        if word is not None:
            forces = tuple(dict.fromkeys(path_text(path) for path in change.get("replace_paths", ())))
            detail = "\n".join(attribute_lines(change, forces=forces))
            wanted = _plain_attributes(change)
            reason = resource.get("action_reason")
            found.append(PlannedChange(word, resource["address"], reason, detail, wanted, forces, change))
    return found


def word_of(resource: Mapping[str, Any]) -> Word | None:
    """What a plan does with a resource; None for what changes nothing outside."""
    return None if resource.get("mode") == "data" else _WORDS.get(tuple(resource["change"]["actions"]))


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


def within(path: str, paths: AbstractSet[str]) -> bool:
    """Whether a path is one of `paths`, or lies below one."""
    if not paths:
        return False
    # By the path's own parts: there may be as many other paths as there are attributes.
    return path in paths or any(path[:end] in paths for end, character in enumerate(path) if character in ".[")


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
