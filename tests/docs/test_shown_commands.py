"""What the documentation and the errors tell people to type can be typed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import inv_problem, nox_problem, sessions, tasks
from tests.support.documents import ROOT, Shown, documents, shown_commands

NAMES = [str(path.relative_to(ROOT)) for path in documents()]
CODE = [path for folder in ("deployer", "sandbox") for path in sorted((ROOT / folder).rglob("*.py"))]


def problem(shown: Shown) -> str | None:
    """What is wrong with a command of ours; None for a right one, and for programs that are not ours."""
    program, *words = shown.words
    check = {"inv": inv_problem, "nox": nox_problem}.get(program)
    found = check(words) if check else None
    return f"{shown.place}: {' '.join(shown.words)}: {found}" if found else None


@pytest.mark.parametrize("name", NAMES)
def test_commands_in_documents_name_existing_tasks_flags_and_sessions(name: str) -> None:
    """A task that is renamed, or a flag that goes, is missed here."""
    assert [found for shown in shown_commands(ROOT / name) if (found := problem(shown))] == []


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Every text in a module; what is filled in at run time is an X."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
            yield node.lineno, "".join(parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.lineno, node.value


def test_errors_and_hints_name_existing_tasks_and_flags() -> None:
    """The next command that an error names is one that runs."""
    found, wrong = 0, []
    for path in CODE:
        for line, text in texts(path):
            for command in re.findall(r"`(?:\./bootstrap )?inv ([^`]+)`", text):
                found += 1
                said = inv_problem(command.split())
                if said:
                    wrong.append(f"{path.relative_to(ROOT)}:{line}: inv {command}: {said}")

    assert wrong == []
    assert found > 20


def test_errors_and_hints_name_existing_files() -> None:
    """A page, or another file of the checkout, that an error points to is there."""
    found, missing = 0, []
    for path in [*CODE, ROOT / "bootstrap", *sorted((ROOT / "terraform").rglob("*.tf"))]:
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"(?<![\w./-])(?:docs|requirements)/[\w./-]+\.\w+", text):
            found += 1
            if not (ROOT / name).exists():
                missing.append(f"{path.relative_to(ROOT)}: {name}")

    assert missing == []
    assert found > 5


def test_every_task_is_documented() -> None:
    """By a section of its own in the reference."""
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")

    assert [name for name in tasks().task_names if f"### inv {name}\n" not in text] == []


def test_every_session_is_documented() -> None:
    """With what it does and whether it runs by default."""
    text = (ROOT / "docs" / "guide" / "sessions.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (yes|no) \|", text, re.MULTILINE))

    assert rows == {name: "yes" if default else "no" for name, (_, default) in sessions().items()}
