"""Rules of single attributes for the plan, by name: what the schema facts call `modifiers`.

A rule gets the place it runs at and returns the planned value. Knows nothing of the rest of the plan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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


def same(place: Place) -> Any:
    """Numbers are compared by value here already."""
    return place.value


MODIFIERS: dict[str, Callable[[Place], Any]] = {
    "same_dynamic": same_dynamic,
    "float64": same,
    "follows": follows,
    "state_or_unknown": state_or_unknown,
    "ignore_change": ignore_change,
}
