"""Times whole processes in pairs, A B A B ..., so that a noisy machine disturbs both sides alike.

It knows nothing of what it measures. Wall time in seconds, peak resident memory in bytes of the largest single process
(the kernel's own figure for the child and the children that it waited for).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO


class CommandFailedError(Exception):
    """A measured command failed: its figures would mean nothing."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """One process to measure."""

    argv: Sequence[str]
    cwd: Path
    environment: Mapping[str, str]
    stdin: str = ""
    success: int = 0


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What one run cost: wall time in seconds, peak resident memory in bytes."""

    seconds: float
    peak: int


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Samples of two sides, taken in turn."""

    ours: Sequence[Sample]
    theirs: Sequence[Sample]

    @property
    def seconds(self) -> tuple[float, float]:
        """Median wall time of both sides."""
        ours, theirs = (statistics.median(s.seconds for s in side) for side in (self.ours, self.theirs))
        return ours, theirs

    @property
    def ratio(self) -> float:
        """Median of the ratios ours/theirs, pair by pair."""
        return statistics.median(a.seconds / b.seconds for a, b in zip(self.ours, self.theirs, strict=True))

    @property
    def peak(self) -> int:
        """Largest peak of our side, in bytes."""
        return max(sample.peak for sample in self.ours)


def run(command: Command, log: IO[bytes]) -> Sample:
    """Run one process to its end; its output goes to `log`. Raises CommandFailedError with the last lines."""
    start = time.monotonic()
    process = subprocess.Popen(
        command.argv,
        cwd=command.cwd,
        env=dict(command.environment),
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    assert process.stdin is not None
    process.stdin.write(command.stdin.encode())
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != command.success:
        log.flush()
        tail = Path(log.name).read_text(errors="replace").splitlines()[-15:]
        raise CommandFailedError("\n".join([f"exit {process.returncode}: {' '.join(command.argv)}", *tail]))
    return Sample(seconds=seconds, peak=usage.ru_maxrss * 1024)


def in_turn(ours: Callable[[], Sample], theirs: Callable[[], Sample], *, runs: int, warm_up: int = 1) -> Pair:
    """Take `runs` samples of each side alternately, after `warm_up` uncounted ones."""
    for _ in range(warm_up):
        ours()
        theirs()
    samples = [(ours(), theirs()) for _ in range(runs)]
    return Pair(ours=[a for a, _ in samples], theirs=[b for _, b in samples])


def total(samples: Sequence[Sample]) -> Sample:
    """Add up runs that follow one another."""
    return Sample(seconds=sum(s.seconds for s in samples), peak=max(s.peak for s in samples))
