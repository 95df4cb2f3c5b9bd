"""A plan for the terminal and for a CI log: dangerous changes first, no noise, 80 columns, colour never needed."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final, Protocol

from deployer.engine.change import Change
from deployer.report.plan_diff import capped, change_detail
from deployer.report.plan_words import (
    NAMED,
    Group,
    groups,
    kind_of,
    made_from,
    may,
    next_command,
    number,
    safe,
    title,
    told,
    totals,
)
from deployer.report.text import SYMBOLS
from deployer.review.risk import Risk
from deployer.review.view import Finding, PlanView
from deployer.words import moment

_DEEPER: Final = " " * 6
_MOST_LINES: Final = 12
_STYLES: Final = {
    Risk.DESTROY: ("red", "bold"),
    Risk.UPDATE: ("yellow", "bold"),
    Risk.ADDITIVE: ("green", "bold"),
    Risk.NONE: ("dim",),
}
_SIGNS: Final = {"+": "green", "-": "red", "~": "yellow"}


class Paint(Protocol):
    """`Sink.paint`, or something like it."""

    def __call__(self, text: str, /, *styles: str) -> str:
        """Return the text in these styles."""


def plain(text: str, /, *styles: str) -> str:
    """No colour: for files."""
    return text


def plan_lines(
    view: PlanView,
    *,
    width: int = 80,
    paint: Paint = plain,
    diff: bool = False,
    plan: str | None = None,
    whats_next: bool = True,
) -> Iterator[str]:
    """The lines; with `diff` nothing is folded or shortened.

    `plan` is what `--plan` takes (the folder, or the id in the store), for the next command at the end; without it the
    plan was kept nowhere. Whoever is about to do something with the plan needs no such command.
    """
    yield from _head(view, width=width, paint=paint)
    for risk, changes in view.by_risk():
        yield ""
        yield paint(title(risk, changes), *_STYLES[risk])
        for group in groups(changes, fold=not diff):
            yield from _group(group, risk=risk, width=width, paint=paint, diff=diff)
    for severity, styles in (("error", ("red", "bold")), ("warning", ("yellow", "bold"))):
        found = [finding for finding in view.findings if finding.severity == severity]
        if found:
            yield ""
            yield paint(f"{severity}s: {len(found)}", *styles)
            for finding in found:
                yield from _finding(finding, width=width)
    yield ""
    yield from _tail(view, paint=paint)
    command = next_command(view, plan=plan) if whats_next else None
    if command:
        yield from _wrapped(f"next: {command}", width=width, deeper="")


def _head(view: PlanView, *, width: int, paint: Paint) -> Iterator[str]:
    manifest = view.manifest
    yield paint(safe(f"plan {manifest.environment} ({manifest.target}), {made_from(view)}"), "bold")
    yield safe(f"made by {manifest.planner.who}, {moment(manifest.created)}")
    yield safe(f"expires {moment(manifest.expires)}, id {manifest.id}")
    if manifest.settings:
        yield from _wrapped(f"with --set {' '.join(manifest.settings)}", width=width, deeper="  ")


def _group(group: Group, *, risk: Risk, width: int, paint: Paint, diff: bool) -> Iterator[str]:
    change, count = group.first, len(group.changes)
    symbol = f"  {SYMBOLS[change.action]:<3} "
    if count > 1:
        yield f"{symbol}{may(change)} {count} {safe(kind_of(change))}"
        for each in group.changes[:NAMED]:
            yield f"{_DEEPER}  {safe(each.address)}"
        yield f"{_DEEPER}  ... {count - NAMED} more"
    else:
        yield from _title(symbol, change, width=width)
    if change.forces:
        yield from _wrapped(f"forced by {', '.join(change.forces)}", width=width, deeper=_DEEPER)
    if diff or risk in (Risk.DESTROY, Risk.UPDATE):
        lines = change_detail(change, room=width - len(_DEEPER) - 2, whole=diff)
        for line in lines if diff else capped(lines, most=_MOST_LINES):
            text = f"{_DEEPER}{line.sign} {safe(line.text)}".rstrip()
            yield paint(text, _SIGNS[line.sign]) if line.sign in _SIGNS else text


def _title(symbol: str, change: Change, *, width: int) -> Iterator[str]:
    line, summary = f"{symbol}{may(change)} {safe(change.address)}", safe(told(change))
    if summary and len(line) + len(summary) + 2 > width:
        yield line
        yield from _wrapped(summary, width=width, deeper=_DEEPER)
    else:
        yield f"{line}: {summary}" if summary else line


def _finding(finding: Finding, *, width: int) -> Iterator[str]:
    yield f"  {safe(finding.rule)}: {safe(finding.where)}"
    for text in (finding.message, f"because {finding.reason}", f"rule at {finding.place}"):
        yield from _wrapped(text, width=width, deeper=_DEEPER)


def _tail(view: PlanView, *, paint: Paint) -> Iterator[str]:
    risk = view.manifest.risk
    yield paint(f"plan: {totals(view)}", "bold")
    if view.pending:
        needed = number(view.needed, "approval") + " needed" if view.needed else "no approval needed"
        yield f"risk {risk.value}, {needed}"


def _wrapped(text: str, *, width: int, deeper: str) -> Iterator[str]:
    """Broken at spaces only, so that addresses and commands can be copied."""
    yield from textwrap.wrap(
        safe(text),
        width=width,
        initial_indent=deeper,
        subsequent_indent=deeper + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
