"""From the files that a change touches to the environments that it can affect, by the tables [ci.paths].

Pure: no git, no network. Whatever is not known affects everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from deployer.adapters.sources import pattern_of
from deployer.inventory.ci import PARTS, Part
from deployer.inventory.load import LoadedInventory
from deployer.inventory.model import Environment

_STACKS: Final[frozenset[str]] = frozenset(PARTS) - {"convex", "worker"}


@dataclass(frozen=True, kw_only=True)
class Affected:
    """One environment that a change can affect: which of its parts, and by which file."""

    environment: str
    parts: tuple[Part, ...]
    because: Mapping[Part, str]
    reviewed_only: bool

    @property
    def by_plan(self) -> bool:
        """Whether it changes by a plan as a whole, rather than by a deploy of the application."""
        return self.reviewed_only or not _STACKS.isdisjoint(self.parts)


def parts_of(loaded: LoadedInventory, paths: Iterable[str]) -> dict[Part, str]:
    """What a change of these files can affect, each part with the first file that says so."""
    tables = [(pattern_of(table.files), table.affects) for table in loaded.inventory.ci.paths.values()]
    found: dict[Part, str] = {}
    for path in paths:
        affects = next((affects for pattern, affects in tables if pattern.fullmatch(path)), PARTS)
        for part in affects:
            found.setdefault(part, path)
    return found


def affected(loaded: LoadedInventory, paths: Iterable[str]) -> tuple[Affected, ...]:
    """The environments that a change of these files can affect, without those made from a template."""
    parts = parts_of(loaded, paths)
    return tuple(each for each in (_of(environment, parts) for environment in _written(loaded)) if each.parts)


def named(loaded: LoadedInventory, name: str) -> tuple[Affected, ...]:
    """An environment that somebody names by hand: all of it."""
    return (_of(loaded.environment(name), dict.fromkeys(PARTS, "asked for by name")),)


def names(found: Sequence[Affected], *, by_plan: bool | None = None, part: Part | None = None) -> list[str]:
    """The names of those that change by a plan (or not), and of which `part` is affected."""
    return [
        each.environment
        for each in found
        if (by_plan is None or each.by_plan is by_plan) and (part is None or part in each.parts)
    ]


def _written(loaded: LoadedInventory) -> list[Environment]:
    from deployer.playbooks.environments import written_out

    return [loaded.environment(name) for name in written_out(loaded)]


def _of(environment: Environment, parts: Mapping[Part, str]) -> Affected:
    has: set[str] = {*environment.stacks, "convex", "worker"}
    mine: dict[Part, str] = {part: parts[part] for part in PARTS if part in parts and part in has}
    return Affected(
        environment=environment.name,
        parts=tuple(mine),
        because=mine,
        reviewed_only=environment.guards.reviewed_only,
    )
