"""Tells the person at the terminal what a run is doing, and recapitulates.

A `Listener` of the runner. On a terminal the last line shows what is at work; in a log each piece of progress is a line
of its own, so that a log of a stuck run says where it is stuck.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from deployer.engine.playbook import Playbook
from deployer.engine.result import RunResult, Status, StepResult
from deployer.errors import DeployError
from deployer.report import text
from deployer.report.sink import Sink

_STYLES = {Status.OK: ("green",), Status.CHANGED: ("yellow",), Status.SKIPPED: ("dim",), Status.FAILED: ("red", "bold")}


class TerminalReport:
    """Writes to the sink's stderr."""

    def __init__(
        self,
        sink: Sink,
        *,
        environment: str,
        target: str,
        diff: bool = False,
        brief: bool = False,
        muted: Callable[[], bool] = lambda: False,
    ) -> None:
        self.sink = sink
        self.environment = environment
        self.target = target
        self.diff = diff
        # Only what is at work and what fails: the command itself shows what the run came to.
        self.brief = brief
        # Of an attempt that was in vain and is made again, the end says nothing.
        self.muted = muted
        self.check = False
        self.at_work: dict[str, float] = {}
        self.last_words: dict[str, str] = {}
        self.failures: list[DeployError] = []

    def began(self, playbook: Playbook, *, check: bool) -> None:
        """Say what is about to happen."""
        self.check = check
        mode = ", check only" if check else ""
        title = f"{playbook.name} {self.environment} ({self.target}{mode}): {len(playbook.steps)} steps"
        if self.brief:
            title = f"{playbook.name} {self.environment} ({self.target}): looking at {len(playbook.steps)} steps"
        self.sink.talk(self.sink.paint(title, "bold"))

    def started(self, step: str) -> None:
        """Show it in the status line."""
        self.at_work[step] = time.monotonic()
        self._status()

    def said(self, step: str, text: str) -> None:
        """Show progress: in the status line, or as a line in a log."""
        if self.last_words.get(step) == text:
            return
        self.last_words[step] = text
        if self.sink.live:
            self._status()
        else:
            self.sink.talk(f"{'...':<{len('skipped')}}  {step}: {text}")

    def applying(self, step: str) -> None:
        """Nothing to say: the step itself reports."""

    def finished(self, result: StepResult) -> None:
        """One line for the step, its changes, and the first line of its error."""
        self.at_work.pop(result.name, None)
        if self.muted() or (self.brief and result.error is None):
            self._status()
            return
        line = text.step_line(result, width=self.sink.width)
        word = result.status.value
        self.sink.talk(self.sink.paint(word, *_STYLES[result.status]) + line[len(word) :])
        for change in text.change_lines(result.changes, check=self.check, diff=self.diff):
            self.sink.talk(change)
        if result.error is not None:
            self.failures.append(result.error)
            self.sink.talk(text.INDENT + self.sink.paint(f"error: {result.error}", "red"))
        self._status()

    def stopping(self, why: str) -> None:
        """Say what is still waited for, and how to hasten it; with nothing at work the end is here and says why."""
        if not self.at_work:
            return
        names = ", ".join(sorted(self.at_work))
        self.sink.talk(f"{why}: waiting for {names} to end; Ctrl-C again to insist")

    def tick(self) -> None:
        """Let the clock of the status line go on."""
        if self.at_work:
            self._status()

    def ended(self, result: RunResult) -> None:
        """The recap."""
        self.at_work.clear()
        self.sink.status("")
        if self.muted():
            return
        # The error that decides the exit code is said last of all, by the boundary; the others in full here.
        for error in self.failures:
            if error is not result.error:
                self.sink.talk()
                for line in text.error_lines(error, width=self.sink.width):
                    self.sink.talk(line)
        if not self.brief:
            self._recap(result)
        if result.error is not None:
            self.sink.talk()

    def _recap(self, result: RunResult) -> None:
        self.sink.talk()
        for line in text.recap_lines(result, environment=self.environment, target=self.target):
            self.sink.talk(self.sink.paint(line, "bold") if line.startswith("RECAP") else line)
        for line in text.slowest_lines(result):
            self.sink.talk(line)

    def _status(self) -> None:
        if not self.sink.live:
            return
        now = time.monotonic()
        parts = [
            f"{step} {now - since:.0f} s" + (f" {self.last_words[step]}" if step in self.last_words else "")
            for step, since in self.at_work.items()
        ]
        self.sink.status("  ".join(parts) and "... " + " | ".join(parts))
