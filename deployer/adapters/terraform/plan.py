"""Reads a plan: what would change, attribute by attribute, and what the outputs would be.

Pure, over the JSON of `terraform show -json`. Sensitive values are in no line. What only the state will show (a thing
that is forgotten, imported, or has another address) is a change like any other: nobody would see it otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Literal

from deployer.adapters.terraform.differences import attribute_lines
from deployer.adapters.terraform.events import Planned

Word = Literal["create", "update", "replace", "delete", "forget"]

_WORDS: dict[tuple[str, ...], Word] = {
    ("create",): "create",
    ("update",): "update",
    ("delete",): "delete",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("create", "forget"): "replace",
    ("forget",): "forget",
}
# Words of the `-json` lines for the same; what is not here (read, no-op) changes nothing.
_EVENT_WORDS: dict[str, Word] = {
    "create": "create",
    "update": "update",
    "delete": "delete",
    "replace": "replace",
    # Out of the state: what is deleted is called `delete`.
    "remove": "forget",
    "move": "update",
    "import": "update",
}
_STATE_ALONE = frozenset({"move", "import"})
LEFT_STANDING = "create_then_forget"
"""Our reason for a replacement that leaves the old thing where it is; Terraform gives it none of its own."""


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
    # The address that it has in the state so far, if it gets another one.
    moved_from: str | None = None
    # What it is imported by, if it exists and comes into the state.
    imports: str | None = None
    # Whether the thing itself is touched, and not only what the state says of it.
    alters: bool = True
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
            left = word == "replace" and "forget" in change["actions"]
            found.append(
                PlannedChange(
                    word,
                    resource["address"],
                    LEFT_STANDING if left else resource.get("action_reason"),
                    detail="\n".join(attribute_lines(change, forces=forces)),
                    wanted=_plain_attributes(change),
                    forces=forces,
                    raw=change,
                    moved_from=resource.get("previous_address"),
                    imports=_imported_by(change.get("importing")),
                    alters=change["actions"] != ["no-op"],
                )
            )
    return found


def announced_changes(planned: Iterable[Planned]) -> list[PlannedChange]:
    """The same changes out of the `-json` lines of `terraform plan`, without details."""
    return [
        PlannedChange(
            _EVENT_WORDS[each.action],
            each.address,
            each.reason,
            moved_from=each.previous,
            imports=_imported_by(each.importing),
            alters=each.action not in _STATE_ALONE,
        )
        for each in planned
        if each.action in _EVENT_WORDS
    ]


def word_of(resource: Mapping[str, Any]) -> Word | None:
    """What a plan does with a resource; None for what changes nothing, in the state neither."""
    if resource.get("mode") == "data":
        return None
    change = resource["change"]
    if change["actions"] == ["no-op"]:
        return "update" if resource.get("previous_address") or change.get("importing") else None
    return _WORDS.get(tuple(change["actions"]))


def _imported_by(importing: Mapping[str, Any] | None) -> str | None:
    """The import id; an identity where a provider knows things by one."""
    if not importing:
        return None
    if importing.get("unknown"):
        return "(known after apply)"
    return str(importing.get("id") or json.dumps(importing.get("identity"), sort_keys=True))


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
