"""What a run came to: one result per step and their sum.

Plain data. `report/` turns it into text and JSON; `cli/` turns it into an exit code.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from deployer.engine.change import Change
from deployer.errors import DeployError


class Status(enum.StrEnum):
    """Ansible's words. In check mode CHANGED means "would change"."""

    OK = "ok"
    CHANGED = "changed"
    SKIPPED = "skipped"
    FAILED = "failed"


class Outcome(enum.StrEnum):
    """The run as a whole; CHANGES is what check mode says when something would be done."""

    OK = "ok"
    CHANGES = "changes"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """How one step ended. `why` is the reason of a skip; `error` the cause of a failure."""

    name: str
    status: Status
    seconds: float = 0.0
    changes: Sequence[Change] = ()
    why: str | None = None
    error: DeployError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """Results in the order in which the playbook lists its steps."""

    playbook: str
    check: bool
    results: Sequence[StepResult]
    seconds: float
    error: DeployError | None = None
    """What decides the exit code: an interruption or time-out, else the failure that came first."""

    def count(self, status: Status) -> int:
        """How many steps ended with `status`."""
        return sum(result.status is status for result in self.results)

    @property
    def outcome(self) -> Outcome:
        """The run in one word."""
        if self.error is not None or self.count(Status.FAILED):
            return Outcome.FAILED
        return Outcome.CHANGES if self.check and self.count(Status.CHANGED) else Outcome.OK
