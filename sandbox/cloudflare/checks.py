"""Small checks of request bodies; each refusal names the field."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from sandbox.cloudflare.answers import Refusal

Check = Callable[[Mapping[str, Any]], None]


def refuse_unless(condition: bool, code: int, message: str, *, status: int = 400, pointer: str | None = None) -> None:
    """Raise the refusal when the condition does not hold."""
    if not condition:
        raise Refusal(status, code, message, pointer=pointer)


def required(*names: str, code: int = 1002) -> Check:
    """The fields must be there and not empty."""

    def check(body: Mapping[str, Any]) -> None:
        for name in names:
            refuse_unless(body.get(name) not in (None, "", [], {}), code, f"`{name}` is required.", pointer=f"/{name}")

    return check


def one_of(name: str, allowed: Collection[Any], code: int = 1004) -> Check:
    """The field, when given, must have one of the allowed values."""

    def check(body: Mapping[str, Any]) -> None:
        value = body.get(name)
        if value is not None and value not in allowed:
            words = ", ".join(sorted(map(str, allowed)))
            raise Refusal(400, code, f"`{name}` must be one of: {words}.", pointer=f"/{name}")

    return check


def between(name: str, low: float, high: float, code: int = 1004) -> Check:
    """The field, when given, must be a number in the range."""

    def check(body: Mapping[str, Any]) -> None:
        value = body.get(name)
        fits = isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
        refuse_unless(value is None or fits, code, f"`{name}` must be between {low} and {high}.", pointer=f"/{name}")

    return check


def matches(name: str, pattern: str, message: str, code: int = 1004) -> Check:
    """The field, when given, must be a text of that form."""
    expression = re.compile(pattern)

    def check(body: Mapping[str, Any]) -> None:
        value = body.get(name)
        fits = isinstance(value, str) and expression.fullmatch(value) is not None
        refuse_unless(value is None or fits, code, message, pointer=f"/{name}")

    return check


def of_type(name: str, *types: type, code: int = 1004) -> Check:
    """The field, when given, must be of one of the JSON types."""

    def check(body: Mapping[str, Any]) -> None:
        value = body.get(name)
        names = " or ".join(kind.__name__ for kind in types)
        # bool is an int to Python, but not to JSON.
        wrong = isinstance(value, bool) and bool not in types
        refuse_unless(value is None or (isinstance(value, types) and not wrong), code, f"`{name}` must be a {names}.")

    return check
