"""The home folder: where everything the sandbox keeps lives, private to its owner.

Only paths and atomic files here; what is inside a service's folder is that service's business.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError

# A unix socket's path may have 107 bytes on Linux and 103 on macOS; pytest's temporary folders are easily longer.
_SOCKET_PATH_LIMIT = 100


@dataclass(frozen=True)
class Home:
    """Paths below one home folder."""

    root: Path

    @classmethod
    def at(cls, path: str | Path) -> Home:
        """The home at `path`, created private (0700) when it is not there."""
        root = Path(path).expanduser().absolute()
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        root.chmod(0o700)
        return cls(root)

    def folder(self, name: str) -> Path:
        """A folder of a service, created when it is not there."""
        path = self.root / name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    @property
    def connection(self) -> Path:
        """What clients need to know; present while the sandbox is ready."""
        return self.root / "connection.json"

    @property
    def faults(self) -> Path:
        """The armed faults, for the processes that are not Python."""
        return self.root / "faults.json"

    @property
    def seed(self) -> Path:
        """The last applied seed, byte for byte."""
        return self.root / "seed.json"

    def request_log(self, writer: str) -> Path:
        """The NDJSON file that one process writes."""
        return self.folder("requests") / f"{writer}.ndjson"

    def log(self, name: str) -> Path:
        """What a process says about itself."""
        return self.folder("logs") / f"{name}.log"

    def socket(self, name: str) -> Path:
        """A path for a unix socket, moved to the temporary folder when the home's own path is too long for one."""
        path = self.root / f"{name}.sock"
        if len(os.fsencode(path)) <= _SOCKET_PATH_LIMIT:
            return path
        self._short.mkdir(mode=0o700, exist_ok=True)
        _require_private(self._short)
        return self._short / f"{name}.sock"

    def remove_sockets(self) -> None:
        """Remove what `socket` gave out; only for a sandbox that has ended."""
        for path in self.root.glob("*.sock"):
            path.unlink(missing_ok=True)
        if self._short.is_dir():
            shutil.rmtree(self._short, ignore_errors=True)

    @property
    def _short(self) -> Path:
        key = sha256(os.fsencode(self.root)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"sandbox-{os.getuid()}-{key}"


def _require_private(folder: Path) -> None:
    """In a folder that all users share, somebody else may have made ours first, to sit on our sockets."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise SandboxError(
            f"{folder} is not a private folder of this user", "remove it, or choose a shorter home: `--home DIR`"
        )


def write_bytes(path: Path, data: bytes) -> None:
    """Replace a file in one step: a reader, or a kill -9, sees the old bytes or the new ones."""
    # The process id keeps two writers of one file apart; within a process the callers hold a lock.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
    temporary.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Like `write_bytes`, for a JSON document. Key order is kept: clients compare some texts byte for byte."""
    write_bytes(path, json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def read_json(path: Path) -> Any:
    """The document, or None when the file is not there."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an advisory lock; it is the kernel's, so a killed holder leaves nothing behind."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def try_lock(path: Path) -> int | None:
    """Take the lock if nobody holds it: the open descriptor, else None."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def holds(descriptor: int, path: Path) -> bool:
    """True while the open file is the one at `path`: not moved away, removed or replaced, nor a folder above it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # it cannot be seen at the moment, which does not mean that it went away
