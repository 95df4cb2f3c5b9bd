"""Writes files so that nobody ever sees half of one, readable by their owner alone; and digests.

The work folder holds plans and logs, which are nobody else's business.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deployer.errors import EnvironmentLocked, LocalDisk

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


def make_folder(path: Path) -> Path:
    """Make a private folder, with its parents."""
    with disk_errors(path):
        missing = [path]
        while not missing[-1].parent.exists():
            missing.append(missing[-1].parent)
        # One by one: `parents=True` would leave the upper ones to the umask.
        for folder in reversed(missing):
            folder.mkdir(exist_ok=True, mode=PRIVATE_FOLDER)
    return path


def write_private(path: Path, text: str, *, mode: int = PRIVATE_FILE) -> bool:
    """Write a private file in one step; False if it had this text already and was left alone."""
    with disk_errors(path):
        if read_text(path) == text:
            return False
        write_private_bytes(path, text.encode(), mode=mode)
    return True


def write_private_bytes(path: Path, body: bytes, *, mode: int = PRIVATE_FILE) -> None:
    """Write a private file in one step, whatever was there."""
    with disk_errors(path):
        make_folder(path.parent)
        temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
            with os.fdopen(descriptor, "wb") as file:
                file.write(body)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def read_text(path: Path) -> str | None:
    """The text of a file, None if there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
        return None


def read_json(path: Path) -> Any:
    """The JSON in a file; None if it is absent or was cut off."""
    text = read_text(path)
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def replace_folder(source: Path, destination: Path) -> None:
    """Put a copy of `source` where `destination` is."""
    with disk_errors(destination):
        make_folder(destination.parent)
        fresh = destination.with_name(f".{destination.name}.{os.getpid()}-{threading.get_ident()}.part")
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            shutil.copytree(source, fresh, symlinks=False)
            shutil.rmtree(destination, ignore_errors=True)
            fresh.replace(destination)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)


def link_folder(path: Path, target: Path) -> None:
    """Make `path` a link to the folder `target`, whatever it was linked to before."""
    with disk_errors(path):
        if path.is_symlink():
            path.unlink()
        path.symlink_to(target, target_is_directory=True)


@contextlib.contextmanager
def locked(path: Path, *, patience: float, what: str) -> Iterator[None]:
    """Hold the lock file `path`; wait up to `patience` seconds for whoever holds it. A dead holder holds nothing."""
    make_folder(path.parent)
    with disk_errors(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    try:
        limit = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= limit:
                    raise EnvironmentLocked(
                        f"another run on this machine is {what}", place=str(path), hint="wait for it, then run again"
                    ) from None
                time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn errors of the file system into LocalDisk."""
    try:
        yield
    except OSError as error:
        if isinstance(error, shutil.Error):
            # A copied folder lists every file that failed; they all say the same.
            _, place, why = error.args[0][0]
            number, _, cause = why.removeprefix("[Errno ").partition("] ")
            error = OSError(int(number) if number.isdigit() else None, cause.split(":")[0].strip(), place)
        raise LocalDisk.of(error, path) from None


def tells_of_a_full_disk(text: str) -> bool:
    """Whether a program's last words say that there is no room left, in Node's, Go's or the system's terms."""
    said = text.lower()
    return any(words in said for words in ("enospc", "no space left on device", "disk quota exceeded"))


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digest_of(value: object) -> str:
    """A digest of plain data, the same for the same data."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
