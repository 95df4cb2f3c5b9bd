"""Reads the Markdown of this repository: headings, links, code blocks and the command lines in them.

Plain enough for the Markdown that we write; it knows no command and judges nothing.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Written down from elsewhere, or recorded from what is printed.
SKIPPED = ("tests/contract/recordings/", "tests/golden/")

_FENCE = re.compile(r"^(\s*)```(\w*)\s*$")
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
_LINK = re.compile(r"(?<!\\)!?\[[^\]]*\]\(\s*<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
_REDIRECTION = re.compile(r"\d?>{1,2}\s*&?\S+")


@dataclass(frozen=True)
class Block:
    """One fenced code block: its language, its text, and where it stands."""

    path: Path
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """For messages."""
        return f"{self.path.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Shown:
    """One command line that a document shows, split into words."""

    place: str
    words: tuple[str, ...]


@cache
def documents() -> tuple[Path, ...]:
    """Every Markdown file of the repository, also one that is not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    names = sorted({name for name in listed.split("\0") if name and not name.startswith(SKIPPED)})
    return tuple(ROOT / name for name in names if (ROOT / name).is_file())


def prose(text: str) -> str:
    """The text without its fenced blocks, line by line in its old place."""
    kept, fence = [], None
    for line in text.split("\n"):
        found = _FENCE.match(line)
        if found and (fence is None or not found.group(2)):
            fence = found if fence is None else None
            kept.append("")
        else:
            kept.append("" if fence else line)
    return "\n".join(kept)


def blocks(path: Path) -> Iterator[Block]:
    """The fenced blocks of a document."""
    begun: tuple[int, str, int] | None = None
    held: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        found = _FENCE.match(line)
        if found and begun is None:
            begun, held = (number, found.group(2), len(found.group(1))), []
        elif found and begun is not None and not found.group(2):
            yield Block(path, begun[0], begun[1], "\n".join(held))
            begun = None
        elif begun is not None:
            held.append(line[begun[2] :])


def anchors(path: Path) -> set[str]:
    """The fragments by which GitHub lets one link to the headings of a document."""
    found: set[str] = set()
    for line in prose(path.read_text(encoding="utf-8")).split("\n"):
        heading = _HEADING.match(line)
        if heading:
            words = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.group(1)).lower())
            slug, number = words.strip().replace(" ", "-"), 0
            while (unique := f"{slug}-{number}" if number else slug) in found:
                number += 1
            found.add(unique)
    return found


def links(path: Path) -> Iterator[tuple[int, str]]:
    """Line and target of every link and picture."""
    text = _CODE.sub(lambda code: "\n" * code.group(0).count("\n"), prose(path.read_text(encoding="utf-8")))
    for number, line in enumerate(text.split("\n"), 1):
        for target in _LINK.findall(line):
            yield number, target


def inline_code(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every piece of code within the prose."""
    text = prose(path.read_text(encoding="utf-8"))
    for found in _CODE.finditer(text):
        yield text.count("\n", 0, found.start()) + 1, " ".join(found.group(2).split())


def shown_commands(path: Path) -> Iterator[Shown]:
    """Command lines in shell blocks, in lines indented as code, and in pieces of code within the prose."""
    name = path.relative_to(ROOT)
    for block in blocks(path):
        if block.language in {"sh", "bash", "console"}:
            for number, line in enumerate(block.text.replace("\\\n", "  ").split("\n"), block.line + 1):
                if block.language != "console" or line.startswith("$ "):
                    yield from _split(f"{name}:{number}", line.removeprefix("$ "))
    for number, line in enumerate(prose(path.read_text(encoding="utf-8")).split("\n"), 1):
        if line.startswith("    inv "):
            yield from _split(f"{name}:{number}", re.split(r"\s{2,}", line.strip())[0])
    for number, code in inline_code(path):
        yield from _split(f"{name}:{number}", code)


def _split(place: str, line: str) -> Iterator[Shown]:
    """The simple commands of a line of shell, without assignments, redirections and what starts them."""
    lexer = shlex.shlex(_REDIRECTION.sub(" ", line), posix=True, punctuation_chars="();|&")
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # an apostrophe in a piece of prose
        return
    command: list[str] = []
    for word in [*words, ";"]:
        if set(word) <= set("();|&"):
            while command and (re.fullmatch(r"[A-Z_][A-Z0-9_]*=.*", command[0]) or command[0] in _PREFIXES):
                command.pop(0)
            if command:
                yield Shown(place, tuple(command))
            command = []
        else:
            command.append(word)


_PREFIXES = {"./bootstrap", "time", "export", "source", ".", "<"}
