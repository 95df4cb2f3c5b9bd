"""A plan as Markdown: for a comment on a pull request, and for the summary of a CI step.

Never longer than the limit, counted in bytes of UTF-8. What does not fit is given up in steps, the harmless first:
details, then addresses; what is left out is counted, and the whole is linked. What destroys is never folded.
"""

from __future__ import annotations

import enum
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from deployer.engine.change import Change
from deployer.report.markdown import code, fenced, link, prose, size
from deployer.report.plan_diff import capped, change_detail, shortened
from deployer.report.plan_words import by_kind, counts, made_from, may, next_command, number, safe, title, told
from deployer.report.text import SYMBOLS
from deployer.review.risk import Risk, risk_of
from deployer.review.view import Finding, PlanView
from deployer.words import moment

COMMENT_LIMIT: Final = 65_536
SUMMARY_LIMIT: Final = 1_048_576
LEAST: Final = 24_576
"""What head, counts and tail may need together, whatever is in them."""
_ROOM: Final = 110
_LONGEST: Final = 300
_NAME: Final = 80
_MOST_LINES: Final = 60
_MOST_KINDS: Final = 8
_KINDS: Final = 200
# GitHub colours the lines of a difference by their first character, and knows no tilde.
_SIGNS: Final = {"~": "!"}


class _Level(enum.Enum):
    """How much is shown of the changes of one risk."""

    DETAILS = "details"
    ADDRESSES = "addresses"


_STEPS: Final = tuple(
    dict(zip((Risk.DESTROY, Risk.UPDATE, Risk.ADDITIVE, Risk.NONE), levels, strict=True))
    for levels in (
        (_Level.DETAILS, _Level.DETAILS, _Level.DETAILS, _Level.DETAILS),
        (_Level.DETAILS, _Level.DETAILS, _Level.ADDRESSES, _Level.ADDRESSES),
        (_Level.DETAILS, _Level.ADDRESSES, _Level.ADDRESSES, _Level.ADDRESSES),
        (_Level.ADDRESSES, _Level.ADDRESSES, _Level.ADDRESSES, _Level.ADDRESSES),
    )
)


