"""Waits for a program file that is still open for writing.

We write programs of our own (`node`, `npm`) and start them while other threads start theirs. A child that is forked
while such a file is written holds it open until it has become its own program, and Linux starts no file that is open
for writing (ETXTBSY).
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import TypeVar

Started = TypeVar("Started")

_PATIENCE_SECONDS = 2.0
_PAUSE_SECONDS = 0.01


def when_free(start: Callable[[], Started]) -> Started:
    """What `start` returns; it is called again for up to two seconds while the program's file is busy.

    Raises the OSError of the last attempt, and any other OSError at once.
    """
    limit = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return start()
        except OSError as error:
            if error.errno != errno.ETXTBSY or time.monotonic() >= limit:
                raise
        time.sleep(_PAUSE_SECONDS)
