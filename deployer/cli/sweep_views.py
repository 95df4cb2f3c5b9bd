"""What pr.sweep prints: what was found, what stays, and what became of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.errors import DeployError
    from deployer.playbooks.reporting import Told
    from deployer.playbooks.sweep import Survey
    from deployer.steps.sweep import Finding, Thing


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a finding. `skipped` says why it was left alone, `left` which of its things are still there.

    `told` is what its pull request was told of the removal, `untold` why that failed.
    """

    finding: Finding
    removed: bool = False
    skipped: str = ""
    error: DeployError | None = None
    left: tuple[int, ...] = ()
    told: Told | None = None
    untold: DeployError | None = None

    @property
    def things_left(self) -> tuple[Thing, ...]:
        """Those that are still there."""
        return tuple(self.finding.things[place] for place in self.left)

    @property
    def word(self) -> str:
        """In one word."""
        return "failed" if self.error else "skipped" if self.skipped else "removed" if self.removed else "kept"


def show(session: Session, survey: Survey) -> None:
    """Print what was found, and what of the rest a person should know."""
    from deployer.report.text import wrapped

    if session.json:
        return
    findings = survey.judgement.findings
    for finding in findings:
        said = f"{finding.environment}: {finding.cause}, {finding.why}; there is: {_counted(finding.things)}"
        for line in wrapped(said):
            session.sink.data(line)
    if not findings:
        session.sink.data("nothing to remove")
    for kept in survey.judgement.kept:
        if kept.noted:
            session.sink.talk(f"note: `{kept.environment}` is left alone: {kept.why}")
    for name in survey.strays:
        session.sink.talk(f"note: the lease of `{name}` fits no template of the inventory and is left alone")
    for what, error in survey.seen.unseen:
        session.sink.talk(f"note: {what} could not be listed: {error.message}")


def conclude(
    session: Session, survey: Survey, outcomes: Sequence[Outcome], *, check: bool, error: DeployError | None
) -> None:
    """Print the document, or what became of each finding and of each kind of thing."""
    if session.json:
        findings = survey.judgement.findings
        said = "changes" if check and findings and error is None else None
        session.answer(document(survey, outcomes, check=check), outcome=said, error=error)
        return
    for outcome in outcomes:
        if outcome.skipped:
            session.sink.talk(f"note: `{outcome.finding.environment}` was skipped: {outcome.skipped}")
    if outcomes:
        words = Counter(outcome.word for outcome in outcomes)
        session.sink.data(", ".join(f"{words[word]} {word}" for word in ("removed", "skipped", "failed", "kept")))
        for kind, counts in by_provider(outcomes).items():
            session.sink.data(f"  {kind}: {counts['removed']} removed, {counts['left']} left")


def document(survey: Survey, outcomes: Sequence[Outcome], *, check: bool) -> dict[str, Any]:
    """For machines."""
    by_name = {outcome.finding.environment: outcome for outcome in outcomes}
    return {
        "check": check,
        "findings": [_finding(each, by_name.get(each.environment)) for each in survey.judgement.findings],
        "kept": [
            {"environment": each.environment, "number": each.number, "why": each.why} for each in survey.judgement.kept
        ],
        "providers": by_provider(outcomes),
        "unseen": [
            {"listing": what, "message": error.message, "place": error.place} for what, error in survey.seen.unseen
        ],
        "pull_requests_asked": survey.facts.open is not None,
        "strays": list(survey.strays),
    }


def by_provider(outcomes: Sequence[Outcome]) -> dict[str, dict[str, int]]:
    """How many things of each kind are gone, and how many are left; those of a skipped environment are no result."""
    counts: dict[str, dict[str, int]] = {}
    for outcome in outcomes:
        if not outcome.removed and outcome.error is None:
            continue
        for place, thing in enumerate(outcome.finding.things):
            left = place in outcome.left
            counts.setdefault(str(thing.kind), {"removed": 0, "left": 0})["left" if left else "removed"] += 1
    return counts


def _finding(finding: Finding, outcome: Outcome | None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "environment": finding.environment,
        "number": finding.number,
        "cause": str(finding.cause),
        "why": finding.why,
        "things": [thing.document() for thing in finding.things],
    }
    if outcome is not None:
        shown["outcome"] = outcome.word
        if outcome.error is not None:
            shown["error"] = {"reason": outcome.error.reason, "message": outcome.error.message}
            shown["left"] = [thing.document() for thing in outcome.things_left]
        if outcome.told is not None:
            told = outcome.told.fields()
            shown["told"] = {name: told[name] for name in ("comment", "changed", "deployment", "notes")}
        if outcome.untold is not None:
            shown["untold"] = {"reason": outcome.untold.reason, "message": outcome.untold.message}
        if outcome.skipped:
            shown["skipped"] = outcome.skipped
    return shown


def _counted(things: Sequence[Thing]) -> str:
    counts = Counter(str(thing.kind) for thing in things)
    return ", ".join(kind if count == 1 else f"{count} {kind}s" for kind, count in counts.items()) or "a lease"
