"""Notes about running children, so that a run that was killed leaves no program behind unnoticed.

The note is written before the program starts and names a marker that the program carries in its environment; the
next run finds by it what is still alive, and ends only that. Where environments cannot be read (no /proc), the proof is
a locked file beside the note: the program holds it open for as long as it lives. A process id alone is no proof, since
ids are given away again. Without a note nothing is ever ended. A note that is left behind also proves that this machine
had started the program, which is what breaking a stale lock needs.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from deployer.adapters.files import PRIVATE_FILE, disk_errors, make_folder, write_private
from deployer.errors import LocalDisk

VARIABLE = "DEPLOYER_PROCESS"
_PROC = Path("/proc")


@dataclass(frozen=True)
class Leftover:
    """A program of an earlier run: `title` and `since` as noted, `pids` those that are alive."""

    title: str
    since: datetime
    pids: tuple[int, ...]
    note: Path


@contextlib.contextmanager
def record(folder: Path, *, title: str) -> Iterator[tuple[str, int]]:
    """Note that a program is being started; the note goes when the program has ended.

    Gives the marker for its environment, and the descriptor that it has to inherit.
    """
    marker = uuid.uuid4().hex
    make_folder(folder)
    note = folder / f"{marker}.json"
    with disk_errors(folder):
        descriptor = os.open(_held(note), os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        _write(note, {"title": title, "since": datetime.now(UTC).isoformat(), "pid": None})
        yield marker, descriptor
    finally:
        os.close(descriptor)
        _remove(note)


def attach(folder: Path | None, environment: Mapping[str, str], pid: int) -> None:
    """Add the process id, which is how a program is found where there is no /proc."""
    marker = environment.get(VARIABLE)
    if folder is None or marker is None:
        return
    note = folder / f"{marker}.json"
    with contextlib.suppress(OSError, ValueError, LocalDisk):
        _write(note, {**json.loads(note.read_text(encoding="utf-8")), "pid": pid})


def leftovers(folder: Path) -> list[Leftover]:
    """What earlier runs noted and did not finish, oldest first."""
    found = []
    for note in folder.glob("*.json") if folder.is_dir() else ():
        try:
            data = json.loads(note.read_text(encoding="utf-8"))
            since = datetime.fromisoformat(data["since"])
        except (OSError, ValueError, KeyError, TypeError):
            # Cut off while being written: the program cannot have been started yet.
            _remove(note)
            continue
        found.append(Leftover(str(data.get("title")), since, _alive(note, data.get("pid")), note))
    return sorted(found, key=lambda leftover: leftover.since)


def end_leftovers(folder: Path, *, patience: float = 0.0, patient: str = "", grace: float = 20.0) -> list[Leftover]:
    """End what is still alive of earlier runs, politely first. The notes stay until `forget`.

    For `patience` seconds those whose title begins with `patient` may end by themselves: interrupting a program in the
    middle of a request can lose the answer.
    """
    found = leftovers(folder)
    if patience:
        _end(folder, grace, lambda left: not left.title.startswith(patient))
        _wait(folder, patience, _any)
    _end(folder, grace, _any)
    return found


def forget(found: list[Leftover]) -> None:
    """Remove the notes of programs that are dealt with."""
    for leftover in found:
        _remove(leftover.note)


def _any(_left: Leftover) -> bool:
    return True


def _end(folder: Path, grace: float, which: Callable[[Leftover], bool]) -> None:
    for number, seconds in ((signal.SIGINT, grace), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        alive = _pids(folder, which)
        if not alive:
            break
        for pid in alive:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        _wait(folder, seconds, which)


def _wait(folder: Path, seconds: float, which: Callable[[Leftover], bool]) -> None:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit and _pids(folder, which):
        time.sleep(0.05)


def _pids(folder: Path, which: Callable[[Leftover], bool]) -> list[int]:
    return [pid for left in leftovers(folder) if which(left) for pid in left.pids]


def _alive(note: Path, pid: int | None) -> tuple[int, ...]:
    if not _PROC.is_dir():
        # While anything of its group is alive, the leader's id is not given away.
        return (pid,) if pid is not None and _is_held(note) and _leads_its_group(pid) else ()
    sought = f"{VARIABLE}={note.stem}".encode()
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if sought in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return tuple(found)


def _held(note: Path) -> Path:
    return note.with_suffix(".held")


def _is_held(note: Path) -> bool:
    """Whether the program, or one that it started, is alive: whoever ends lets go of the lock."""
    try:
        descriptor = os.open(_held(note), os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def _remove(note: Path) -> None:
    note.unlink(missing_ok=True)
    _held(note).unlink(missing_ok=True)


def _leads_its_group(pid: int) -> bool:
    try:
        return os.getpgid(pid) == pid
    except (ProcessLookupError, PermissionError):
        return False


def _write(path: Path, data: Mapping[str, object]) -> None:
    write_private(path, json.dumps(data))
