"""Judges a plan by the rules of the inventory.

A rule looks at planned resources (or, with a limit, at all changes) and yields findings. What is only known after the
apply cannot be judged: that is said too, so that silence means that everything was looked at.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from deployer.engine.change import Action, Change
from deployer.inventory.review import Rule, Scalar
from deployer.review.naming import Naming
from deployer.review.patterns import fits, fits_any
from deployer.review.view import Finding

Word = Literal["create", "update", "replace", "delete", "forget"]
Leaf = str | int | float | bool | list[Any] | dict[str, Any]

SENSITIVE: Final = "(sensitive)"
_LISTED: Final = 3
_LONGEST: Final = 200
_DONE: Final = {
    "create": "created",
    "update": "updated",
    "replace": "replaced",
    "delete": "deleted",
    "forget": "forgotten",
}
_WORDS: Final[Mapping[Action, Word]] = {
    Action.CREATE: "create",
    Action.UPDATE: "update",
    Action.REPLACE: "replace",
    Action.DELETE: "delete",
    Action.FORGET: "forget",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedResource:
    """A Terraform resource as it will be; one that is deleted or forgotten, as it was.

    Sensitive values are judged like all others but never shown: `hidden` has their paths, `unknown` those of what only
    the apply will tell. A path reads `rules[0].enabled`.
    """

    stack: str
    address: str
    type: str
    action: Word
    values: Mapping[str, Any] = field(repr=False)
    unknown: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()

    @property
    def where(self) -> str:
        """Its address as changes have it."""
        return f"{self.stack}:{self.address}"


def check_policy(
    rules: Mapping[str, Rule],
    resources: Sequence[PlannedResource],
    changes: Sequence[Change],
    *,
    naming: Naming,
    places: Mapping[str, str],
) -> tuple[Finding, ...]:
    """Every violation of an enabled rule, errors first. `places` say where in the inventory each rule stands."""
    found: list[Finding] = []
    for identifier, rule in rules.items():
        if rule.enabled:
            judge = _Judge(identifier, rule, naming, places.get(identifier, ""))
            found += judge.attributes(resources) if rule.at_most is None else judge.limit(resources, changes)
    return tuple(sorted(found, key=lambda finding: finding.severity != "error"))


def violations(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings that stop a plan."""
    return tuple(finding for finding in findings if finding.severity == "error")


