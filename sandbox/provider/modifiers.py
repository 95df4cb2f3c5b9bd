"""Rules of single attributes for the plan, by name: what the schema facts call `modifiers`.

A rule gets the place it runs at and returns the planned value. Knows nothing of the rest of the plan.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import files
from .diagnostics import Path
from .facts import Attribute
from .values import UNKNOWN, Dynamic, equal, is_set, plain

if TYPE_CHECKING:
    from .plan import Plan


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule runs."""

    attribute: Attribute
    value: Any
    config: Any
    state: Any
    siblings: dict[str, Any]  # the planned object around the attribute
    creating: bool
    path: Path
    name: str  # the rule as the facts write it, with its argument after a colon
    plan: Plan


def same_dynamic(place: Place) -> Any:
    """A value that means the same as the state's is the state's: 1 is 1.0, a tuple is a list."""
    if not isinstance(place.value, Dynamic):
        return place.value
    for kind, word, way in (("map", "map", "jsonencode(jsondecode(...))"), ("set", "set", "tolist(...)")):
        if _has_kind(place.value.type, kind):
            place.plan.diagnostics.error(
                "invalid dynamic type",
                f"due to Terraform limitations {word} types are not currently supported in dynamic values, "
                f"you can work around this using `{way}`",
                place.path,
            )
            return place.value
    return place.state if same_meaning(place.value, place.state) else place.value


def _has_kind(kind: Any, wanted: str) -> bool:
    if isinstance(kind, str):
        return False
    if kind[0] == wanted:
        return True
    inner = kind[1]
    if kind[0] == "object":
        return any(_has_kind(each, wanted) for each in inner.values())
    return any(_has_kind(each, wanted) for each in inner) if kind[0] == "tuple" else _has_kind(inner, wanted)


def same_meaning(left: Any, right: Any) -> bool:
    """Whether two values of any type say the same."""
    return equal(plain(left), plain(right))


def follows(place: Place) -> Any:
    """Without a configured value it is what a sibling is."""
    if place.config is not None:
        return place.value
    sibling = place.siblings.get(place.name.partition(":")[2])
    return sibling if is_set(sibling) else False


def state_or_unknown(place: Place) -> Any:
    """Without a configured value it is what the state has, and on create whatever the API will say."""
    if is_set(place.config):
        return place.value
    return UNKNOWN if place.creating else place.state


def ignore_change(place: Place) -> Any:
    """Once set, a change of the configuration is not carried out."""
    if place.creating or place.state is None:
        return place.value
    return place.state


def unknown_only_if(place: Place) -> Any:
    """What is not configured is unknown only where a sibling has a certain value, else null: `unknown_only_if:a=b`."""
    sibling, _, wanted = place.name.partition(":")[2].partition("=")
    if place.value is not UNKNOWN or place.siblings.get(sibling) == wanted:
        return place.value
    return place.config


def content_hash(place: Place) -> Any:
    """The digest of the content beside it, which may be in a file."""
    file, text = place.siblings.get("content_file"), place.siblings.get("content_base64")
    try:
        if is_set(file):
            return files.digest(files.read(file))
        if is_set(text):
            return files.digest(base64.b64decode(text, validate=True))
    except OSError as error:
        place.plan.diagnostics.error("Error computing SHA-256 hash", f"open {file}: {error.strerror}", place.path)
    except binascii.Error as error:
        place.plan.diagnostics.error("Error decoding base64", str(error), place.path)
    return place.value


def asset_manifest(place: Place) -> Any:
    """The digest over all files of the folder beside it: `asset_manifest:null` is null without a folder."""
    folder = place.siblings.get("directory")
    if folder is None and place.name.endswith(":null"):
        return None
    if not is_set(folder):
        return place.value
    try:
        return files.manifest_digest(files.manifest(folder))
    except OSError as error:
        place.plan.diagnostics.error("Error reading asset files", str(error), place.path)
        return place.value


_SENSITIVE = ("secret_text", "plain_text")


def replace_bindings(place: Place) -> Any:
    """Other bindings are another version; a text that an import could not read is not another one."""
    if not is_set(place.config) or place.state is None or place.creating:
        return place.value
    known = {binding["name"]: binding for binding in place.state}
    wanted = {binding["name"]: binding for binding in place.value}
    if (
        len(place.state) != len(place.value)
        or known.keys() != wanted.keys()
        or any(not _same_binding(binding, wanted[name]) for name, binding in known.items())
    ):
        place.plan.replace.append(place.path)
    return place.value


def _same_binding(known: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(
        (key == "text" and known["type"] in _SENSITIVE and value is None and wanted[key] is not None)
        or equal(value, wanted[key])
        for key, value in known.items()
    )


def replace_ignoring(place: Place) -> Any:
    """A change replaces the resource, but for one field that the API sets: `replace_ignoring:field`."""
    if not is_set(place.config) or place.state is None or place.creating or not is_set(place.value):
        return place.value
    ignored = place.name.partition(":")[2]
    if any(not equal(value, place.value[key]) for key, value in place.state.items() if key != ignored):
        place.plan.replace.append(place.path)
    return place.value


def same(place: Place) -> Any:
    """Numbers are compared by value here already."""
    return place.value


MODIFIERS: dict[str, Callable[[Place], Any]] = {
    "same_dynamic": same_dynamic,
    "float64": same,
    "follows": follows,
    "state_or_unknown": state_or_unknown,
    "ignore_change": ignore_change,
    "unknown_only_if": unknown_only_if,
    "content_hash": content_hash,
    "asset_manifest": asset_manifest,
    "replace_bindings": replace_bindings,
    "replace_ignoring": replace_ignoring,
}
