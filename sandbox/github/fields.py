"""Small checks of request bodies; each refusal is a 422 that names the field."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sandbox.github.answers import Refusal, malformed, missing


def only(body: Mapping[str, Any], names: Collection[str]) -> None:
    """Refuse fields that the route does not take."""
    if strange := sorted(set(body) - set(names)):
        raise Refusal(422, f'Invalid request.\n\n"{strange[0]}" is not a permitted key.')


def text(body: Mapping[str, Any], name: str, *, default: str | None = None) -> str | None:
    """A text that may be missing or null."""
    value = body.get(name, default)
    if value is not None and not isinstance(value, str):
        raise malformed(name, f"{value} is not a string")
    return value


def required_text(body: Mapping[str, Any], name: str) -> str:
    """A text that must be there."""
    if body.get(name) is None:
        raise missing(name)
    value = text(body, name)
    assert value is not None
    return value


def one_of(body: Mapping[str, Any], name: str, allowed: Collection[str], *, default: str | None = None) -> str | None:
    """A text of a list."""
    value = text(body, name, default=default)
    if value is not None and value not in allowed:
        raise malformed(name, f"{value} is not a member of {sorted(allowed)}")
    return value


def flag(body: Mapping[str, Any], name: str, *, default: bool) -> bool:
    """True or false; null is the default."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise malformed(name, f"{value} is not a boolean")
    return default if value is None else value


def number(body: Mapping[str, Any], name: str) -> int | None:
    """A whole number that may be missing."""
    value = body.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise malformed(name, f"{value} is not an integer")
    return value


def texts(body: Mapping[str, Any], name: str) -> list[str] | None:
    """A list of texts that may be missing."""
    value = body.get(name)
    if value is not None and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
        raise malformed(name, f"{value} is not an array of strings")
    return value


def objects(body: Mapping[str, Any], name: str) -> list[dict[str, Any]] | None:
    """A list of objects that may be missing."""
    value = body.get(name)
    if value is not None and not (isinstance(value, list) and all(isinstance(item, dict) for item in value)):
        raise malformed(name, f"{value} is not an array of objects")
    return value
