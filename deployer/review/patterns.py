"""The patterns of the inventory's rules: `*` stands for any text, `[*]` for any index; all else stands for itself."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable


def fits(pattern: str, text: str) -> bool:
    """Whether the whole of `text` is what `pattern` describes."""
    return _expression(pattern).fullmatch(text) is not None


def fits_any(patterns: Iterable[str], text: str) -> bool:
    """Whether one of the patterns describes `text`."""
    return _together(tuple(patterns)).fullmatch(text) is not None


@functools.cache
def _together(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """One expression for all of them: a plan of thousands of changes asks very often."""
    return re.compile("|".join(f"(?:{_expression(pattern).pattern})" for pattern in patterns) or r"(?!)", re.DOTALL)


@functools.cache
def _expression(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\[\*\]|\*)", pattern)
    meaning = {"*": ".*", "[*]": r"\[\d+\]"}
    return re.compile("".join(meaning.get(part, re.escape(part)) for part in parts), re.DOTALL)
