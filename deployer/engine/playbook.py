"""A playbook: an ordered graph of steps, checked when it is made.

It answers in which order steps come, which are selected by tags and which depend on which. It runs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from deployer.engine.step import Step
from deployer.errors import InternalError, UsageError
from deployer.inventory.suggest import nearest, unknown

ALWAYS: Final = "always"
"""Steps with this tag are selected whatever `--tags` says, as in Ansible; only `--skip-tags always` leaves them out."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What `--tags` and `--skip-tags` ask for; empty means everything."""

    tags: frozenset[str] = frozenset()
    skip_tags: frozenset[str] = frozenset()

    def includes(self, tags: frozenset[str]) -> bool:
        """Whether a step with these tags is selected."""
        if tags & self.skip_tags:
            return False
        return not self.tags or ALWAYS in tags or bool(tags & self.tags)


@dataclass(frozen=True)
class Playbook:
    """Steps in an order that respects their needs; ties keep the order in which they were written.

    A wrong graph (a name twice, an unknown need, a circle, a value provided twice) is our mistake, never the user's.
    """

    name: str
    steps: Sequence[Step[Any]]
    by_name: Mapping[str, Step[Any]] = field(init=False, repr=False, compare=False)
    providers: Mapping[str, str] = field(init=False, repr=False, compare=False)
    ancestors: Mapping[str, frozenset[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name: dict[str, Step[Any]] = {}
        providers: dict[str, str] = {}
        for step in self.steps:
            if step.name in by_name:
                raise InternalError(f"playbook `{self.name}` has two steps named `{step.name}`")
            by_name[step.name] = step
            for value in step.provides:
                if value in providers:
                    raise InternalError(f"`{value}` is provided by `{providers[value]}` and by `{step.name}`")
                providers[value] = step.name
        for step in self.steps:
            for need in step.needs:
                if need not in by_name:
                    meant = nearest(need, by_name)
                    raise InternalError(
                        f"step `{step.name}` needs `{need}`, which playbook `{self.name}` does not have",
                        hint=f"did you mean `{meant}`?" if meant else None,
                    )
        ordered = self._ordered(by_name)
        ancestors: dict[str, frozenset[str]] = {}
        for step in ordered:
            ancestors[step.name] = frozenset(step.needs).union(*(ancestors[need] for need in step.needs))
        object.__setattr__(self, "steps", tuple(ordered))
        object.__setattr__(self, "by_name", by_name)
        object.__setattr__(self, "providers", providers)
        object.__setattr__(self, "ancestors", ancestors)

    def _ordered(self, by_name: Mapping[str, Step[Any]]) -> list[Step[Any]]:
        """Depth first along the needs, in the order in which the steps were written."""
        ordered: list[Step[Any]] = []
        placed: set[str] = set()

        def place(name: str, path: tuple[str, ...]) -> None:
            if name in placed:
                return
            if name in path:
                circle = " -> ".join((*path[path.index(name) :], name))
                raise InternalError(f"the steps of playbook `{self.name}` need each other in a circle: {circle}")
            for need in by_name[name].needs:
                place(need, (*path, name))
            placed.add(name)
            ordered.append(by_name[name])

        for step in self.steps:
            place(step.name, ())
        return ordered

    def tags(self) -> frozenset[str]:
        """All tags that some step has."""
        return frozenset().union(*(step.tags for step in self.steps))

    def select(self, *, tags: Sequence[str] = (), skip_tags: Sequence[str] = ()) -> Selection:
        """Check the words of `--tags` and `--skip-tags` against the tags that exist."""
        known = self.tags() | {ALWAYS}
        for tag in (*tags, *skip_tags):
            if tag not in known:
                message, hint = unknown("tag", tag, known)
                raise UsageError(message, hint=hint)
        return Selection(frozenset(tags), frozenset(skip_tags))

    def wanted_for_values(self, selection: Selection) -> frozenset[str]:
        """Steps that are not selected but provide values above a selected step: observed, never applied."""
        needed = frozenset[str]().union(
            *(self.ancestors[step.name] for step in self.steps if selection.includes(step.tags))
        )
        return frozenset(
            step.name
            for step in self.steps
            if step.provides and step.name in needed and not selection.includes(step.tags)
        )
