"""The process: it says when it is ready, and ends with whoever started it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]


@pytest.fixture
def socket() -> Iterator[Path]:
    """A path that is short enough for a unix socket."""
    with tempfile.TemporaryDirectory(prefix="provider-") as folder:
        yield Path(folder) / "socket"


def _start(socket: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox.provider", "--socket", str(socket)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_it_prints_how_to_attach_and_ends_with_its_standard_input(socket: Path) -> None:
    """One line of JSON when it is ready; nothing is left when it has ended."""
    with _start(socket) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        attach = json.loads(process.stdout.readline())["registry.terraform.io/cloudflare/cloudflare"]
        assert attach == {
            "Protocol": "grpc",
            "ProtocolVersion": 6,
            "Pid": process.pid,
            "Test": True,
            "Addr": {"Network": "unix", "String": str(socket)},
        }
        assert socket.stat().st_mode & 0o777 == 0o600
        process.stdin.close()
        assert process.wait(timeout=10) == 0
    assert not socket.exists()


def test_it_starts_over_the_remains_of_a_killed_one(socket: Path) -> None:
    """A socket that nobody listens on any more is no obstacle."""
    with _start(socket) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.kill()
        process.wait()
    assert socket.exists()

    with _start(socket) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline()
        process.stdin.close()
        process.wait(timeout=10)
