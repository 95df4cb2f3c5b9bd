"""A plan as every rendering sees it: one model for the terminal, Markdown, the step summary and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from deployer.engine.change import Change
from deployer.review.manifest import Manifest
from deployer.review.risk import Risk, risk_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A rule that a plan breaks. `rule` is its id, `place` where the rule stands, `where` what breaks it."""

    rule: str
    severity: Literal["error", "warning"]
    reason: str
    message: str
    where: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """One step of the playbook with what it would do."""

    name: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanView:
    """What is shown of a plan. `needed` are the approvals that the inventory asks for."""

    manifest: Manifest
    steps: Sequence[PlannedStep]
    findings: Sequence[Finding] = ()
    needed: int = 0

    @property
    def changes(self) -> tuple[Change, ...]:
        """All changes, in the order of the steps."""
        return tuple(change for step in self.steps for change in step.changes)

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that are reviewed: all but those of this machine."""
        return tuple(change for change in self.changes if not change.local)

    def by_risk(self) -> Iterator[tuple[Risk, tuple[Change, ...]]]:
        """The changes grouped by risk, the most dangerous first; empty groups are left out."""
        for risk in sorted(Risk, key=lambda each: -each.rank):
            group = tuple(change for change in self.changes if risk_of(change) is risk)
            if group:
                yield risk, group

    def masked(self, redact: Callable[[str], str]) -> PlanView:
        """The same view with every text through `redact`; to be done before anything is rendered.

        A value that was shortened or escaped would no longer be recognized. Addresses stay as they are: they are names,
        by which an apply finds its changes again.
        """
        return replace(
            self,
            steps=tuple(
                replace(step, changes=tuple(_masked(change, redact) for change in step.changes)) for step in self.steps
            ),
            findings=tuple(replace(finding, message=redact(finding.message)) for finding in self.findings),
        )


def _masked(change: Change, redact: Callable[[str], str]) -> Change:
    return replace(change, summary=redact(change.summary), detail=redact(change.detail))
