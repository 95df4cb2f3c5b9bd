"""Takes what an interrupted apply has created, and its state does not know, into the state.

Terraform writes a thing into its state after it was made; whoever is killed in between, or loses the answer, leaves it
outside. So the names that an apply is going to create are noted in the state bucket before it starts, once it is
certain that none of them exists. What exists later and is on that note is ours. What exists without a note is somebody
else's, and is refused before anything is touched.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from deployer.adapters.state import Bucket
from deployer.adapters.terraform import PlannedChange
from deployer.errors import GuardRefused


@dataclass(frozen=True)
class Note:
    """The addresses that an apply of one stack was going to create, kept until it has ended well."""

    bucket: Bucket
    key: str

    def read(self) -> frozenset[str]:
        """What an apply that did not end was creating; empty if all ended."""
        found = self.bucket.get(self.key)
        return _creating(found.body if found else None)

    def write(self, addresses: Iterable[str]) -> None:
        """Note these in addition to what is there."""
        self.bucket.update(
            self.key, lambda body: json.dumps({"creating": sorted({*_creating(body), *addresses})}).encode()
        )

    def clear(self) -> None:
        """The apply has ended well."""
        self.bucket.delete([self.key])


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """Decides for one stack what is taken into its state."""

    note: Note
    # Resource type and planned attributes to the import id of what exists under that name.
    find: Callable[[str, Mapping[str, Any]], str | None]
    # The types for which `find` has an answer.
    findable: frozenset[str]

    def concerns(self, changes: Iterable[PlannedChange]) -> bool:
        """Whether there is anything to look for; looking costs requests."""
        return any(change.word == "create" and _type(change.address) in self.findable for change in changes)

    def ours(self, changes: Iterable[PlannedChange]) -> dict[str, str]:
        """Address to import id of what an apply that was cut off has made; somebody else's is left alone."""
        noted = self.note.read()
        return self._found(change for change in changes if change.address in noted)

    def existing(self, changes: Iterable[PlannedChange]) -> dict[str, str]:
        """Address to import id of what is ours; something of somebody else's is an error."""
        found = self._found(changes)
        foreign = sorted(found.keys() - self.note.read()) if found else []
        if foreign:
            raise GuardRefused(
                f"{len(foreign)} of the things to create exist already, and no deploy of this environment made them",
                place=foreign[0],
                hint="choose other names in environments.toml; if they are this environment's: `terraform import`",
                details=[f"{address} is there with import id {found[address]}" for address in foreign],
            )
        return found

    def _found(self, changes: Iterable[PlannedChange]) -> dict[str, str]:
        found = {}
        for change in changes:
            if change.word == "create" and _type(change.address) in self.findable:
                identifier = self.find(_type(change.address), change.wanted)
                if identifier is not None:
                    found[change.address] = identifier
        return found


def _creating(body: bytes | None) -> frozenset[str]:
    try:
        return frozenset(json.loads(body)["creating"]) if body else frozenset()
    except (ValueError, KeyError, TypeError):
        return frozenset()


def _type(address: str) -> str:
    parts = address.split(".")
    return parts[-2] if len(parts) > 1 else ""
