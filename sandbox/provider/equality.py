"""Values that differ in writing only: the old writing stays, so that nothing seems to have changed.

Applies to timestamps (the same moment), JSON text (the same document) and values without a fixed type. Knows nothing of
plans; it runs over what a read, create or update is about to put into the state.
"""

from __future__ import annotations

from typing import Any

from .decode import parse_time
from .facts import Attribute
from .modifiers import same_meaning
from .values import Dynamic, equal, is_set, load_json


def keep_writing(attributes: dict[str, Attribute], new: dict[str, Any], prior: dict[str, Any]) -> dict[str, Any]:
    """The new object with the prior writing of everything that means the same."""
    return {name: _keep(attribute, new.get(name), prior.get(name)) for name, attribute in attributes.items()}


def _keep(attribute: Attribute, new: Any, prior: Any) -> Any:
    if not is_set(new) or not is_set(prior):
        return new
    if attribute.nesting == "single":
        return keep_writing(attribute.attributes, new, prior)
    if attribute.nesting == "map":
        return {
            key: keep_writing(attribute.attributes, item, prior[key]) if is_set(prior.get(key)) else item
            for key, item in new.items()
        }
    if attribute.nesting:
        return [
            keep_writing(attribute.attributes, item, prior[n]) if n < len(prior) and is_set(prior[n]) else item
            for n, item in enumerate(new)
        ]
    if isinstance(new, Dynamic):
        return prior if same_meaning(new, prior) else new
    if attribute.format == "time" and isinstance(new, str):
        return prior if _same_moment(new, prior) else new
    if attribute.format == "json" and isinstance(new, str):
        return prior if same_document(new, prior) else new
    return new


def _same_moment(left: str, right: str) -> bool:
    try:
        return parse_time(left) == parse_time(right)
    except (ValueError, TypeError):
        return left == right


def same_document(left: str, right: str) -> bool:
    """Whether two JSON texts say the same."""
    try:
        return equal(load_json(left), load_json(right))
    except ValueError:
        return left == right
