"""The only place that starts programs.

A program gets an argument list and exactly the environment it is handed; its output goes through redaction into a
log file, and only then anywhere else. Whoever interrupts a run reaches the whole process group, politely first.
This module knows no tool: what an exit code or a line of output means is decided by the adapter that called.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import os
import re
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from deployer.adapters import process_records
from deployer.adapters.busy import when_free
from deployer.adapters.files import make_folder, tells_of_a_full_disk
from deployer.adapters.redact import RedactingStream, Redactor
from deployer.errors import DeployError, Interrupted, LocalDisk, ToolFailed, ToolMissing, ToolTimedOut

# Programs carry the run that has started them, so that others on this machine see whether anything of it is alive.
RUN_VARIABLE = "DEPLOYER_RUN"
# For programs whose exit code alone does not say how they ended.
ANY_CODE = frozenset(range(-64, 256))
# Enough for the bundlers, which put the imports that led there below the line that says what is wrong.
LAST_LINES = 25
_TICK_SECONDS = 0.1
_DRAIN_SECONDS = 0.5
_CAPTURE_BYTES = 64 * 1024 * 1024
# Frames of a JavaScript stack: there are dozens of them below the one line that says what is wrong.
_FRAME = re.compile(r"\s+at (?:async |new )?\S.*:\d+:\d+\)?(?: \{)?")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|[\x00-\x08\x0b-\x1f]")


@dataclass(frozen=True, kw_only=True)
class Command:
    """One program to run. `title` is what people call it (`terraform apply`), `log` where its output is kept."""

    argv: Sequence[str]
    title: str
    cwd: Path
    environment: Mapping[str, str] = field(repr=False)
    log: Path
    timeout: float
    stdin: bytes | None = field(default=None, repr=False)
    success: frozenset[int] = frozenset({0})
    # How long an interrupted program may take to end by itself before it is terminated, then killed.
    grace: float = 10.0
    # Answers that are data (`show -json`) are captured but kept out of the log.
    log_stdout: bool = True
    # A program that must not die half-way when we are killed: its output then still has somewhere to go.
    outlives_us: bool = False
    hint: str | None = None


@dataclass(frozen=True, kw_only=True)
class Completed:
    """How a program ended. `stdout` is not redacted, since callers parse it; `last_lines` is."""

    returncode: int
    stdout: str = field(repr=False)
    last_lines: tuple[str, ...]
    seconds: float


@dataclass
class Processes:
    """Starts programs for one run. `stop` is set by whoever interrupts the run, from any thread."""

    redactor: Redactor
    stop: threading.Event = field(default_factory=threading.Event)
    # The person insists: no more politeness.
    hurried: threading.Event = field(default_factory=threading.Event)
    # Notes about running children, by which the next run finds what a killed one left behind.
    records: Path | None = None
    # The id of the run that starts them.
    run_id: str | None = None

    def run(self, command: Command, on_line: Callable[[str], None] | None = None) -> Completed:
        """Run to the end. An exit code outside `command.success` is ToolFailed with the last lines and the log."""
        if self.stop.is_set():
            raise Interrupted(f"{command.title} was not started, the run was interrupted")
        started = time.monotonic()
        with _Log(command.log) as log, self._recorded(command) as (environment, inherited):
            process = _start(command, environment, inherited)
            process_records.attach(self.records, environment, process.pid)
            pump = _Pump(process, command, self.redactor, log, on_line)
            try:
                ended = pump.until_end(deadline=started + command.timeout, stop=self.stop)
                if ended is not None:
                    # With its pipes still open: who says a last word into a closed one dies of it, and Terraform then
                    # neither saves its state nor gives back its lock.
                    end_group(process, grace=command.grace, hurried=self.hurried)
                    pump.drain()
            except BaseException:
                end_group(process, grace=command.grace, hurried=self.hurried)
                raise
            finally:
                pump.close()
        seconds = time.monotonic() - started
        if ended is not None:
            raise self._ended_early(ended, command, pump)
        completed = Completed(
            returncode=process.returncode, stdout=pump.stdout, last_lines=pump.last_lines(), seconds=seconds
        )
        if completed.returncode not in command.success:
            raise self.failure(command, completed, log)
        return completed

    def failure(self, command: Command, completed: Completed, log: _Log | None = None) -> DeployError:
        """The error for a program that ended with a code that means failure."""
        if (log is not None and log.full) or tells_of_a_full_disk("\n".join(completed.last_lines)):
            return LocalDisk.met_by(command.title, log=command.log, details=completed.last_lines)
        code = completed.returncode
        how = f"with exit code {code}" if code >= 0 else f"by signal {_signal_name(-code)}"
        return ToolFailed(
            f"{command.title} ended {how}",
            place=str(command.log),
            hint=command.hint,
            details=completed.last_lines,
        )

    def _ended_early(self, cause: str, command: Command, pump: _Pump) -> DeployError:
        if cause == "interrupted":
            return Interrupted(f"{command.title} was ended because the run was interrupted", place=str(command.log))
        return ToolTimedOut(
            f"{command.title} did not end within {command.timeout:g} s",
            place=str(command.log),
            hint=command.hint,
            details=pump.last_lines(),
        )

    @contextlib.contextmanager
    def _recorded(self, command: Command) -> Iterator[tuple[Mapping[str, str], tuple[int, ...]]]:
        environment = {**command.environment, **({RUN_VARIABLE: self.run_id} if self.run_id else {})}
        if self.records is None:
            yield environment, ()
            return
        with process_records.record(self.records, title=command.title) as (marker, descriptor):
            yield {**environment, process_records.VARIABLE: marker}, (descriptor,)


def end_group(process: subprocess.Popen[bytes], *, grace: float, hurried: threading.Event | None = None) -> None:
    """Interrupt, then terminate, then kill the whole group of `process`; return when the program is gone."""
    for number, patience in ((signal.SIGINT, grace), (signal.SIGTERM, min(grace, 5.0)), (signal.SIGKILL, 5.0)):
        if hurried is not None and hurried.is_set() and number is not signal.SIGKILL:
            continue
        _signal_group(process, number)
        limit = time.monotonic() + patience
        while process.poll() is None and time.monotonic() < limit:
            if hurried is not None and hurried.is_set() and number is not signal.SIGKILL:
                break
            time.sleep(0.02)
        if process.poll() is not None:
            break
    # The program is gone; what it started may have ignored the polite signals.
    _signal_group(process, signal.SIGKILL)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def plain_text(text: str) -> str:
    """`text` without colours and control characters, for errors and logs."""
    return _CONTROL.sub("", text)


def _start(command: Command, environment: Mapping[str, str], inherited: tuple[int, ...]) -> subprocess.Popen[bytes]:
    if not command.cwd.is_dir():
        raise ToolMissing(f"{command.title} cannot run, its folder does not exist", place=str(command.cwd))
    pipes = [os.pipe() for _ in range(2)] if command.outlives_us else []
    try:
        process = when_free(
            lambda: subprocess.Popen(
                list(command.argv),
                cwd=command.cwd,
                env=dict(environment),
                stdin=subprocess.DEVNULL if command.stdin is None else subprocess.PIPE,
                stdout=pipes[0][1] if pipes else subprocess.PIPE,
                stderr=pipes[1][1] if pipes else subprocess.PIPE,
                # The child holds the reading ends too: a pipe that lost its reader would kill it at its next word.
                pass_fds=[*inherited, *(read for read, _ in pipes)],
                # What a tool leaves behind (a plan, a build) is nobody else's business.
                umask=0o077,
                # A group of its own: Ctrl-C reaches us alone, and we pass it on in order.
                start_new_session=True,
            )
        )
        if pipes:
            process.stdout, process.stderr = (os.fdopen(read, "rb", buffering=0) for read, _ in pipes)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EMFILE, errno.ENOMEM, errno.EAGAIN):
            raise LocalDisk(f"{command.title} cannot be started: {error.strerror}", place=str(command.log)) from None
        raise ToolMissing(
            f"{command.title} cannot be started: {error.strerror}",
            place=command.argv[0],
            hint=command.hint or "run `inv doctor` to see which tools are missing",
        ) from None
    else:
        return process
    finally:
        for _, write in pipes:
            os.close(write)


class _Log:
    """The log file of one program. A full disk stops the log and not the program, which may be half through."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.full = False
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        try:
            make_folder(self.path.parent)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            self._file = os.fdopen(descriptor, "w", encoding="utf-8", errors="replace")
        except OSError as error:
            raise LocalDisk.of(error, self.path, what="the log cannot be written") from None
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.close()

    def write(self, text: str) -> None:
        if not text or self.full or self._file is None:
            return
        try:
            self._file.write(text)
            self._file.flush()
        except OSError:
            self.full = True


