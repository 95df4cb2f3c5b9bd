"""From what a person types after `--env` to an entry of the inventory.

Names, aliases and templates (`pr-{number}`). Knows the entries' names, not what is in them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from deployer.errors import ConfigError, UsageError
from deployer.inventory.suggest import nearest

NUMBER: Final = "{number}"
LARGEST_NUMBER: Final = 9_999_999
"""Bounds the length of names; GitHub's largest repositories are far from it."""
_ENTRY: Final = re.compile(r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,6}")


@dataclass(frozen=True, slots=True)
class Resolved:
    """`entry` is the key in the file, `name` what it becomes, `number` what filled the template."""

    entry: str
    name: str
    number: int | None = None


def check_entry(entry: str, *, place: str) -> None:
    """Refuse names that could not be part of host names and state keys."""
    sample = entry.replace(NUMBER, "1")
    if not _ENTRY.fullmatch(sample) or entry.count(NUMBER) > 1:
        raise ConfigError(
            f"environment name `{entry}` is not usable",
            place=place,
            hint="use small letters, digits and hyphens, and at most one {number}",
        )


def resolve(name: str, entries: Sequence[str], aliases: Mapping[str, str]) -> Resolved:
    """Find the entry that `name` means; raises a UsageError with the nearest name."""
    if name in aliases:
        name = aliases[name]
    if name in entries and NUMBER not in name:
        return Resolved(name, name)
    for entry in entries:
        number = match_template(entry, name)
        if number is not None:
            return Resolved(entry, name, number)
    for entry in entries:
        prefix, found, suffix = entry.partition(NUMBER)
        if found and name.startswith(prefix) and name.endswith(suffix) and name != prefix:
            given = name[len(prefix) : len(name) - len(suffix)]
            raise UsageError(
                f"`{given}` in environment `{name}` is not a number from 1 to {LARGEST_NUMBER}",
                hint=f"write it like `{entry.replace(NUMBER, '12')}`",
            )
    known = [entry.replace(NUMBER, "<number>") for entry in entries]
    meant = nearest(name, [*entries, *aliases])
    listed = ", ".join(f"`{entry}`" for entry in known)
    also = ", ".join(f"`{alias}`" for alias in sorted(aliases))
    raise UsageError(
        f"unknown environment `{name}`" + (f"; did you mean `{meant.replace(NUMBER, '<number>')}`?" if meant else ""),
        hint=f"known: {listed}" + (f" (aliases {also})" if also else ""),
    )


def match_template(entry: str, name: str) -> int | None:
    """Return the number with which template `entry` becomes `name`, if it does."""
    prefix, found, suffix = entry.partition(NUMBER)
    if not found:
        return None
    match = re.fullmatch(re.escape(prefix) + f"({_NUMBER.pattern})" + re.escape(suffix), name)
    return int(match.group(1)) if match else None
