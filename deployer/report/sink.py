"""Where text leaves the process, and what happens to it on the way.

Data goes to stdout, talk to stderr, and every character passes the redaction hook first (a document was masked text by
text). Whether there are colours and a status line is decided here once: a terminal that wants them, never a pipe, a CI
log, NO_COLOR or `--no-color`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

_CODES: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


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
    _deaf: bool = field(default=False, init=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    def data(self, text: str) -> None:
        """Print a result, for pipes."""
        self.masked_data(self.redact(text))

    def masked_data(self, text: str) -> None:
        """Print a result that holds no secret any more: masking the text of a document could break its form."""
        with self._lock:
            self._clear()
            self.out.write(text + "\n")
            self.out.flush()
            self._draw()

    def talk(self, text: str = "") -> None:
        """Print something for the person at the terminal."""
        with self._lock:
            self._clear()
            self._tell(self.redact(text) + "\n")
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
            self._tell("\r\033[K")

    def _draw(self) -> None:
        if self._status:
            self._tell(self._status)

    def _tell(self, text: str) -> None:
        """Write to stderr; once nobody is there to read it any more, the run goes on without talking."""
        if self._deaf:
            return
        try:
            self.err.write(text)
            self.err.flush()
        except OSError as error:
            # The reader of the pipe has gone, or the terminal was closed. A full disk is not for us to hide.
            if error.errno not in (errno.EPIPE, errno.EIO, errno.ENXIO):
                raise
            self._deaf = True
            # What the stream still holds back must not make the end of the process a failure.
            with contextlib.suppress(OSError, ValueError), Path(os.devnull).open("wb") as nothing:
                os.dup2(nothing.fileno(), self.err.fileno())


def wants_colour(environment: Mapping[str, str], *, terminal: bool, no_color: bool) -> bool:
    """Whether to use colours: https://no-color.org and TERM=dumb are honoured, pipes get none."""
    if no_color or environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    return terminal or bool(environment.get("FORCE_COLOR"))
