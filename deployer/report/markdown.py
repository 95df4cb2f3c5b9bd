"""Texts from elsewhere in Markdown, in places from which they cannot break out.

There are two: a fence that is longer than any run of backticks in it, and running text in which every character that
means something to Markdown or HTML is an entity. GitHub looks for names and numbers to link in what is already
rendered, except in code; so whatever could call somebody is code.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable, Sequence
from typing import Final

from deployer.report.plan_words import safe

# Punctuation, save for what has no meaning within a line; an underscore has none inside a word.
_MEANING: Final = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|[^\w\s.,:;/=()'-]", re.ASCII)
_CALLS: Final = re.compile(r"[@#$]|://|www\.|GH-")
_TICKS: Final = re.compile(r"`+")


def size(text: str) -> int:
    """Bytes of UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def code(text: str) -> str:
    """A text as code, anywhere: in running text, a table, a summary."""
    return f"<code>{_escaped(safe(text))}</code>"


def prose(text: str) -> str:
    """A sentence from elsewhere; as code if it would call somebody or link somewhere."""
    return code(text) if _CALLS.search(text) else _escaped(safe(text))


def link(text: str, address: str, *, longest: int) -> str:
    """A link; where something lies if `address` is none of the web, or longer than anybody would follow."""
    quoted = urllib.parse.quote(address, safe=":/?#@!$&*+,;=%-._~", errors="replace")
    if address.startswith(("https://", "http://")) and len(quoted) <= longest:
        return f"[{text}]({quoted})"
    return f"{text}: {code(address if len(address) <= longest else f'{address[:longest]}...')}"


def fenced(lines: Iterable[str], *, language: str = "") -> str:
    """Lines as they are."""
    text = "\n".join(lines)
    longest = max(map(len, _TICKS.findall(text)), default=0)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}{language}\n{text}\n{fence}\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells come from elsewhere, the header is ours."""
    lines = [f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(code, row))} |" for row in rows)])


def _escaped(text: str) -> str:
    return _MEANING.sub(lambda found: f"&#{ord(found[0])};" if found[0].isascii() else found[0], text)
