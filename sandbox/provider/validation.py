"""What a configuration may say: allowed values, ranges, combinations, deprecations. Reads the schema facts, knows no API."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .decode import parse_time
from .diagnostics import Diagnostics, Path
from .facts import Attribute, Schema
from .plan import walk
from .values import is_set


def validate(schema: Schema, config: dict[str, Any], found: Diagnostics) -> None:
    """Check every attribute that has a known value."""
    for attribute, value, path in walk(schema.attributes, config):
        if not is_set(value):
            continue
        if attribute.deprecated is not None:
            found.warn("Attribute Deprecated", attribute.deprecated or "This attribute is deprecated.", path)
        _check(attribute, value, path, found)


def dotted(path: Path) -> str:
    """A path as messages write it: rules[0].action."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _check(attribute: Attribute, value: Any, path: Path, found: Diagnostics) -> None:
    allowed = attribute.rules.get("one_of")
    if allowed and isinstance(value, str) and value.lower() not in [each.lower() for each in allowed]:
        words = " ".join(f'"{each}"' for each in allowed)
        found.error(
            "Invalid Attribute Value Match",
            f'Attribute {dotted(path)} value must be one of: [{words}], got: "{value}"',
            path,
        )
    between = attribute.rules.get("between")
    if between and isinstance(value, int | Decimal) and not between[0] <= value <= between[1]:
        low, high, got = (f"{number}" if attribute.integer else f"{number:f}" for number in (*between, value))
        found.error(
            "Invalid Attribute Value",
            f"Attribute {dotted(path)} value must be between {low} and {high}, got: {got}",
            path,
        )
    if attribute.format == "time" and isinstance(value, str):
        _check_time(value, path, found)


def _check_time(value: str, path: Path, found: Diagnostics) -> None:
    try:
        moment = parse_time(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or "T" not in value:
        found.error(
            "Invalid RFC3339 String Value",
            "A string value was provided that is not valid RFC3339 string format.\n\n"
            f'Given Value: {value}\nError: parsing time "{value}" as "2006-01-02T15:04:05Z07:00": '
            f'cannot parse "{value}" as "2006"',
            path,
        )
