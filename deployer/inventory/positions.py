"""Line numbers for TOML.

`tomllib` gives values without positions, so this second, small reader walks the same text and notes where every key
stands. It never interprets values and trusts that `tomllib` has already accepted the text; a property test holds that
both see exactly the same keys.
"""

from __future__ import annotations

import bisect
import re
import tomllib
from dataclasses import dataclass
from typing import Final

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a key stands: its line, counted from 1, and the table header above it ("" before the first one)."""

    line: int
    table: str


_BLANK: Final = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE: Final = re.compile(r"[ \t]*")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_BASIC: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_LITERAL: Final = re.compile(r"'[^'\n]*'")
_LONG_BASIC: Final = re.compile(r'"""(?:[^"\\]|\\.|""?(?!"))*"{3,5}', re.DOTALL)
_LONG_LITERAL: Final = re.compile(r"'''.*?'{3,5}(?!')", re.DOTALL)
_SCALAR: Final = re.compile(r"[^,\]}#\n]*")


def positions(text: str) -> dict[KeyPath, Position]:
    """Return the position of every key and array element in `text`, which must be valid TOML."""
    return _Reader(text).read()


def parse_key(text: str) -> tuple[str, ...]:
    """Split a dotted key (`worker.variables."a.b"`); raises ValueError if it is none."""
    reader = _Reader(text)
    parts = reader.key()
    if reader.at != len(text):
        raise ValueError(f"`{text}` is not a dotted key")
    return parts


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[KeyPath, Position] = {}
        self.line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.header = ""
        self.table: KeyPath = ()
        self.array_sizes: dict[KeyPath, int] = {}

    def read(self) -> dict[KeyPath, Position]:
        self.skip(_BLANK)
        while self.at < len(self.text):
            if self.text.startswith("[", self.at):
                self.table_header()
            else:
                self.assignment(self.table)
            self.skip(_BLANK)
        return self.found

    def skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match.group()

    def note(self, path: KeyPath, at: int) -> None:
        if path and path not in self.found:
            self.found[path] = Position(bisect.bisect_right(self.line_starts, at), self.header)

    def table_header(self) -> None:
        start = self.at
        is_array = self.text.startswith("[[", start)
        self.at += 2 if is_array else 1
        self.skip(_SPACE)
        parts = self.key()
        self.skip(_SPACE)
        self.at += 2 if is_array else 1
        self.header = self.text[start : self.at]
        path: KeyPath = ()
        for index, part in enumerate(parts):
            path = (*path, part)
            self.note(path, start)
            last = index == len(parts) - 1
            if last and is_array:
                size = self.array_sizes.get(path, 0)
                self.array_sizes[path] = size + 1
                path = (*path, size)
                self.note(path, start)
            elif path in self.array_sizes:
                path = (*path, self.array_sizes[path] - 1)
        self.table = path

    def assignment(self, table: KeyPath) -> None:
        start = self.at
        path = table
        for part in self.key():
            path = (*path, part)
            self.note(path, start)
        self.skip(_SPACE)
        self.at += 1  # the equals sign
        self.skip(_SPACE)
        self.value(path)

    def key(self) -> tuple[str, ...]:
        parts = []
        while True:
            start = self.at
            if bare := self.skip(_BARE_KEY):
                parts.append(bare)
            elif quoted := self.skip(_BASIC) or self.skip(_LITERAL):
                parts.append(_unquoted(quoted))
            else:
                raise ValueError(f"no key at offset {start}")
            after = self.at
            self.skip(_SPACE)
            if not self.text.startswith(".", self.at):
                self.at = after
                return tuple(parts)
            self.at += 1
            self.skip(_SPACE)

    def value(self, path: KeyPath) -> None:
        first = self.text[self.at]
        if first == "[":
            self.array(path)
        elif first == "{":
            self.inline_table(path)
        elif first == '"':
            if not self.skip(_LONG_BASIC):
                self.skip(_BASIC)
        elif first == "'":
            if not self.skip(_LONG_LITERAL):
                self.skip(_LITERAL)
        else:
            self.skip(_SCALAR)

    def array(self, path: KeyPath) -> None:
        self.at += 1
        index = 0
        self.skip(_BLANK)
        while not self.text.startswith("]", self.at):
            self.note((*path, index), self.at)
            self.value((*path, index))
            index += 1
            self.skip(_BLANK)
            if self.text.startswith(",", self.at):
                self.at += 1
                self.skip(_BLANK)
        self.at += 1

    def inline_table(self, path: KeyPath) -> None:
        self.at += 1
        self.skip(_BLANK)
        while not self.text.startswith("}", self.at):
            self.assignment(path)
            self.skip(_BLANK)
            if self.text.startswith(",", self.at):
                self.at += 1
                self.skip(_BLANK)
        self.at += 1


def _unquoted(text: str) -> str:
    if "\\" not in text:
        return text[1:-1]
    value = tomllib.loads(f"key = {text}")["key"]
    assert isinstance(value, str)
    return value
