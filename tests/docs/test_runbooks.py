"""A runbook quotes what is really printed, and every way to fail has one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from deployer.errors import error_classes
from tests.support.documents import ROOT, blocks

FOLDER = ROOT / "docs" / "runbooks"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
HEADINGS = ["Symptom", "Cause", "Check", "Mend", "Prevent", "Rehearse"]
# A pattern with less text of its own would fit anything; one that is only a part of a message must be some words.
LEAST_LETTERS = 5
LEAST_LETTERS_OF_A_PART, LEAST_SPACES_OF_A_PART = 10, 2


@cache
def printable() -> tuple[re.Pattern[str], ...]:
    """Every text in the code as a pattern; what is filled in at run time fits anything."""
    found: set[str] = set()
    for folder in ("deployer", "sandbox"):
        for path in (ROOT / folder).rglob("*.py"):
            found.update(_patterns(ast.parse(path.read_text(encoding="utf-8"))))
    for text in re.findall(r'"([^"\n]+)"|\'([^\'\n]+)\'', (ROOT / "bootstrap").read_text(encoding="utf-8")):
        found.add(re.sub(r"\\\$\w+|\\\$\\\{.*?\\\}", ".+", re.escape(text[0] or text[1])))
    return tuple(re.compile(pattern) for pattern in found if letters(pattern) >= LEAST_LETTERS)


def letters(pattern: str) -> int:
    """How much text of its own a pattern has."""
    return len(re.findall(r"[A-Za-z]", pattern))


def is_some_words(pattern: str) -> bool:
    """Whether a pattern cannot be met by accident."""
    return letters(pattern) >= LEAST_LETTERS_OF_A_PART and pattern.count(" ") >= LEAST_SPACES_OF_A_PART


def _patterns(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.escape(node.value)
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+?" for part in node.values
            )


def is_printed(text: str) -> bool:
    """Whether the code can print this; a place in brackets, or what a tool says after a colon, may follow."""
    return any(
        re.fullmatch(rf"(?:{each.pattern})(?:: .+)?(?: \(.+\))?", text)
        or (is_some_words(each.pattern) and each.search(text))
        for each in printable()
    )


def quotes(path: Path) -> Iterator[tuple[str, str]]:
    """Place and text of every error, hint and note that a page quotes; wrapped hints in one piece."""
    for block in blocks(path):
        if block.language == "text":
            joined = re.sub(r"\n {6}(?=\S)", " ", block.text)
            for text in re.findall(r"^(?:error|hint|note|bootstrap): (.+)$", joined, re.MULTILINE):
                yield block.place, text


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_quotes_texts_of_the_code(path: Path) -> None:
    """A message that is reworded is reworded here too."""
    quoted = list(quotes(path))

    assert quoted
    assert [f"{place}: {text}" for place, text in quoted if not is_printed(text)] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_has_what_one_needs_at_night(path: Path) -> None:
    """In the same order on every page."""
    headings = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)

    assert [heading for heading in headings if heading in HEADINGS] == HEADINGS


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_exit_codes_and_reasons_belong_together(path: Path) -> None:
    """As in the code."""
    codes = {kind.reason: kind.exit_code for kind in error_classes()} | {"not-found": 9, "conflict": 9}
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"[Ee]xit code (\d+)(?:,|:) reason ((?:`[\w-]+`(?:, | or )?)+)", text)

    assert named
    for code, reasons in named:
        assert {codes.get(reason) for reason in re.findall(r"`([\w-]+)`", reasons)} == {int(code)}, (code, reasons)


def test_every_way_to_fail_is_in_the_index() -> None:
    """Each reason word with its exit code leads to a page."""
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \|$", index, re.MULTILINE)
    listed = {(reason, int(code)) for code, reasons, _ in rows for reason in re.findall(r"`([\w-]+)`", reasons)}

    assert {(kind.reason, kind.exit_code) for kind in error_classes()} - listed == set()
    assert [path.name for path in PAGES if f"({path.name}" not in index] == []
