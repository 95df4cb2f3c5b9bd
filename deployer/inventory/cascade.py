"""The cascade: later layers win, every value remembers its layer.

Works on plain tables before they become models. Tables are merged key by key; lists, scalars and secret references are
taken whole, because half of one reference and half of another would point nowhere.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from deployer.errors import ConfigError
from deployer.inventory.origin import Layer, Origin, dotted
from deployer.inventory.positions import KeyPath, Position
from deployer.inventory.suggest import unknown

Table = Mapping[str, Any]

WHOLE: Final = (
    ("worker", "secrets", "*"),
    ("convex", "secrets", "*"),
    ("convex", "deploy_key"),
    ("project", "fingerprint_key"),
    ("project", "state", "copy_key"),
)
"""Tables that are one value: secret references."""


@dataclass(frozen=True, slots=True)
class Source:
    """One table of the file as a layer: what it is called, where it stands, what it holds."""

    layer: Layer
    prefix: KeyPath
    table: Table


@dataclass(slots=True)
class Layered:
    """Merged values (lists as tuples, as the strict models want them) and the origin of every leaf."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[KeyPath, Origin] = field(default_factory=dict)

    def add(self, source: Source, *, file: str, positions: Mapping[KeyPath, Position]) -> None:
        """Lay `source` over what is there."""
        self._merge(self.values, source.table, (), source, file, positions)

    def copy(self) -> Layered:
        """The same, to lay something else upon."""
        return Layered(values=_copied(self.values), origins=dict(self.origins))

    def set(self, path: tuple[str, ...], value: object, origin: Origin) -> None:
        """Put one value (of `--set`) on top."""
        table = self.values
        for index, part in enumerate(path[:-1]):
            below = table.setdefault(part, {})
            if not isinstance(below, dict):
                raise ConfigError(f"`{dotted(path[: index + 1])}` is no table, so it has no `{path[index + 1]}`")
            table = below
        self._forget(path)
        table[path[-1]] = as_tuples(value)
        self.origins[path] = origin

    def _merge(
        self,
        into: dict[str, Any],
        table: Table,
        path: KeyPath,
        source: Source,
        file: str,
        positions: Mapping[KeyPath, Position],
    ) -> None:
        for key, value in table.items():
            here = (*path, key)
            present = into.get(key)
            if isinstance(value, Mapping) and not _is_whole(here):
                if not isinstance(present, dict):
                    self._forget(here)
                    present = into[key] = {}
                self._merge(present, value, here, source, file, positions)
                continue
            if isinstance(present, dict):
                self._forget(here)
            into[key] = as_tuples(value)
            position = positions.get((*source.prefix, *here))
            self.origins[here] = Origin(
                source.layer, file, position.line if position else 0, position.table if position else ""
            )

    def _forget(self, path: KeyPath) -> None:
        for known in [known for known in self.origins if known[: len(path)] == path]:
            del self.origins[known]


@functools.cache
def _is_whole(path: KeyPath) -> bool:
    # Every environment has the same paths: an inventory of a thousand asks for them half a million times.
    return any(
        len(path) == len(pattern) and all(want in ("*", part) for want, part in zip(pattern, path, strict=True))
        for pattern in WHOLE
    )


def _copied(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copied(value) if isinstance(value, dict) else value for key, value in table.items()}


def as_tuples(value: object) -> Any:
    """Copy a TOML value with lists turned into tuples."""
    if isinstance(value, Mapping):
        return {key: as_tuples(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(as_tuples(item) for item in value)
    return value


_PLACEHOLDER: Final = re.compile(r"\{\{(\w+)\}\}|\{([A-Za-z_]\w*)\}")


def fill(value: Any, words: Mapping[str, str], *, path: KeyPath = (), origins: Mapping[KeyPath, Origin]) -> Any:
    """Fill `{placeholder}` in every text of `value`; `{{word}}` stands for a literal `{word}`."""
    if isinstance(value, str):
        return _fill_text(value, words, path, origins) if "{" in value else value
    if isinstance(value, Mapping):
        return {key: fill(item, words, path=(*path, key), origins=origins) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(fill(item, words, path=(*path, index), origins=origins) for index, item in enumerate(value))
    return value


def _fill_text(text: str, words: Mapping[str, str], path: KeyPath, origins: Mapping[KeyPath, Origin]) -> str:
    def replace(match: re.Match[str]) -> str:
        literal, word = match.groups()
        if literal is not None:
            return "{" + str(literal) + "}"
        if word in words:
            return words[word]
        from deployer.inventory.origin import closest

        origin = closest(origins, path)
        message, hint = unknown("placeholder", "{" + word + "}", ["{" + known + "}" for known in words])
        raise ConfigError(f"{dotted(path)}: {message}", place=origin.place if origin else None, hint=hint)

    return _PLACEHOLDER.sub(replace, text)


def leaves(value: Any, path: KeyPath = ()) -> list[tuple[KeyPath, Any]]:
    """Every value that is no table, with its path; secret references and lists count as one value."""
    found: list[tuple[KeyPath, Any]] = []
    _gather(value, path, found)
    return found


def _gather(value: Any, path: KeyPath, found: list[tuple[KeyPath, Any]]) -> None:
    # Plain dictionaries are told first: asking whether something is a Mapping is slow.
    if (isinstance(value, dict) or isinstance(value, Mapping)) and not _is_whole(path):  # noqa: SIM101
        for key, item in value.items():
            _gather(item, (*path, key), found)
    else:
        found.append((path, value))
