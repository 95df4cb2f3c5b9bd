"""Waiting for what another process does: for a condition, with a bound, never for a time."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable


def wait_for(
    condition: Callable[[], object], *, run: subprocess.Popen[str] | None = None, seconds: float = 60.0
) -> None:
    """Until something has happened; a `run` that is to bring it about must not end before."""
    limit = time.monotonic() + seconds
    while not condition():
        if run is not None:
            assert run.poll() is None, run.communicate()
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.02)
