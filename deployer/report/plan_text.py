"""A plan for the terminal and for a CI log: dangerous changes first, no noise, 80 columns, colour never needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from deployer.report import text
from deployer.review.view import PlanView


class Paint(Protocol):
    """`Sink.paint`, or something like it."""

    def __call__(self, text: str, /, *styles: str) -> str:
        """Return the text in these styles."""


def plain(text: str, /, *styles: str) -> str:
    """No colour: for files."""
    return text


def plan_lines(
    view: PlanView, *, width: int = 80, paint: Paint = plain, diff: bool = False, plan: str | None = None
) -> Iterator[str]:
    """The lines; with `diff` nothing is folded or shortened.

    `plan` is what `--plan` takes (the folder, or the id in the store), for the next command at the end; without it the
    plan was kept nowhere.
    """
    for step in view.steps:
        yield from text.change_lines(step.changes, check=True, diff=diff)
