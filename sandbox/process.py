"""Facts about processes of this machine: alive or not, memory, who holds a port.

Read from /proc where there is one, else asked of `ps` and `lsof`. Starts and ends nothing.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def alive(pid: int) -> bool:
    """True while the process runs (a zombie does not)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _stat(pid)[:1] != ["Z"]


def started(pid: int) -> str:
    """A text that differs when the number was given to another process; empty when there is none."""
    fields = _stat(pid)
    if fields:
        return fields[19]
    return _ask("ps", "-o", "lstart=", "-p", str(pid)) if not _PROC.is_dir() else ""


def sign(descriptor: int) -> None:
    """Write into an open file who we are, in a form that fits no process that gets our number later."""
    pid = os.getpid()
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{pid} {started(pid)}\n".encode(), 0)


def signer(path: Path) -> int:
    """The living process that signed the file; 0 when there is none, or only half a signature."""
    text = path.read_text()
    pid, _, begun = text.strip().partition(" ")
    if not (text.endswith("\n") and pid.isdecimal() and int(pid) > 1):
        return 0
    return int(pid) if begun and begun == started(int(pid)) and alive(int(pid)) else 0


def resident_bytes(pid: int) -> int:
    """Resident memory of one process."""
    try:
        return int((_PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE
    except OSError:
        text = _ask("ps", "-o", "rss=", "-p", str(pid)) if not _PROC.is_dir() else ""
        return int(text or 0) * 1024


def descendants(pid: int) -> list[int]:
    """All living processes below this one, nearest first."""
    parents: dict[int, list[int]] = {}
    if _PROC.is_dir():
        for entry in _PROC.iterdir():
            if entry.name.isdigit() and (fields := _stat(int(entry.name))) and fields[0] != "Z":
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    else:
        for line in _ask("ps", "-axo", "pid=,ppid=").splitlines():
            child, parent = line.split()
            parents.setdefault(int(parent), []).append(int(child))
    found: list[int] = []
    queue = [pid]
    while queue:
        below = parents.get(queue.pop(0), [])
        found += below
        queue += below
    return found


def holder_of_port(port: int) -> str:
    """Who listens on a loopback port, in words, as far as this user may know."""
    if not _PROC.is_dir():
        pid = _ask("lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-t").split()
        return f"process {pid[0]}" if pid else "another process"
    inodes = _listening_inodes(port)
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        if inodes & _open_files(entry):
            return f"process {entry.name} ({_command(entry)})"
    return "another process (of another user, or just ended)"


def _open_files(entry: Path) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):  # ended meanwhile, or another user's
        for link in (entry / "fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                found.add(str(link.readlink()))
    return found


def _command(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()[:60]
    except OSError:
        return "ended meanwhile"


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = (_PROC / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    return inodes


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on (the name before it may contain anything)."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _ask(*argv: str) -> str:
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=5, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
