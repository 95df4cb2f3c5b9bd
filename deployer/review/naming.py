"""Whose name a value bears: this environment's, another one's, or nobody's.

Names are found as whole words, so that pr-1 is not found in vibechecc-pr-12-cache. A word that is only a part of a
longer one that belongs here (the zone within this environment's host) belongs here as well.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from deployer.inventory.checks import unique_things
from deployer.inventory.load import LoadedInventory
from deployer.inventory.model import Environment
from deployer.inventory.names import LARGEST_NUMBER, NUMBER

Span = tuple[int, int]
_HOST_END: Final = r"(?![a-z0-9-]|\.[a-z0-9])"


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """What this environment, and everything else of the project, is called.

    `others` and `hosts` are of environments that are written out, `templates` and `template_hosts` have `{number}` in
    them. `things` are other environments' Workers, namespaces, buckets and deployments by their whole names.
    """

    project: str
    zone: str
    name: str
    host: str
    others: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    templates: tuple[str, ...] = ()
    template_hosts: tuple[str, ...] = ()
    things: frozenset[str] = frozenset()

    def is_own(self, value: str) -> bool:
        """Whether `value` bears this environment's name, or its host."""
        text = value.lower()
        return any(True for _ in (*_words(self.name, text), *_hosts(self.host, text)))

    def foreign(self, value: str) -> str | None:
        """What in `value` belongs to another environment; None if nothing does."""
        text = value.lower()
        if text in self.things:
            return value
        here = [*_words(self.name, text), *_hosts(self.host, text)]
        neutral = [*here, *_words(self.project, text), *_hosts(self.zone, text)]
        for name in sorted(self.others):
            if any(not _within(span, neutral) for span in _words(name, text)):
                return name
        for host in sorted(self.hosts):
            if any(not _within(span, here) and self._is_theirs(host, span, text) for span in _hosts(host, text)):
                return host
        return next(self._numbered(text, neutral), None)

    def _is_theirs(self, host: str, span: Span, text: str) -> bool:
        """Whether a host found in `text` means the other environment, and not the domain above this one."""
        before = text[: span[0]]
        is_above = self.host.endswith(f".{host}") or host == self.zone
        return not (before.endswith(".") and is_above) or before.endswith("*.")

    def _numbered(self, text: str, neutral: list[Span]) -> Iterator[str]:
        for template in (*self.templates, *self.template_hosts):
            for match in _numbers(template).finditer(text):
                if not _within(match.span(), neutral):
                    yield match[0]


def naming_of(loaded: LoadedInventory, environment: Environment) -> Naming:
    """What the inventory calls this environment and all others."""
    project = loaded.inventory.project
    others: set[str] = set()
    hosts: set[str] = set()
    things: set[str] = set()
    templates: list[str] = []
    template_hosts: list[str] = []
    for entry in loaded.entries:
        other = loaded.sample(entry).environment
        if other.number is not None:
            templates.append(entry)
            template_hosts.append(other.host.replace(str(LARGEST_NUMBER), NUMBER))
        elif other.name != environment.name:
            others.add(other.name)
            hosts.add(other.host)
            things.update(name.lower() for _, name, path in unique_things(other) if path[0] in ("worker", "convex"))
    return Naming(
        project=project.name,
        zone=project.zone,
        name=environment.name,
        host=environment.host,
        others=frozenset(others),
        hosts=frozenset(hosts),
        # A template that is nothing but the number would find itself in every number.
        templates=tuple(each for each in templates if each != NUMBER),
        template_hosts=tuple(template_hosts),
        things=frozenset(things),
    )


def _words(word: str, text: str) -> Iterator[Span]:
    """Where `word` stands between what is neither letter nor digit."""
    return (match.span() for match in _whole(word).finditer(text))


def _hosts(host: str, text: str) -> Iterator[Span]:
    """Where `host` stands, alone or below a name of its own."""
    return (match.span() for match in _host(host).finditer(text))


@functools.cache
def _whole(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])")


@functools.cache
def _host(host: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z0-9-]){re.escape(host)}{_HOST_END}")


@functools.cache
def _numbers(template: str) -> re.Pattern[str]:
    before, _, after = template.partition(NUMBER)
    return re.compile(rf"(?<![a-z0-9]){re.escape(before)}[0-9]+{re.escape(after)}(?![a-z0-9])")


def _within(span: Span, others: Iterable[Span]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in others)
