"""A command as the ledger keeps it, so that somebody who reads it later could type it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

Flags = Mapping[str, str | bool | Sequence[str]]
"""By name, without dashes; one with several values was given several times."""


def command_line(task: str, flags: Flags) -> str:
    """`inv TASK` with those flags that have a value."""
    words = [f"inv {task}"]
    for name, value in flags.items():
        if isinstance(value, bool):
            words += [f"--{name}"] if value else []
        else:
            given = [value] if isinstance(value, str) else value
            words += [f"--{name} {shlex.quote(each)}" for each in given if each]
    return " ".join(words)


def names_of(settings: Iterable[str]) -> tuple[str, ...]:
    """Of values that were set only the names: the values may be anything."""
    return tuple(setting.partition("=")[0] for setting in settings)
