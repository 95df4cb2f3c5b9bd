"""Who this process is among all processes, and whether another one is alive: what proves that an owner is gone.

A process id alone proves nothing: ids are given away again, other machines and containers have the same ones. So a
process is named by its id and start, within a namespace, within one boot of one kernel; all of that is in /proc. Where
it is not (no Linux), or where the other process lived elsewhere, nothing is claimed.
"""

from __future__ import annotations

import contextlib
import enum
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

_PROC = Path("/proc")
# In /proc/<pid>/stat, counted behind the name, which may hold spaces and brackets.
_STATE, _START = 0, 19
_ENDED = frozenset("ZX")


class Life(enum.Enum):
    """What can be said of a process."""

    ALIVE = "alive"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class ProcessId:
    """One process, for as long as the world exists."""

    host: str
    pid: int
    started: str | None = None
    boot: str | None = None
    namespace: str | None = None

    @classmethod
    def own(cls) -> Self:
        """This one."""
        pid = os.getpid()
        return cls(host=socket.gethostname(), pid=pid, started=_started(pid), boot=_boot(), namespace=_namespace())

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Self | None:
        """What `fields` says; None if that is no process."""
        try:
            texts = {name: fields[name] and str(fields[name]) for name in ("started", "boot", "namespace")}
            return cls(host=str(fields["host"]), pid=int(fields["pid"]), **texts)
        except (KeyError, ValueError, TypeError):
            return None

    def fields(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    @property
    def is_here(self) -> bool:
        """Whether it ran where we run, so that we would see it."""
        here = (self.boot, self.namespace)
        return None not in here and here == (_boot(), _namespace())

    @property
    def life(self) -> Life:
        """Whether it is alive."""
        if not self.is_here or self.started is None:
            return Life.UNKNOWN
        started = _started(self.pid)
        if started is not None:
            return Life.ALIVE if started == self.started else Life.GONE
        # A process may also be hidden from other users.
        return Life.UNKNOWN if _is_anothers(self.pid) else Life.GONE


def carriers(variable: str, value: str) -> tuple[int, ...]:
    """Processes of this user that carry `variable` with this value in their environment."""
    sought = f"{variable}={value}".encode()
    found = []
    for entry in _PROC.iterdir() if _PROC.is_dir() else ():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if sought in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return tuple(sorted(found))


def is_running(pid: int) -> bool:
    """Whether a process of this number is there; numbers are given away again, so `no` alone is certain."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


def seconds_awake_or_asleep() -> float:
    """A clock that only goes forward and, where the system has one, also while the machine sleeps."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def _started(pid: int) -> str | None:
    """When a process began, in ticks since the boot; None if it is no more."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return None if fields[_STATE] in _ENDED else fields[_START]
    except (OSError, IndexError):
        return None


def _is_anothers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return False


def _boot() -> str | None:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip() or None
    except OSError:
        return None


def _namespace() -> str | None:
    try:
        return str((_PROC / "self/ns/pid").readlink())
    except OSError:
        return None
