"""What runs did, line by line, so that the next one can say where the last one was cut off.

Nothing depends on it: every step observes before it acts. It is there for people. One JSON object a line is
appended before a step acts, so it survives kill -9; a line cut in half is ignored by the reader.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from deployer.engine.playbook import Playbook
from deployer.engine.result import RunResult, Status, StepResult
from deployer.errors import LocalDisk

FILE_NAME: Final = "journal.jsonl"
_KEEP_BYTES: Final = 200_000


@dataclass(frozen=True, slots=True)
class CutOff:
    """A run that began and never came to its end, or was interrupted."""

    playbook: str
    time: str
    done: tuple[str, ...]
    at_work: tuple[str, ...]

    def __str__(self) -> str:
        """Say it in one sentence."""
        when = self.time[:19].replace("T", " ")
        text = f"the last {self.playbook} ({when} UTC) was interrupted"
        if self.at_work:
            text += " while it applied " + ", ".join(f"`{step}`" for step in self.at_work)
        count = len(self.done)
        return (
            f"{text}; {count} step{'' if count == 1 else 's'} had ended; this run looks at everything again and goes on"
        )


class Journal:
    """Writes the journal of one run in the work folder; a `Listener` of the runner."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME

    def began(self, playbook: Playbook, *, check: bool) -> None:
        """Start the record of this run."""
        with contextlib.suppress(OSError):
            if self.path.stat().st_size > _KEEP_BYTES:
                self.path.replace(self.path.with_suffix(".old.jsonl"))
        self._write({"event": "began", "playbook": playbook.name, "check": check, "pid": os.getpid()})

    def started(self, step: str) -> None:
        """Looking is not worth a line."""

    def said(self, step: str, text: str) -> None:
        """Progress is not worth a line."""

    def applying(self, step: str) -> None:
        """Note it before the world is touched."""
        self._write({"event": "step", "step": step, "state": "started"})

    def finished(self, result: StepResult) -> None:
        """Note how the step ended."""
        if result.status is Status.SKIPPED:
            return
        state = "done" if result.status is not Status.FAILED else "interrupted" if result.why else "failed"
        with contextlib.suppress(Exception):  # the step has ended; a full disk must not hide how
            self._write({"event": "step", "step": result.name, "state": state, "status": result.status.value})

    def stopping(self, why: str) -> None:
        """Note that somebody asked."""
        with contextlib.suppress(Exception):
            self._write({"event": "stopping", "why": why})

    def tick(self) -> None:
        """Time is not worth a line."""

    def ended(self, result: RunResult) -> None:
        """Close the record."""
        with contextlib.suppress(Exception):
            self._write({"event": "ended", "outcome": result.outcome.value, "error": _reason(result)})

    def _write(self, entry: Mapping[str, object]) -> None:
        line = json.dumps({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **entry}) + "\n"
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.write(handle, line.encode())
            finally:
                os.close(handle)
        except OSError as error:
            raise LocalDisk.of(error, self.path) from None


def _reason(result: RunResult) -> str | None:
    return result.error.reason if result.error else None


def last_cut_off(folder: Path) -> CutOff | None:
    """Return the last run in `folder` if it was cut off; call it before the new run begins."""
    try:
        with (folder / FILE_NAME).open("rb") as file:
            # The last run is at the end; more than the limit is never read, whatever the file has become.
            file.seek(max(0, os.fstat(file.fileno()).st_size - 2 * _KEEP_BYTES))
            text = file.read(2 * _KEEP_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return None
    began: dict[str, Any] | None = None
    ended: dict[str, Any] | None = None
    states: dict[str, str] = {}
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if not isinstance(entry, dict):
            continue
        event = entry.get("event")
        if event == "began":
            began, ended, states = entry, None, {}
        elif event == "step":
            states[str(entry.get("step"))] = str(entry.get("state"))
        elif event == "ended":
            ended = entry
    if began is None or (ended is not None and ended.get("error") not in ("interrupted", "run-timed-out")):
        return None
    return CutOff(
        playbook=str(began.get("playbook")),
        time=str(began.get("time")),
        done=tuple(step for step, state in states.items() if state == "done"),
        at_work=tuple(step for step, state in states.items() if state in ("started", "interrupted")),
    )