def plan_markdown(
    view: PlanView, *, limit: int = COMMENT_LIMIT, full: str | None = None, plan: str | None = None
) -> str:
    """The comment, of `limit` bytes at most (and at least 24,576 must be allowed).

    `full` says where the whole plan is: an address of the web, or its key in the store. `plan` is what `--plan` takes,
    for the next command.
    """
    if limit < LEAST:
        raise ValueError(f"a plan cannot be told in less than {LEAST} bytes")
    head = _head(view) + _findings(view.findings, room=limit // 4)
    tail = _tail(view, full=full, plan=plan)
    room = limit - size(head) - size(tail)
    sections = dict(view.by_risk())
    for levels in _STEPS:
        parts = _parts(sections, levels, room=room)
        if parts is not None:
            break
    else:
        parts = list(_as_much_as_fits(sections, room=room))
    return f"{head}{''.join(parts)}{tail}"


def plan_summary(
    view: PlanView, *, limit: int = SUMMARY_LIMIT, full: str | None = None, plan: str | None = None
) -> str:
    """The step summary: the same, with the room that a summary has."""
    return plan_markdown(view, limit=limit, full=full, plan=plan)


def _head(view: PlanView) -> str:
    """What it is about, at a glance."""
    manifest, found = view.manifest, counts(view.pending)
    lines = [f"### Plan for {_name(manifest.environment)} ({manifest.target})", ""]
    danger = sum(1 for change in view.pending if risk_of(change) is Risk.DESTROY)
    if danger:
        lines += ["> [!CAUTION]", f"> {number(danger, 'thing')} would be deleted, replaced or forgotten.", ""]
    needed = f"{view.needed} needed" if view.needed and view.pending else "none needed"
    columns = {action.value: str(count) for action, count in found.items()}
    columns |= {"unchanged": str(manifest.counts.unchanged), "risk": manifest.risk.value, "approvals": needed}
    lines += [f"| {' | '.join(columns)} |", f"|{' ---: |' * len(columns)}", f"| {' | '.join(columns.values())} |", ""]
    if not view.pending:
        lines += ["Nothing to change.", ""]
    settings = f", with {_name('--set ' + ' '.join(manifest.settings))}" if manifest.settings else ""
    made = (
        f"Made by {_name(manifest.planner.who)} at {moment(manifest.created)} from {prose(made_from(view))}{settings}"
    )
    lines += [f"{made}; expires {moment(manifest.expires)}. Bundle {_name(manifest.id)}.", "", ""]
    return "\n".join(lines)


def _findings(findings: Sequence[Finding], *, room: int) -> str:
    """Rules that are broken, errors first; those that do not fit are counted by rule."""
    if not findings:
        return ""
    ordered = sorted(findings, key=lambda finding: finding.severity)
    found = Counter(finding.severity for finding in ordered)
    words = " and ".join(number(count, severity) for severity, count in found.items())
    shown = [f"**Policy: {words}{'; it cannot be applied' if found['error'] else ''}**\n\n"]
    for finding in ordered:
        message, reason = (prose(shortened(text, room=_LONGEST)) for text in (finding.message, finding.reason))
        line = f"- **{finding.severity}** {_name(finding.rule)} {_name(finding.where)}: {message} "
        line += f"({reason}; {_name(finding.place)})\n"
        room -= size(line)
        if room < 0:
            break
        shown.append(line)
    rest = Counter(finding.rule for finding in ordered[len(shown) - 1 :])
    if rest:
        rules = ", ".join(f"{count} {rule}" for rule, count in rest.most_common(_MOST_KINDS))
        shown.append(f"- and {rest.total()} more: {_name(rules)}\n")
    return f"{''.join(shown)}\n"


def _tail(view: PlanView, *, full: str | None, plan: str | None) -> str:
    parts = []
    if full:
        parts.append(link("The whole plan", full, longest=_LONGEST))
    elif view.changes:
        parts.append("The whole plan is in plan.txt of the bundle.")
    command = next_command(view, plan=plan)
    if command:
        # What stands between backticks is to be typed.
        pieces = zip(itertools.cycle((prose, _name)), command.split("`"), strict=False)
        parts.append("Next: " + "".join(show(piece) for show, piece in pieces if piece))
    return "\n\n".join(parts) + "\n"


def _parts(sections: Mapping[Risk, Sequence[Change]], levels: Mapping[Risk, _Level], *, room: int) -> list[str] | None:
    """Every section at its level; None if that is more than there is room for."""
    parts = []
    for risk, changes in sections.items():
        lines: list[str] = []
        left = room
        for change in changes:
            found = list(_lines(change, level=levels[risk]))
            lines += found
            left -= sum(size(line) + 1 for line in found)
            if left < 0:
                return None
        part = _section(risk, changes, lines, bare=levels[risk] is _Level.ADDRESSES)
        room -= size(part)
        if room < 0:
            return None
        parts.append(part)
    return parts


def _as_much_as_fits(sections: Mapping[Risk, Sequence[Change]], *, room: int) -> Iterator[str]:
    """Addresses while there is room, the most dangerous first; the others are counted by kind."""
    room -= sum(size(_section(risk, changes, (), rest=changes)) for risk, changes in sections.items())
    for risk, changes in sections.items():
        counted = size(_section(risk, changes, (), rest=changes))
        entries: list[list[str]] = []
        left = room + counted
        for change in changes:
            entries.append(list(_lines(change, level=_Level.ADDRESSES)))
            left -= sum(size(line) + 1 for line in entries[-1])
            if left < 0:
                break
        while True:
            lines = [line for entry in entries for line in entry]
            part = _section(risk, changes, lines, bare=True, rest=changes[len(entries) :])
            if size(part) <= room + counted or not entries:
                break
            # The frame around the lines grows with what is in them.
            del entries[len(entries) * 19 // 20 :]
        room += counted - size(part)
        yield part


def _section(
    risk: Risk, changes: Sequence[Change], lines: Sequence[str], *, bare: bool = False, rest: Sequence[Change] = ()
) -> str:
    heading = title(risk, changes).capitalize()
    body = fenced(lines, language="diff") if lines else ""
    if rest:
        body += f"\n{len(rest)} more are not listed for want of room: {_kinds(rest)}\n"
    elif bare and any(change.detail for change in changes):
        body += "\nAttributes are left out for want of room.\n"
    if risk is Risk.DESTROY:
        return f"#### {heading}\n\n{body}\n"
    return f"<details><summary>{heading} ({_kinds(changes)})</summary>\n\n{body}\n</details>\n\n"


def _lines(change: Change, *, level: _Level) -> Iterator[str]:
    summary = told(change)
    sign = SYMBOLS[change.action]
    text = f"{_SIGNS.get(sign, sign):<3} {may(change)} {change.address}" + (f": {summary}" if summary else "")
    yield _line(text)
    if change.forces:
        yield _line(f"      forced by {', '.join(change.forces)}")
    if level is _Level.DETAILS:
        for line in capped(change_detail(change, room=_ROOM, whole=False), most=_MOST_LINES):
            yield _line(f"{_SIGNS.get(line.sign, line.sign)}     {line.text}")


def _line(text: str) -> str:
    return shortened(safe(text.rstrip()), room=_LONGEST)


def _name(text: str) -> str:
    return code(shortened(text, room=_NAME))


def _kinds(changes: Sequence[Change]) -> str:
    return code(shortened(by_kind(changes, most=_MOST_KINDS), room=_KINDS))
