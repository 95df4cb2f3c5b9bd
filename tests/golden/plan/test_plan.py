"""A plan as people see it, whole: for the terminal, for a comment, for a step summary, as a document.

The files beside this one are the wish; `UPDATE_GOLDEN=1 pytest tests/golden` rewrites them. Of a huge plan only the
beginning and the end of each rendering are kept: they show what is said first and what became of the rest.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from deployer.report.document import dumps
from deployer.report.plan_document import plan_document
from deployer.report.plan_markdown import plan_markdown, plan_summary
from deployer.report.plan_text import plan_lines
from deployer.review.view import PlanView
from tests.support import plans

HERE = Path(__file__).parent
CASES: Mapping[str, Callable[[], PlanView]] = {
    "empty": plans.empty,
    "additive": plans.additive,
    "mixed": plans.mixed,
    "violations": plans.violations,
    "huge": plans.huge,
}
_ENDS = 40


def renderings(view: PlanView) -> dict[str, str]:
    """Every rendering by its file."""
    return {
        "plan.txt": "\n".join((*plan_lines(view, plan="plan/"), "")),
        "plan.diff.txt": "\n".join((*plan_lines(view, diff=True, plan="plan/"), "")),
        "plan.md": plan_markdown(view, full="https://ci.example.org/run/7", plan=view.manifest.id),
        "summary.md": plan_summary(view),
        "plan.json": dumps(plan_document(view)) + "\n",
    }


def ends(text: str) -> str:
    """The first and the last lines."""
    lines = text.splitlines(keepends=True)
    if len(lines) <= 3 * _ENDS:
        return text
    return "".join((*lines[:_ENDS], f"[{len(lines) - 2 * _ENDS} lines]\n", *lines[-_ENDS:]))


@pytest.mark.parametrize("case", CASES)
def test_renderings_are_as_recorded(case: str) -> None:
    """Each plan renders to the files in its folder: the same ones, and no others."""
    folder = HERE / case
    files = {name: ends(text) if case == "huge" else text for name, text in renderings(CASES[case]()).items()}
    if os.environ.get("UPDATE_GOLDEN"):
        folder.mkdir(exist_ok=True)
        for stale in {path.name for path in folder.iterdir()} - files.keys():
            (folder / stale).unlink()
        for name, text in files.items():
            (folder / name).write_text(text)
    assert {path.name: path.read_text() for path in sorted(folder.iterdir())} == files


@pytest.mark.parametrize("case", [name for name in CASES if name != "huge"])
def test_lines_fit_a_terminal(case: str) -> None:
    """80 columns hold what is shown without `--diff`, and no line ends with spaces."""
    lines = list(plan_lines(CASES[case](), width=80, plan="plan/"))

    assert [line for line in lines if len(line) > 80 or line != line.rstrip()] == []


def test_colour_adds_nothing_to_the_words() -> None:
    """A log without colours says the same."""

    def paint(text: str, /, *styles: str) -> str:
        return f"<{'+'.join(styles)}>{text}</>" if styles else text

    view = plans.mixed()
    painted = list(plan_lines(view, paint=paint))

    assert [line.partition(">")[2].removesuffix("</>") if line.startswith("<") else line for line in painted] == list(
        plan_lines(view)
    )
    assert any(line.startswith("<red+bold>") for line in painted)
