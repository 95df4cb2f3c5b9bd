"""What a quirk may do: the places in an operation where a type can have a rule of its own.

Knows only the shapes; the rules are in `quirks/`, one module each, and are loaded when a type needs them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

from .diagnostics import Diagnostics
from .facts import Schema
from .http import Client, Request, Response
from .plan import Plan
from .table.row import Row

Value = dict[str, Any]


@dataclass(slots=True)
class Call:
    """One operation on one resource, under way."""

    row: Row
    schema: Schema
    client: Client
    operation: str  # create, read, update, delete, import
    plan: Value  # what is wanted; in a read or delete the state
    state: Value | None = None
    config: Value | None = None
    private: dict[str, str] = field(default_factory=dict)
    diagnostics: Diagnostics = field(default_factory=Diagnostics)


@dataclass(frozen=True, slots=True)
class Hooks:
    """The rules of one quirk; what it does not name goes the general way."""

    plan: Callable[[Plan], None] | None = None  # the last word on a plan
    check: Callable[[Call], None] | None = None  # before the first request of a create or update
    body: Callable[[Call, Any], Any] | None = None  # the body about to be sent
    request: Callable[[Call, Request], Request] | None = None  # the request about to be sent
    node: Callable[[Call, Any], Any] | None = None  # the parsed object of a response, before it is taken over
    value: Callable[[Call, Value, Any], Value | None] | None = None  # the new state and the object that it came from
    operations: dict[str, Callable[[Call], Value | None]] = field(default_factory=dict)  # instead of the general way
    delete: Callable[[Call], None] | None = None  # before the delete's request


_NONE = Hooks()


@cache
def hooks(name: str | None) -> Hooks:
    """The rules of a quirk by its name."""
    if name is None:
        return _NONE
    found: Hooks = import_module(f"{__package__}.quirks.{name}").HOOKS
    return found


__all__ = ["Call", "Client", "Hooks", "Request", "Response", "Value", "hooks"]