class _Output:
    """One output stream of a program: decoded, masked, logged, cut into lines."""

    def __init__(self, redactor: Redactor, log: _Log | None, on_line: Callable[[str], None] | None) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._masker: RedactingStream = redactor.stream()
        self._log = log
        self._on_line = on_line
        self._partial = ""
        self.raw: list[bytes] = []
        self.raw_bytes = 0
        self.lines: list[str] = []

    def feed(self, data: bytes) -> None:
        if self.raw_bytes < _CAPTURE_BYTES:
            self.raw.append(data)
            self.raw_bytes += len(data)
        self._show(self._masker.feed(self._decoder.decode(data)))

    def finish(self) -> None:
        self._show(self._masker.feed(self._decoder.decode(b"", final=True)) + self._masker.finish())
        if self._partial:
            self._show("\n")

    def _show(self, text: str) -> None:
        if self._log is not None:
            self._log.write(text)
        *whole, self._partial = (self._partial + text).replace("\r\n", "\n").split("\n")
        for line in whole:
            # A progress display redraws its line; only the last state is worth keeping.
            shown = plain_text(line.rsplit("\r", 1)[-1]).rstrip()
            if shown:
                if not _FRAME.fullmatch(shown):
                    self.lines.append(shown)
                if self._on_line is not None:
                    self._on_line(shown)
        del self.lines[: -4 * LAST_LINES]


