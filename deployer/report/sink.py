"""Where text leaves the process, and what happens to it on the way.

Data goes to stdout, talk to stderr, and every character passes the redaction hook first. Whether there are colours and
a status line is decided here once: a terminal that wants them, never a pipe, a CI log, NO_COLOR or `--no-color`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, TextIO

_CODES: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Redact(Protocol):
    """What a sink wants of the redactor: the text without any secret value."""

    def __call__(self, text: str, /) -> str:
        """Return `text` with secrets masked."""


def no_secrets(text: str, /) -> str:
    """The hook for runs that have not read any secret."""
    return text


@dataclass(kw_only=True)
class Sink:
    """The two streams of this process."""

    out: TextIO
    err: TextIO
    colour: bool = False
    live: bool = False
    """Whether stderr is a terminal on which a line may be rewritten."""
    width: int = 80
    redact: Callable[[str], str] = no_secrets
    _status: str = field(default="", init=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    def data(self, text: str) -> None:
        """Print a result, for pipes."""
        with self._lock:
            self._clear()
            self.out.write(self.redact(text) + "\n")
            self.out.flush()
            self._draw()

    def talk(self, text: str = "") -> None:
        """Print something for the person at the terminal."""
        with self._lock:
            self._clear()
            self.err.write(self.redact(text) + "\n")
            self.err.flush()
            self._draw()

    def status(self, text: str) -> None:
        """Show `text` as the last line until something else is printed; only on a terminal."""
        if self.live:
            with self._lock:
                self._clear()
                self._status = self.redact(text)[: self.width - 1]
                self._draw()

    def paint(self, text: str, *styles: str) -> str:
        """Return `text` in colour where colours are wanted; colour never carries meaning of its own."""
        if not self.colour or not text:
            return text
        codes = ";".join(_CODES[style] for style in styles)
        return f"\033[{codes}m{text}\033[0m"

    def _clear(self) -> None:
        if self._status:
            self.err.write("\r\033[K")

    def _draw(self) -> None:
        if self._status:
            self.err.write(self._status)
            self.err.flush()


def wants_colour(environment: Mapping[str, str], *, terminal: bool, no_color: bool) -> bool:
    """Whether to use colours: https://no-color.org and TERM=dumb are honoured, pipes get none."""
    if no_color or environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    return terminal or bool(environment.get("FORCE_COLOR"))
