"""Results as lines of text: pure functions, 80 columns, no colour needed to understand them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from deployer.engine.change import Action, Change
from deployer.engine.playbook import Playbook, Selection
from deployer.engine.result import RunResult, Status, StepResult
from deployer.errors import DeployError

# Stands for a space at which no line may end; no text of ours has it.
_UNBROKEN: Final = "\x1f"
SYMBOLS: Final = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "-/+",
    Action.DELETE: "-",
    Action.FORGET: ".",
    Action.RUN: ">",
}
STATUS_WIDTH: Final = len("skipped")
INDENT: Final = " " * (STATUS_WIDTH + 2)


def wrapped(line: str, *, indent: str = "", more: str = "  ", width: int = 80) -> list[str]:
    """A line that may be too long for a terminal, cut between words; what a person copies is never cut."""
    return textwrap.wrap(
        line, width, initial_indent=indent, subsequent_indent=indent + more, break_long_words=False,
        break_on_hyphens=False,
    ) or [indent]  # fmt: skip


def seconds(value: float) -> str:
    """Durations as people say them: 0.4 s, 75 s, 6 min 10 s."""
    if value < 10:
        return f"{value:.1f} s"
    if value < 120:
        return f"{value:.0f} s"
    return f"{value // 60:.0f} min {value % 60:.0f} s"


def step_line(result: StepResult, *, width: int) -> str:
    """One line per step: status, name, why it was skipped, how long it took."""
    name = result.name + (f" ({result.why})" if result.why and result.status is not Status.OK else "")
    took = "" if result.status is Status.SKIPPED and not result.seconds else seconds(result.seconds)
    room = width - STATUS_WIDTH - 2 - 11
    shown = name if len(name) <= room else name[: room - 3] + "..."
    return f"{result.status.value:<{STATUS_WIDTH}}  {shown:<{room}} {took:>10}".rstrip()


def change_lines(changes: Sequence[Change], *, check: bool, diff: bool) -> Iterator[str]:
    """The changes of a step, indented beneath it; with `diff` their details as well."""
    for change in changes:
        may = "may " if check and not change.certain else ""
        text = f"{may}{change.action.value} {change.address}" + (f": {change.summary}" if change.summary else "")
        yield f"{INDENT}{SYMBOLS[change.action]:<3} {text}"
        if diff:
            for line in change.detail.splitlines():
                yield f"{INDENT}    {line}".rstrip()


def recap_lines(result: RunResult, *, environment: str, target: str) -> Iterator[str]:
    """Ansible's last line, and what it means in check mode."""
    counts = "  ".join(f"{status.value}={result.count(status)}" for status in Status)
    yield f"RECAP {environment} ({target})  {counts}  {seconds(result.seconds)}"
    if result.check:
        pending = sum(len(step.changes) for step in result.results)
        changes = f"{pending} change{'' if pending == 1 else 's'}"
        if result.error is not None:
            # What was not looked at may change as well.
            known = f"{changes} found so far" if pending else "what would change is not known"
            yield f"check: incomplete, {known}; nothing was written"
        else:
            yield f"check: {changes} would be made; nothing was written" if pending else "check: nothing would change"


def slowest_lines(result: RunResult, *, least: float = 1.0, count: int = 3) -> Iterator[str]:
    """The steps that a person waits for, if there was a wait."""
    slow = sorted((step for step in result.results if step.seconds >= least), key=lambda step: -step.seconds)[:count]
    if slow:
        yield "slowest: " + ", ".join(f"{step.name} {seconds(step.seconds)}" for step in slow)


def error_lines(error: DeployError, *, width: int = 80) -> Iterator[str]:
    """Cause, place, details, and after a blank line the next command."""
    yield f"error: {error}"
    for detail in error.details:
        yield f"  {detail}"
    if error.hint:
        yield ""
        yield from _hint_lines(error.hint, width)


def _hint_lines(hint: str, width: int) -> Iterator[str]:
    """Wrapped, but never within a command: half of one can be another command, and is what people copy."""
    whole = re.sub(r"`[^`]*`", lambda found: found.group().replace(" ", _UNBROKEN), hint)
    lines = textwrap.wrap(
        whole,
        width=width,
        initial_indent="hint: ",
        subsequent_indent="      ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return (line.replace(_UNBROKEN, " ") for line in lines)


def table_lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as they need to be."""
    lines = list(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()


def list_steps_lines(playbook: Playbook, selection: Selection) -> Iterator[str]:
    """The playbook's table of contents for `--list-steps`."""
    names = max((len(step.name) for step in playbook.steps), default=0)
    for number, step in enumerate(playbook.steps, start=1):
        mark = " " if selection.includes(step.tags) else "-"
        tags = " ".join(sorted(step.tags))
        needs = f"  after {', '.join(step.needs)}" if step.needs else ""
        yield f"{mark} {number:>2}  {step.name:<{names}}  [{tags}]{needs}".rstrip()
