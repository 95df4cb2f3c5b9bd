"""The processes of the sandbox: started, watched, started again, ended; none outlives the supervisor.

Three nets: the kernel's parent-death signal (`launch.py`), a pipe on standard input that every child watches, and the
list in `<home>/processes.json` by which the next `up` or `down` finds what the other two missed.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from sandbox.errors import NotRunningError
from sandbox.home import Home, write_json
from sandbox.process import started

_log = logging.getLogger(__name__)
_LAUNCHER = Path(__file__).with_name("launch.py")
_READY_SECONDS = 20.0
_RESTART_SECONDS = 0.2  # doubled with each failure in a row, up to:
_LONGEST_RESTART_SECONDS = 5.0


class Child:
    """One process, kept alive by a thread of its own."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        on_ready: Callable[[Mapping[str, Any]], None],
        on_change: Callable[[], None],
    ) -> None:
        self.name = name
        self._argv = [sys.executable, "-I", "-S", str(_LAUNCHER), *argv]
        self._environment = dict(environment)
        self._log = log
        self._on_ready = on_ready
        self._on_change = on_change
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = threading.Event()
        self._ending = threading.Event()
        self._failed = False  # ended before it was ready for the first time
        self._thread = threading.Thread(target=self._keep, name=f"child-{name}", daemon=True)

    def start(self) -> None:
        """Begin; does not wait."""
        self._thread.start()

    def wait_ready(self, seconds: float = _READY_SECONDS) -> None:
        """Block until the process said that it is ready."""
        end = time.monotonic() + seconds
        while not self._ready.wait(0.02):
            if self._failed or time.monotonic() > end:
                how = "ended while it started" if self._failed else f"was not ready within {seconds:.0f} s"
                raise NotRunningError(f"`{self.name}` {how}: {self.last_words()}", f"its log: {self._log}")

    @property
    def pid(self) -> int | None:
        """The process at the moment."""
        return self._process.pid if self._process else None

    @property
    def ready(self) -> bool:
        """True while the process runs and has said that it is ready."""
        return self._ready.is_set()

    def last_words(self) -> str:
        """The end of the log, for error messages."""
        try:
            lines = self._log.read_text(errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return lines[-1] if lines else "it said nothing"

    def end(self) -> None:
        """Ask by closing the pipe, then insist."""
        self._ending.set()
        process = self._process
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        for seconds, insist in ((3.0, process.terminate), (1.0, process.kill), (2.0, None)):
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                if insist:
                    insist()
            else:
                break
        self._thread.join(1.0)

    def _keep(self) -> None:
        pause = _RESTART_SECONDS
        while not self._ending.is_set():
            begun = time.monotonic()
            try:
                self._run_once()
            except Exception:  # noqa: BLE001 - without this thread nobody would start it again or read what it says
                _log.exception("`%s` cannot be kept running", self.name)
                self._give_up()
            if time.monotonic() - begun > _LONGEST_RESTART_SECONDS:
                pause = _RESTART_SECONDS
            if self._ending.wait(pause):
                return
            _log.warning("`%s` ended and is started again", self.name)
            pause = min(pause * 2, _LONGEST_RESTART_SECONDS)

    def _run_once(self) -> None:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                self._argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self._environment,
                start_new_session=True,  # Ctrl-C in a terminal is for the supervisor
            )
            self._process = process
            self._on_change()
            assert process.stdout is not None
            self._announce(process.stdout.readline())
            for line in process.stdout:
                log.write(line)
                log.flush()
            process.wait()
        _close(process.stdin)
        _close(process.stdout)
        self._failed = not self._ready.is_set()
        self._ready.clear()

    def _give_up(self) -> None:
        """End a process that nobody listens to any more."""
        process = self._process
        if process is not None:
            process.kill()
            process.wait()
            _close(process.stdin)
            _close(process.stdout)
        self._failed = not self._ready.is_set()
        self._ready.clear()

    def _announce(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            if line:
                _log.error("`%s` did not begin with a line of JSON", self.name)
            return
        self._on_ready(message)
        self._ready.set()


class Children:
    """All of them."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._all: list[Child] = []

    def spawn(
        self,
        name: str,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        on_ready: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> Child:
        """See `service.Spawn`."""
        child = Child(
            name,
            argv,
            os.environ if environment is None else environment,
            self._home.log(name),
            on_ready or (lambda _: None),
            self._write,
        )
        with self._lock:
            self._all.append(child)
        child.start()
        return child

    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        with self._lock:
            return {child.name: child.pid for child in self._all if child.pid is not None}

    def unready(self) -> set[str]:
        """Names of those that are not (or not yet again) ready."""
        with self._lock:
            return {child.name for child in self._all if not child.ready}

    def end(self) -> None:
        """End all, at the same time."""
        threads = [threading.Thread(target=child.end) for child in self._all]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _write(self) -> None:
        with self._lock:
            pids = [child.pid for child in self._all if child.pid is not None]
            pids.append(os.getpid())
            write_json(self._home.root / "processes.json", [{"pid": pid, "started": started(pid)} for pid in pids])


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None and not stream.closed:
        try:
            stream.close()
        except BrokenPipeError:
            return