class _Pump:
    """Moves bytes between us and one program until it ends, its time is up or the run is stopped."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        command: Command,
        redactor: Redactor,
        log: _Log,
        on_line: Callable[[str], None] | None,
    ) -> None:
        self.process = process
        self._selector = selectors.DefaultSelector()
        self._out = _Output(redactor, log if command.log_stdout else None, on_line if command.log_stdout else None)
        self._err = _Output(redactor, log, on_line)
        self._stdin = memoryview(command.stdin or b"")
        for stream, output in ((process.stdout, self._out), (process.stderr, self._err)):
            assert stream is not None
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ, output)
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            self._selector.register(process.stdin, selectors.EVENT_WRITE, None)

    @property
    def stdout(self) -> str:
        return b"".join(self._out.raw).decode("utf-8", "replace")

    def last_lines(self) -> tuple[str, ...]:
        """What a person reads first: the end of the error stream, or of the output if that said nothing."""
        return tuple((self._err.lines or self._out.lines)[-LAST_LINES:])

    def until_end(self, *, deadline: float, stop: threading.Event) -> str | None:
        """None when the program ended by itself, else why it must be ended."""
        gone_since: float | None = None
        while self._readers() or self.process.poll() is None:
            now = time.monotonic()
            if stop.is_set():
                return "interrupted"
            if now >= deadline:
                return "timed out"
            if self.process.poll() is not None:
                # A grandchild may hold the pipes open for ever (esbuild's service); the program itself is done.
                gone_since = gone_since or now
                if now - gone_since > _DRAIN_SECONDS:
                    break
            if self._readers():
                self._turn(min(_TICK_SECONDS, max(0.0, deadline - now)))
            else:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(_TICK_SECONDS)
        self.process.wait()
        return None

    def drain(self) -> None:
        """Take what a program said while it was being ended."""
        limit = time.monotonic() + _DRAIN_SECONDS
        while self._readers() and self._selector.select(0) and time.monotonic() < limit:
            self._turn(0)

    def close(self) -> None:
        """Close our ends of the pipes; what arrived stays."""
        for key in list(self._selector.get_map().values()):
            self._drop(key)
        self._selector.close()
        for output in (self._out, self._err):
            output.finish()

    def _readers(self) -> bool:
        return any(key.data is not None for key in self._selector.get_map().values())

    def _turn(self, timeout: float) -> None:
        for key, _ in self._selector.select(timeout):
            if key.data is None:
                self._write(key)
                continue
            try:
                data = os.read(key.fd, 65536)
            except BlockingIOError:
                continue
            if data:
                key.data.feed(data)
            else:
                self._drop(key)

    def _write(self, key: selectors.SelectorKey) -> None:
        try:
            self._stdin = self._stdin[os.write(key.fd, self._stdin[:65536]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            # The program does not want to read on; its exit code says whether that is a failure.
            self._stdin = self._stdin[:0]
        if not self._stdin:
            self._drop(key)

    def _drop(self, key: selectors.SelectorKey) -> None:
        self._selector.unregister(key.fileobj)
        if isinstance(key.fileobj, io.IOBase):
            with contextlib.suppress(OSError):
                key.fileobj.close()


def _signal_name(number: int) -> str:
    return {known.value: known.name for known in signal.Signals}.get(number, str(number))
