"""What a configuration may say. Walks the schema facts and runs their checks; knows no API."""

from __future__ import annotations

from typing import Any

from .checks import COMBINATION, Checked, run
from .decode import parse_time
from .diagnostics import Diagnostics, Path
from .facts import Schema
from .plan import walk
from .values import UNKNOWN, is_set


def validate(schema: Schema, config: dict[str, Any], found: Diagnostics) -> None:
    """Check every attribute, and how attributes go together."""
    for kind, *names in schema.together:
        _together(kind, names, config, found)
    for attribute, value, path in walk(schema.attributes, config):
        if is_set(value) and attribute.deprecated is not None:
            found.warn("Attribute Deprecated", attribute.deprecated or "This attribute is deprecated.", path)
        for check in attribute.checks:
            run(check, Checked(attribute, value, path, config, found))
        if attribute.format == "time" and isinstance(value, str):
            _check_time(value, path, found)


def _together(kind: str, names: list[str], config: dict[str, Any], found: Diagnostics) -> None:
    values = [config.get(name) for name in names]
    count = sum(value is not None for value in values)
    listed = "[" + ",".join(names) + "]"
    if UNKNOWN in values:
        return
    if kind == "conflicting" and count > 1:
        found.error(COMBINATION, f"These attributes cannot be configured together: {listed}")
    elif kind == "exactly_one" and count != 1:
        summary = COMBINATION if count else "Missing Attribute Configuration"
        found.error(summary, f"Exactly one of these attributes must be configured: {listed}")
    elif kind == "at_least_one" and not count:
        text = f"At least one of these attributes must be configured: {listed}"
        found.error("Missing Attribute Configuration", text)


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
