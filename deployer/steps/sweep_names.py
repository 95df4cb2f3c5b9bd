"""Whose a thing is by its whole name: a number of one of the inventory's templates, or nobody's.

A name fits only as a whole, so that pr-1 is never found in pr-12, nor in a stranger's name. What an environment that is
written out is called never fits, whatever the templates say: nothing of production may ever be taken for a leftover.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from deployer.errors import ConfigError
from deployer.inventory.load import LoadedInventory
from deployer.inventory.model import Environment
from deployer.inventory.names import LARGEST_NUMBER, NUMBER
from deployer.steps.sweep import Kind

# With another number the names have to be the same but for that.
_OTHER: Final = 1_000_003
_DIGITS: Final = r"[1-9][0-9]{0,6}"
# What a route's pattern may have around its host.
_ROUTE: Final = re.compile(r"(?:https?://)?([^/*]+)(?:/.*)?")


@dataclass(frozen=True, slots=True)
class Whose:
    """An environment and its number."""

    environment: str
    number: int


@dataclass(frozen=True, slots=True)
class _Pattern:
    entry: str
    whole: re.Pattern[str]

    def number(self, name: str) -> int | None:
        found = self.whole.fullmatch(name)
        return int(found["number"]) if found else None


@dataclass(frozen=True)
class EphemeralNames:
    """The names of all ephemeral environments, as patterns, and those that are never theirs."""

    patterns: Mapping[Kind, tuple[_Pattern, ...]]
    never: frozenset[str]
    entries: tuple[str, ...]
    """Templates whose instances may be removed."""

    @classmethod
    def of(cls, loaded: LoadedInventory) -> EphemeralNames:
        """Those of an inventory. Instances of a protected template are nobody's to remove."""
        project = loaded.inventory.project
        never = {project.name, project.zone, project.state_bucket, *loaded.aliases}
        patterns: dict[Kind, list[_Pattern]] = {}
        entries = []
        for entry in loaded.entries:
            environment = loaded.sample(entry).environment
            if environment.number is None:
                never.update(name for _, name in _things(environment))
            elif not environment.guards.protected:
                entries.append(entry)
                for kind, name in _templates(loaded, entry, environment):
                    patterns.setdefault(kind, []).append(_Pattern(entry, _pattern(name)))
        return cls(
            patterns={kind: tuple(found) for kind, found in patterns.items()},
            never=frozenset(name.lower() for name in never),
            entries=tuple(entries),
        )

    def whose(self, kind: Kind, name: str) -> Whose | None:
        """The environment that a thing is of; None for everybody else's."""
        text = name.lower()
        if kind is Kind.ROUTE:
            found = _ROUTE.fullmatch(text)
            text = found[1] if found else ""
        elif kind is Kind.ALERT:
            text = self._worker_before(text)
        return self._whole(kind, text)

    def environment(self, name: str) -> Whose | None:
        """The environment of this very name."""
        return self._whole(Kind.STATE, name)

    def _whole(self, kind: Kind, text: str) -> Whose | None:
        if not text or text in self.never:
            return None
        found = {
            Whose(pattern.entry.replace(NUMBER, str(number)), number)
            for pattern in self.patterns.get(kind, ())
            if (number := pattern.number(text)) is not None
        }
        # Of two templates that make one name nobody knows which it was.
        (whose,) = found if len(found) == 1 else (None,)
        return None if whose is None or whose.environment in self.never else whose

    def _worker_before(self, text: str) -> str:
        """The Worker whose name an alert begins with: `vibechecc-pr-12 errors`; empty if it is of somebody else."""
        found = (re.match(rf"{each.whole.pattern}(?![a-z0-9])", text) for each in self.patterns.get(Kind.WORKER, ()))
        worker = max((match[0] for match in found if match), key=len, default="")
        theirs = tuple(name for name in self.never if len(name) >= len(worker))
        return "" if any(text.startswith(name) and not text[len(name) :][:1].isalnum() for name in theirs) else worker


def _things(environment: Environment) -> Iterator[tuple[Kind, str]]:
    """Everything of an environment that bears a name."""
    worker = environment.worker
    yield Kind.STATE, environment.name
    yield Kind.OBJECT, environment.name
    yield Kind.PREVIEW, environment.convex.deployment or environment.name
    yield Kind.WORKER, worker.name
    yield Kind.ALERT, worker.name
    for kind in (Kind.HOST, Kind.RECORD, Kind.ROUTE):
        yield kind, environment.host
    yield from ((Kind.NAMESPACE, title) for title in worker.kv.values())
    yield from ((Kind.BUCKET, bucket) for bucket in worker.r2.values())


def _templates(loaded: LoadedInventory, entry: str, sample: Environment) -> Iterator[tuple[Kind, str]]:
    """The names of a template with {number} in them; an error if a name does not follow from the number alone."""
    names = [(kind, name.replace(str(LARGEST_NUMBER), NUMBER)) for kind, name in _things(sample)]
    other = loaded.environment(entry.replace(NUMBER, str(_OTHER)))
    filled = [(kind, name.replace(NUMBER, str(_OTHER))) for kind, name in names]
    if filled != list(_things(other)) or any(NUMBER not in name for _, name in names):
        raise ConfigError(
            f"names of the template `{entry}` do not follow from the number alone, so nobody could tell whose they are",
            place=loaded.file,
            hint="put {number} or {environment} into each of them, and nothing else that changes",
        )
    yield from names


def _pattern(name: str) -> re.Pattern[str]:
    first, *others = name.lower().split(NUMBER)
    more = "".join(f"(?P=number){re.escape(part)}" for part in others[1:])
    return re.compile(f"{re.escape(first)}(?P<number>{_DIGITS}){re.escape(others[0])}{more}")
