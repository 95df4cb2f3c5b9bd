"""Terraform's own commands on a state: move, forget, show.

They go through Terraform and not through our reading of its format, because it knows what belongs together. What is
sensitive is replaced here, before anybody else sees it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deployer.adapters.terraform.differences import SENSITIVE
from deployer.adapters.terraform.stack import Stack


@dataclass(frozen=True)
class Shown:
    """One thing of a state, with what is sensitive hidden."""

    address: str
    type: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class ShownState:
    """A state for people."""

    things: Sequence[Shown]
    outputs: Mapping[str, Any]


def move(stack: Stack, source: str, destination: str) -> None:
    """Let a thing be known under another address."""
    stack.edit("state mv", ["state", "mv", source, destination])


def forget(stack: Stack, addresses: Sequence[str]) -> None:
    """Take things out of the state; they themselves stay as they are."""
    stack.edit("state rm", ["state", "rm", *addresses])


def show(stack: Stack) -> ShownState:
    """All things and outputs, without what is sensitive."""
    values = stack.shown_state().get("values") or {}
    outputs = values.get("outputs") or {}
    return ShownState(
        things=tuple(sorted(_things(values.get("root_module") or {}), key=lambda thing: thing.address)),
        outputs={
            name: SENSITIVE if output.get("sensitive") else output.get("value")
            for name, output in sorted(outputs.items())
        },
    )


def _things(module: Mapping[str, Any]) -> Iterator[Shown]:
    for resource in module.get("resources") or ():
        deposed = f" (deposed {resource['deposed_key']})" if resource.get("deposed_key") else ""
        values = _hidden(resource.get("values") or {}, resource.get("sensitive_values") or {})
        yield Shown(f"{resource['address']}{deposed}", resource["type"], values)
    for child in module.get("child_modules") or ():
        yield from _things(child)


def _hidden(value: Any, sensitive: Any) -> Any:
    if sensitive is True:
        return None if value is None else SENSITIVE
    if isinstance(value, Mapping) and isinstance(sensitive, Mapping):
        return {key: _hidden(item, sensitive.get(key)) for key, item in value.items()}
    if isinstance(value, list) and isinstance(sensitive, list):
        marks = [*sensitive, *[None] * (len(value) - len(sensitive))]
        return [_hidden(item, mark) for item, mark in zip(value, marks, strict=False)]
    return value