@dataclass(frozen=True, slots=True)
class _Judge:
    """One rule at work."""

    identifier: str
    rule: Rule
    naming: Naming
    place: str

    def attributes(self, resources: Sequence[PlannedResource]) -> Iterator[Finding]:
        """Findings of a rule about attributes."""
        unjudged: list[str] = []
        for resource in resources:
            leaves = self._leaves(resource)
            if leaves is None:
                continue
            open_where = self._open_where(resource)
            if open_where or not self._where_fits(leaves):
                unjudged += [f"{resource.where} {path}" for path in open_where]
                continue
            looked = False
            for path, value in leaves.items():
                if fits_any(self.rule.attributes, path):
                    looked = True
                    wrong = self._wrong(value)
                    if wrong is not None:
                        shown = SENSITIVE if _is_hidden(path, resource.hidden) else _shown(value)
                        yield self._finding(f"`{path}` is `{shown}`, {wrong}", f"{resource.where} {path}")
            later = [path for path in sorted(resource.unknown) if _looks_into(self.rule.attributes, path)]
            unjudged += [f"{resource.where} {path}" for path in later]
            if self.rule.required and not looked and not later:
                names = " or ".join(f"`{name}`" for name in self.rule.attributes)
                yield self._finding(f"there is no {names}, which must be set", resource.where)
        if unjudged:
            yield self._unjudged(unjudged)

    def limit(self, resources: Sequence[PlannedResource], changes: Sequence[Change]) -> Iterator[Finding]:
        """Findings of a rule about numbers."""
        counted, unjudged = [], []
        for resource in resources:
            leaves = self._leaves(resource)
            if leaves is None:
                continue
            open_where = self._open_where(resource)
            if open_where:
                unjudged += [f"{resource.where} {path}" for path in open_where]
            elif self._where_fits(leaves):
                counted.append(resource.where)
        counted += self._others({resource.where for resource in resources}, changes)
        most = self.rule.at_most
        if most is not None and len(counted) > most:
            done = " or ".join(_DONE[action] for action in self.rule.actions)
            number = "1 thing" if len(counted) == 1 else f"{len(counted)} things"
            allowed = f"at most {most} may be" if most else "none may be"
            yield self._finding(f"{number} would be {done}, {allowed}", _listed(counted))
        if unjudged:
            yield self._unjudged(unjudged)

    def _others(self, known: set[str], changes: Sequence[Change]) -> Iterator[str]:
        """Changes that are not Terraform's: their type is what stands before the colon, attributes they have none."""
        for change in changes:
            if change.local or change.address in known or self.rule.where:
                continue
            kind = change.address.partition(":")[0]
            if _WORDS.get(change.action) in self.rule.actions and fits_any(self.rule.types, kind):
                yield change.address

    def _leaves(self, resource: PlannedResource) -> Mapping[str, Leaf] | None:
        """The attributes of a resource that the rule looks at; None for others."""
        if resource.action not in self.rule.actions or not fits_any(self.rule.types, resource.type):
            return None
        return dict(leaves_of(resource.values))

    def _open_where(self, resource: PlannedResource) -> list[str]:
        """Attributes by which it would be known whether the rule concerns a resource, and which are not known yet."""
        return [path for path in sorted(resource.unknown) if _looks_into(tuple(self.rule.where), path)]

    def _where_fits(self, leaves: Mapping[str, Leaf]) -> bool:
        return all(
            any(fits(pattern, path) and _text(value) == _text(wanted) for path, value in leaves.items())
            for pattern, wanted in self.rule.where.items()
        )

    def _wrong(self, value: Leaf) -> str | None:
        """What a value must be, if it is not."""
        rule, text = self.rule, _text(value)
        if rule.like and not fits_any(rule.like, text):
            return f"must be like {_choice(rule.like)}"
        if rule.unlike and fits_any(rule.unlike, text):
            return f"must not be like {_choice(rule.unlike)}"
        if rule.one_of and text not in map(_text, rule.one_of):
            return f"must be {_choice(rule.one_of)}"
        if rule.none_of and text in map(_text, rule.none_of):
            return f"must not be {_choice(rule.none_of)}"
        if rule.names == "own" and not self.naming.is_own(text):
            return f"must bear the name `{self.naming.name}`"
        foreign = self.naming.foreign(text) if rule.names == "not-foreign" else None
        return None if foreign is None else f"must not bear `{foreign}`, which is another environment's"

    def _finding(self, message: str, where: str) -> Finding:
        return Finding(
            rule=self.identifier,
            severity=self.rule.severity,
            reason=self.rule.reason,
            message=message,
            where=where,
            place=self.place,
        )

    def _unjudged(self, where: Sequence[str]) -> Finding:
        values = "1 value is" if len(where) == 1 else f"{len(where)} values are"
        return Finding(
            rule=self.identifier,
            severity="warning",
            reason=self.rule.reason,
            message=f"{values} only known after the apply, and not judged",
            where=_listed(where),
            place=self.place,
        )


def leaves_of(value: Any, path: str = "") -> Iterator[tuple[str, Leaf]]:
    """Every value that holds no others, by its path. What is null is not there; an empty list or table is a value."""
    if value is None:
        return
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves_of(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple) and value:
        for index, item in enumerate(value):
            yield from leaves_of(item, f"{path}[{index}]")
    elif path:
        yield path, value


def _looks_into(patterns: tuple[str, ...], path: str) -> bool:
    """Whether one of the patterns describes `path`, or something within it."""
    return fits_any(_starts(patterns), path)


@functools.cache
def _starts(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The patterns, and what leads each of them up to a dot or a bracket."""
    parts = (
        pattern[:index]
        for pattern in patterns
        for index, character in enumerate(pattern)
        if index and character in ".["
    )
    return (*patterns, *dict.fromkeys(parts))


def _is_hidden(path: str, hidden: frozenset[str]) -> bool:
    return any(path == each or path.startswith((f"{each}.", f"{each}[")) for each in hidden)


def _text(value: Leaf | Scalar) -> str:
    """A value as rules compare it: 1.2 and "1.2" are the same, as are true and "true"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _shown(value: Leaf) -> str:
    """Whole or not at all: a part of a secret would no longer be recognized as one."""
    text = _text(value)
    return text if len(text) <= _LONGEST else f"a text of {len(text)} characters"


def _choice(values: Sequence[Scalar]) -> str:
    return " or ".join(f"`{_text(value)}`" for value in values)


def _listed(where: Sequence[str]) -> str:
    more = len(where) - _LISTED
    return ", ".join(where[:_LISTED]) + (f" and {more} more" if more > 0 else "")
