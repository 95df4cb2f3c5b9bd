"""What differs between two states, by resource. Names of attributes only: no value of a state leaves this module."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deployer.adapters.terraform.state import Instance, State

_NAMED_AT_MOST = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What `after` has in addition, has no more, and has otherwise: address to the paths of the attributes."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, tuple[str, ...]]
    outputs: tuple[str, ...]

    @property
    def summary(self) -> str:
        """In a few words."""
        counts = {"added": len(self.added), "removed": len(self.removed), "changed": len(self.changed)}
        parts = [f"{count} {word}" for word, count in counts.items() if count]
        if self.outputs:
            parts.append(f"{len(self.outputs)} output{'s' if len(self.outputs) > 1 else ''} changed")
        return ", ".join(parts) or "the same resources"

    def lines(self) -> Iterator[str]:
        """One line for each resource and output that differs."""
        for address in self.added:
            yield f"+ {address}"
        for address in self.removed:
            yield f"- {address}"
        for address, paths in self.changed.items():
            yield f"~ {address}: {_listed(paths)}"
        for name in self.outputs:
            yield f"~ output {name}"


def difference(before: State | None, after: State) -> Difference:
    """From `before` (None: no state that can be read) to `after`."""
    old = before.instances if before else {}
    new = after.instances
    pairs = {address: (old[address], new[address]) for address in new if address in old}
    changed = {address: tuple(_paths(*pair)) for address, pair in pairs.items()}
    outputs = {**(before.outputs if before else {}), **after.outputs}
    return Difference(
        added=tuple(address for address in new if address not in old),
        removed=tuple(address for address in old if address not in new),
        changed={address: paths for address, paths in changed.items() if paths},
        outputs=tuple(sorted(name for name in outputs if _output(before, name) != _output(after, name))),
    )


def _output(state: State | None, name: str) -> str | None:
    return json.dumps(state.outputs[name], sort_keys=True) if state and name in state.outputs else None


def _paths(old: Instance, new: Instance) -> Iterator[str]:
    hidden = old.hidden | new.hidden
    before, after = dict(_leaves(old.attributes)), dict(_leaves(new.attributes))
    for path in sorted({*before, *after}):
        if before.get(path) != after.get(path):
            secret = any(path == each or path.startswith(f"{each}.") for each in hidden)
            yield f"{path} (sensitive)" if secret else path


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else None
    if not inner:
        yield path, json.dumps(value)
        return
    for key, item in inner:
        yield from _leaves(item, f"{path}.{key}" if path else str(key))


def _listed(paths: tuple[str, ...]) -> str:
    named = ", ".join(paths[:_NAMED_AT_MOST])
    more = len(paths) - _NAMED_AT_MOST
    return f"{len(paths)} attribute{'s' if len(paths) > 1 else ''} ({named}{f' and {more} more' if more > 0 else ''})"
