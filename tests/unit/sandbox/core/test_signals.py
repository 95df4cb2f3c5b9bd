"""Whom `down` may signal: the process that holds the home and has signed for it, and nobody else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox import lifecycle
from sandbox.errors import SandboxError
from sandbox.home import Home, try_lock, write_json
from sandbox.process import sign, signer, started

HOLD = """
import os, sys
from pathlib import Path
from sandbox.errors import SandboxError
from sandbox.home import try_lock
from sandbox.process import sign
lock = try_lock(Path(sys.argv[1]))
if sys.argv[2] == "signed":
    sign(lock)
else:
    os.truncate(lock, 0)
    os.write(lock, sys.argv[2].encode())
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home of its own."""
    return Home.at(tmp_path)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The signals that were sent; none arrives, so that a mistake hurts nobody. Waiting is short."""
    signals: list[tuple[int, int]] = []
    real = os.kill

    def kill(pid: int, number: int) -> None:
        if number == 0:
            real(pid, number)
        else:
            signals.append((pid, number))

    monkeypatch.setattr(lifecycle, "_STOP_SECONDS", 0.1)
    monkeypatch.setattr("os.kill", kill)
    return signals


@contextmanager
def holder(home: Home, text: str) -> Iterator[int]:
    """A process that holds the home's lock, with that text in it, until the block ends."""
    argv = [sys.executable, "-c", HOLD, str(home.root / "supervisor.lock"), text]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process.pid
    process.communicate(timeout=20)


@pytest.mark.parametrize("text", ["", "0", "{own}", "{own} 1\n", "12"])
def test_a_holder_that_has_not_signed_is_not_guessed_at(home: Home, sent: list[tuple[int, int]], text: str) -> None:
    """No text, half a text, and the number of a process that began at another time signal nobody, our group least."""
    with holder(home, text.format(own=os.getpid())), pytest.raises(SandboxError, match="does not end"):
        lifecycle.down(home)
    assert sent == []


def test_the_holder_that_signed_is_signalled(home: Home, sent: list[tuple[int, int]]) -> None:
    """One that does not react to the control endpoint is asked, then ended."""
    with holder(home, "signed") as pid, pytest.raises(SandboxError, match="does not end"):
        lifecycle.down(home)
    assert sent == [(pid, signal.SIGTERM), (pid, signal.SIGKILL)]


def test_a_leftover_is_ended_only_with_proof(home: Home, sent: list[tuple[int, int]]) -> None:
    """A listed number whose process began at another time, or at an unknown one, is left alone."""
    pid = os.getpid()
    begun = [started(pid), "1", ""]
    for text in begun:
        write_json(home.root / "processes.json", [{"pid": pid, "started": text}])
        lifecycle.down(home)
    assert sent == [(pid, signal.SIGKILL)]


def test_a_signature_holds_for_its_process_only(tmp_path: Path) -> None:
    """Read back while the process lives; not when cut short."""
    path = tmp_path / "lock"
    descriptor = try_lock(path)
    assert descriptor is not None
    os.write(descriptor, b"an older and much longer signature\n")
    sign(descriptor)
    assert signer(path) == os.getpid()
    path.write_text(path.read_text()[:-2])
    assert signer(path) == 0
    os.close(descriptor)
