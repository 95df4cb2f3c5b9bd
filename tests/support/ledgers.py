"""Ledgers with something in them, and stores that misbehave, for tests of what is built on the ledger."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deployer.adapters.machine import ProcessId
from deployer.engine.stop import Stop
from deployer.errors import ServiceUnreachable
from deployer.steps.environment_lock import EnvironmentLock
from deployer.steps.github_runs import GitHubRuns
from deployer.steps.heartbeat import Heartbeat
from deployer.steps.holder import CheckoutNote, Owners
from deployer.steps.ledger import CLOSED, OPENED, Entry, Head, Ledger
from deployer.steps.recorder import Recorder
from deployer.words import Named
from tests.support.buckets import MemoryBucket

ENVIRONMENT = "development"
NAMED = Named(ENVIRONMENT, "cloudflare")
ELSEWHERE = ProcessId(host="build-7", pid=4711, started="1", boot="another boot", namespace="pid:[1]")


def ledger(bucket: MemoryBucket) -> Ledger:
    """That of the environment that most tests work on."""
    return Ledger(bucket, NAMED)


def opened(run: str, process: ProcessId | None = ELSEWHERE, **more: Any) -> dict[str, Any]:
    """What an opening entry says."""
    return {
        "event": OPENED,
        "run": run,
        "time": "2026-11-25T12:00:00+00:00",
        "command": "inv deploy --env dev",
        "who": "mira@build-7",
        "process": process.fields() if process else None,
        "plan": None,
        "ci": None,
        **more,
    }


def closed(run: str, number: int, **more: Any) -> dict[str, Any]:
    """What a closing entry says."""
    return {"event": CLOSED, "run": run, "opened": number, "outcome": "ok", "seconds": 2.5, **more}


def open_run(ledger: Ledger, run: str, process: ProcessId | None = ELSEWHERE, **more: Any) -> Entry:
    """A run that is at work."""
    entry = ledger.append(opened(run, process, **more), after=ledger.head())
    assert entry is not None
    return entry


def past_run(ledger: Ledger, run: str, *, outcome: str = "ok", **more: Any) -> None:
    """A run that has ended."""
    entry = open_run(ledger, run, **more)
    head = Head(sequence=entry.sequence, digest=entry.digest)
    assert ledger.append(closed(run, entry.sequence, outcome=outcome), after=head) is not None


def ended_process() -> ProcessId:
    """A process of this machine that is no more."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    own = ProcessId.own()
    named = process_of(child.pid)
    child.communicate(b"\n")
    assert named.started != own.started or named.pid != own.pid
    return named


def process_of(pid: int) -> ProcessId:
    """A process of this machine that is alive."""
    own = ProcessId.own()
    started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ProcessId(host=own.host, pid=pid, started=started, boot=own.boot, namespace=own.namespace)


@dataclass
class World:
    """One environment, its store and one checkout of it."""

    folder: Path
    bucket: MemoryBucket = field(default_factory=MemoryBucket)
    said: list[str] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)
    runs: GitHubRuns | None = None

    @property
    def ledger(self) -> Ledger:
        """The environment's ledger."""
        return Ledger(self.bucket, NAMED)

    @property
    def heartbeat(self) -> Heartbeat:
        """The environment's heartbeat."""
        return Heartbeat(self.bucket, ENVIRONMENT)

    @property
    def owners(self) -> Owners:
        """Who judges owners."""
        return Owners(heartbeat=self.heartbeat, note=CheckoutNote(self.folder), runs=self.runs)

    def lock(self, run: str = "next") -> EnvironmentLock:
        """The lock as a run of this checkout takes it."""
        return EnvironmentLock(
            ledger=self.ledger,
            heartbeat=self.heartbeat,
            owners=self.owners,
            run=run,
            command="inv deploy --env dev",
            who="ana@laptop",
            found=lambda: {"worker": {"version": "v7"}},
            recover=lambda: self.recovered.append(run),
            say=self.said.append,
        )

    def recorder(
        self,
        run: str = "mine",
        *,
        head: Head | None = None,
        live: Callable[[], Mapping[str, Any]] = lambda: {"worker": {"version": "v8"}},
        bucket_step: str | None = None,
    ) -> Recorder:
        """The recorder of a run of this checkout."""
        return Recorder(
            ledger=self.ledger,
            heartbeat=self.heartbeat,
            head=head or self.ledger.head(),
            run=run,
            opening=lambda: {key: value for key, value in opened(run, ProcessId.own()).items() if key != "event"},
            live=live,
            note=CheckoutNote(self.folder),
            stop=Stop(),
            bucket_step=bucket_step,
            say=self.said.append,
        )


@dataclass(frozen=True)
class LosingAnswers(MemoryBucket):
    """The store does what it is asked, and the answer to every write of a key in `deaf` is lost for good."""

    deaf: set[str] = field(default_factory=set)

    def try_put(self, key: str, body: bytes, *, replaces: str | None) -> bool:
        """Write it, and fail."""
        done = super().try_put(key, body, replaces=replaces)
        if key in self.deaf:
            raise ServiceUnreachable("no answer", hint="again")
        return done


@dataclass(frozen=True)
class Unreachable(MemoryBucket):
    """Nothing of what is in `deaf` arrives."""

    deaf: set[str] = field(default_factory=set)

    def try_put(self, key: str, body: bytes, *, replaces: str | None) -> bool:
        """Fail, or write."""
        if key in self.deaf:
            raise ServiceUnreachable("no answer", hint="again")
        return super().try_put(key, body, replaces=replaces)
