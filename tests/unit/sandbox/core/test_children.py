"""A process of the sandbox is kept running, whatever goes wrong while it is started or announced."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import children
from sandbox.children import Children
from sandbox.errors import NotRunningError
from sandbox.home import Home
from sandbox.process import alive
from tests.support.waiting import wait_for

READY = "import sys; print('{}', flush=True); sys.stdin.read()"


@pytest.fixture
def all_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Children]:
    """None yet; they are started again soon, and ended afterwards."""
    monkeypatch.setattr(children, "_RESTART_SECONDS", 0.05)
    made = Children(Home.at(tmp_path))
    yield made
    made.end()


def test_a_failing_announcement_does_not_end_the_watching(
    all_children: Children, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk that is full for a moment costs one start: that process is ended, the next one is ready."""
    pids: list[int | None] = []

    def on_ready(_: Any) -> None:
        pids.append(child.pid)
        if len(pids) == 1:
            raise OSError("No space left on device")

    with caplog.at_level(logging.ERROR):
        child = all_children.spawn("part", [sys.executable, "-c", READY], on_ready=on_ready)
        wait_for(lambda: child.ready)
    first, second = pids
    assert first is not None
    assert not alive(first)
    assert child.pid == second != first
    assert "No space left on device" in caplog.text


def test_a_program_that_cannot_be_started_fails_soon(
    all_children: Children, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Who waits for it hears so at once, not after the whole patience."""

    def no_process(*_: object, **__: object) -> None:
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr("subprocess.Popen", no_process)
    child = all_children.spawn("part", ["/nowhere"])
    began = time.monotonic()
    with pytest.raises(NotRunningError, match="ended while it started"):
        child.wait_ready()
    assert time.monotonic() - began < 5.0
    assert "Resource temporarily unavailable" in caplog.text
