"""How a moment and a command are written wherever a person reads them, so that everybody writes them alike.

Below everything else: it knows no inventory, no tool and no terminal.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

SANDBOX: Final = "sandbox"


def moment(time: dt.datetime, *, seconds: bool = False) -> str:
    """A time to the minute, or to the second; always UTC, since readers sit everywhere."""
    return f"{time.astimezone(dt.UTC):%Y-%m-%d %H:%M{':%S' if seconds else ''}} UTC"


@dataclass(frozen=True, slots=True)
class Named:
    """An environment on its target, for whoever tells a person what to type next.

    Both always go together: without the target's word, the command that cures the sandbox would act on the cloud.
    """

    environment: str
    target: str

    @property
    def flags(self) -> str:
        """The target's word on the command line, with the space before it."""
        return f" --{SANDBOX}" if self.target == SANDBOX else ""

    def listing(self, task: str, *flags: str) -> str:
        """What to type, in backticks, for what all environments of the target have."""
        return f"`{' '.join(['inv', task, *flags])}{self.flags}`"

    def command(self, task: str, *flags: str) -> str:
        """What to type, in backticks."""
        return f"`{self.bare(task, *flags)}`"

    def bare(self, task: str, *flags: str) -> str:
        """The same without backticks."""
        return f"{' '.join(['inv', task, '--env', self.environment, *flags])}{self.flags}"
