"""Masks secret values wherever text leaves the process: logs, errors, reports, the output of tools.

Masking goes by value and not by name, because a value turns up where nobody expected it; it also knows the forms in
which tools repeat a value (base64, URL-, JSON-, HTML- and Python-escaped). This module must not know what a secret
is for, and never prints one.
"""

from __future__ import annotations

import base64
import html
import json
import threading
import urllib.parse
from collections.abc import Iterable, Iterator

MASK = "***"

# Shorter values (`on`, `1`, `dev`) would mask ordinary words and make every output unreadable.
MINIMUM_LENGTH = 4

# The invariant middle of a base64 text that encodes more than the value must be long enough to be no coincidence.
_MINIMUM_BASE64 = 8


def value_forms(value: str) -> set[str]:
    """All texts under which `value` is masked."""
    forms: set[str] = set()
    for text in _as_written(value):
        forms.update(_escaped(text))
        forms.update(_base64_cores(text))
    return {form for form in forms if len(form) >= MINIMUM_LENGTH}


def _as_written(value: str) -> Iterator[str]:
    """The value itself, without surrounding white space, and each line of a multi-line one (a PEM key in a log)."""
    yield value
    yield value.strip()
    if "\n" in value:
        yield value.replace("\r\n", "\n").replace("\n", "\r\n")
        for line in value.splitlines():
            yield line.strip()


def _escaped(text: str) -> Iterator[str]:
    yield text
    for ascii_only in (True, False):
        encoded = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield encoded
        yield encoded.replace("/", "\\/")
        # Go's encoder (Terraform) also escapes these three.
        yield encoded.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    for safe in ("", "/"):
        for quote in (urllib.parse.quote, urllib.parse.quote_plus):
            quoted = quote(text, safe=safe)
            yield quoted
            yield _lower_percent(quoted)
    yield html.escape(text)
    yield html.escape(text, quote=False)
    yield repr(text)[1:-1]


def _lower_percent(quoted: str) -> str:
    head, *rest = quoted.split("%")
    return "%".join([head, *(part[:2].lower() + part[2:] for part in rest)])


def _base64_cores(text: str) -> Iterator[str]:
    """What stays the same of the value's base64 text, whatever is encoded before and after it (`user:password`)."""
    raw = text.encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(raw).decode().rstrip("=")
        if len(whole) >= _MINIMUM_BASE64:
            yield whole
        for shift in range(3):
            encoded = encode(b"\0" * shift + raw).decode()
            # 6 bits a character: the first ones hold bits of what comes before, the last ones of what follows.
            start = -(-shift * 8 // 6)
            end = (shift + len(raw)) * 8 // 6
            core = encoded[start:end]
            if len(core) >= _MINIMUM_BASE64:
                yield core


class Redactor:
    """The values to mask in this run. Safe to use from several threads."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._values: frozenset[str] = frozenset()
        self._forms: tuple[str, ...] = ()
        for value in values:
            self.add(value)

    def add(self, value: str) -> None:
        """Mask `value` from now on."""
        if len(value.strip()) < MINIMUM_LENGTH:
            return
        with self._lock:
            if value not in self._values:
                self._values |= {value}
                # A new tuple each time: readers in other threads keep the one they have.
                self._forms = tuple(sorted({*self._forms, *value_forms(value)}))

    @property
    def forms(self) -> tuple[str, ...]:
        """Every text that is masked."""
        return self._forms

    def text(self, text: str) -> str:
        """`text` with every known value masked."""
        spans = _spans(text, self._forms)
        return _mask(text, spans) if spans else text

    def lines(self, lines: Iterable[str]) -> tuple[str, ...]:
        """Each line masked; a value that spans lines is found by its own lines."""
        return tuple(self.text(line) for line in lines)

    def stream(self) -> RedactingStream:
        """A masker for text that arrives in pieces."""
        return RedactingStream(self)


class RedactingStream:
    """Masks text that arrives in pieces, also a value that is cut in two by the border between them."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = ""

    def feed(self, text: str) -> str:
        """Take the next piece; give back what can be shown already."""
        text = self._held + text
        forms = self._redactor.forms
        spans = _spans(text, forms)
        hold = _possible_start(text, forms)
        for start, end in spans:
            # A mask that reaches into the held part is decided when the rest is there.
            if start < hold < end:
                hold = start
        self._held = text[hold:]
        return _mask(text[:hold], [span for span in spans if span[1] <= hold])

    def finish(self) -> str:
        """The rest, once nothing more comes."""
        rest, self._held = self._held, ""
        return self._redactor.text(rest)


def _spans(text: str, forms: Iterable[str]) -> list[tuple[int, int]]:
    """Where masked forms are, overlapping and touching ones merged."""
    found: list[tuple[int, int]] = []
    for form in forms:
        start = text.find(form)
        while start != -1:
            found.append((start, start + len(form)))
            start = text.find(form, start + 1)
    found.sort()
    merged: list[tuple[int, int]] = []
    for start, end in found:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _mask(text: str, spans: Iterable[tuple[int, int]]) -> str:
    pieces: list[str] = []
    position = 0
    for start, end in spans:
        pieces += (text[position:start], MASK)
        position = end
    pieces.append(text[position:])
    return "".join(pieces)


def _possible_start(text: str, forms: Iterable[str]) -> int:
    """Where the earliest form may begin whose end has not arrived yet; the length of `text` if none does."""
    earliest = len(text)
    for form in forms:
        start = max(0, len(text) - len(form) + 1)
        while (start := text.find(form[0], start, earliest)) != -1:
            if form.startswith(text[start:]):
                earliest = start
                break
            start += 1
    return earliest
