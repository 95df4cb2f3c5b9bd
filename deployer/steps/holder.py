"""Who holds an environment, and what proves that they are gone.

Four proofs count: the run was this checkout's, whose lock we hold now; its process ran on this machine and is no
more, nor is any program that it had started; its heartbeat is too old by the store's clock; GitHub says that the run of
a workflow in which it worked has ended. Less is no proof.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.adapters.files import read_json, write_private
from deployer.adapters.machine import Life, ProcessId, carriers
from deployer.adapters.process import RUN_VARIABLE
from deployer.steps.github_runs import GitHubRuns
from deployer.steps.heartbeat import VALID_FOR, Heartbeat
from deployer.steps.ledger import Entry, Ledger
from deployer.words import moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`gone` is proven, or `alive` is, or neither; `text` says by what. A `lapsed` heartbeat must be claimed."""

    text: str
    gone: bool = False
    alive: bool = False
    lapsed: bool = False
    # What is alive on this machine.
    pids: tuple[int, ...] = ()


@dataclass(frozen=True)
class CheckoutNote:
    """Which run worked in a work folder last and has not come to its end.

    A run holds the lock of the folder while it works. Whoever holds it now knows that the noted run is gone. A copy of
    the folder has another lock, so there the note says nothing.
    """

    folder: Path

    def write(self, run: str) -> None:
        """Before the run opens its entry: a note of a run that nobody knows does no harm."""
        write_private(self._path, json.dumps({"run": run, "lock": self._lock}) + "\n")

    def names(self, run: str) -> bool:
        """Whether it was this one, in this very folder."""
        noted = read_json(self._path)
        return isinstance(noted, dict) and noted == {"run": run, "lock": self._lock}

    def remove(self) -> None:
        """The run has ended."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    @property
    def _path(self) -> Path:
        return self.folder / "run.json"

    @property
    def _lock(self) -> str | None:
        try:
            found = (self.folder / "lock").stat()
        except OSError:
            return None
        return f"{found.st_dev}:{found.st_ino}"


@dataclass(frozen=True, kw_only=True)
class Owners:
    """Judges the owners of an environment's open entries, in a process that has locked its checkout's work folder."""

    heartbeat: Heartbeat
    note: CheckoutNote
    # None where GitHub is nobody to ask.
    runs: GitHubRuns | None = None

    def judge(self, opened: Entry) -> Verdict:
        """Whether whoever opened this entry is gone."""
        process = ProcessId.of(dict(opened.body.get("process") or {}))
        life = process.life if process else Life.UNKNOWN
        if process is not None and life is Life.ALIVE:
            return Verdict(alive=True, text=f"its process {process.pid} is alive on this machine", pids=(process.pid,))
        if opened.run and self.note.names(opened.run):
            return Verdict(gone=True, text="it was a run of this checkout, and nobody works in that now")
        if process is not None and life is Life.GONE:
            children = carriers(RUN_VARIABLE, opened.run)
            if not children:
                return Verdict(gone=True, text=f"its process {process.pid} on this machine is gone")
            listed = ", ".join(str(pid) for pid in children)
            text = f"programs that it has started are at work: process {listed}"
            return Verdict(alive=True, text=text, pids=children)
        age = self.heartbeat.age(opened)
        minutes = int(age.total_seconds() // 60)
        if age > VALID_FOR:
            return Verdict(gone=True, lapsed=True, text=f"its last sign of life is {minutes} min old")
        ending = self.runs.ended(dict(opened.body.get("ci") or {}), sign=age) if self.runs else None
        if ending is not None and ending.proven:
            return Verdict(gone=True, text=ending.text)
        said = f"; {ending.text}" if ending else ""
        return Verdict(text=f"its last sign of life is {int(age.total_seconds())} s old{said}")


def describe(opened: Entry, environment: str) -> str:
    """Who does what since when, in one line."""
    body: dict[str, Any] = dict(opened.body)
    since = moment(opened.written, seconds=True)
    if not body:
        return f"entry {opened.sequence} of the ledger of `{environment}` cannot be read, so it counts as a run at work"
    command, who = body.get("command", "a run"), body.get("who", "somebody")
    return f"`{command}` of {who} works on `{environment}` since {since}"


def particulars(opened: Entry, verdict: Verdict) -> list[str]:
    """Further lines about the holder."""
    body = opened.body
    process, ci = dict(body.get("process") or {}), dict(body.get("ci") or {})
    lines = [f"run {lock_id(opened)}, " + verdict.text]
    if process:
        lines.append(f"process {process.get('pid')} on {process.get('host')}")
    if ci.get("url"):
        lines.append(f"at {ci['url']}")
    return lines


def lock_id(opened: Entry) -> str:
    """What to type in order to break this very lock: the run, or the number of an entry that cannot be read."""
    return opened.run or str(opened.sequence)


def place(ledger: Ledger, opened: Entry) -> str:
    """Where the lock lies."""
    return ledger.place(opened.key)
