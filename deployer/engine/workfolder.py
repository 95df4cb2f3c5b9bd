"""The private folder in which runs on one environment keep their files: `.work/<target>/<environment>/`.

It also says "one run at a time": two deploys of one environment from one checkout would write each other's files. The
lock belongs to the open file, so a killed run never leaves one behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from deployer.errors import EnvironmentLocked, LocalDisk

_LOOK_EVERY: Final = 0.5


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """The folder of one environment on one target."""

    path: Path

    @classmethod
    def of(cls, root: Path, *, target: str, environment: str) -> WorkFolder:
        """The folder that belongs to `environment` on `target` in the checkout `root`."""
        return cls(root / ".work" / target / environment)

    @classmethod
    def all(cls, root: Path, *, target: str) -> list[WorkFolder]:
        """Those that runs on `target` have made in the checkout `root`."""
        return [cls(path.parent) for path in sorted(root.glob(f".work/{target}/*/lock"))]

    def make(self) -> Path:
        """Create the folder, closed to others, and return its path."""
        try:
            for folder in (self.path.parent.parent, self.path.parent, self.path):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise LocalDisk.of(error, self.path) from None
        return self.path

    @contextlib.contextmanager
    def locked(
        self, *, command: str, who: str, patience: float | None = None, say: Callable[[str], None] = lambda _text: None
    ) -> Iterator[Path]:
        """Hold the environment for one run; raises EnvironmentLocked that says who has it.

        For `patience` seconds whoever has it is waited for; None is for a command that has no `--lock-timeout`.
        """
        path = self.make() / "lock"
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LocalDisk.of(error, path) from None
        try:
            self._acquire(handle, path, patience=patience, say=say)
            owner = {"pid": os.getpid(), "command": command, "who": who, "since": datetime.now(UTC).isoformat()}
            try:
                os.ftruncate(handle, 0)
                os.write(handle, json.dumps(owner).encode())
            except OSError as error:
                raise LocalDisk.of(error, path) from None
            yield self.path
            with contextlib.suppress(OSError):
                os.ftruncate(handle, 0)
        finally:
            os.close(handle)

    def _acquire(self, handle: int, path: Path, *, patience: float | None, say: Callable[[str], None]) -> None:
        deadline = time.monotonic() + (patience or 0.0)
        told = ""
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held = self._held(path, waits=patience is not None)
            else:
                return
            left = deadline - time.monotonic()
            if left <= 0:
                raise held
            if told != held.message:
                told = held.message
                say(f"waiting at most {left:.0f} s: {told}")
            time.sleep(min(_LOOK_EVERY, left))

    def _held(self, path: Path, *, waits: bool) -> EnvironmentLocked:
        owner: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            owner = json.loads(path.read_text(encoding="utf-8"))
        command = owner.get("command", "another run")
        details = [f"{label}: {owner[key]}" for key, label in (("who", "by"), ("since", "since")) if key in owner]
        pid = owner.get("pid")
        hint = "wait for it with `--lock-timeout 10m`" if waits else "wait for it to end"
        return EnvironmentLocked(
            f"`{command}` is working on `{self.path.name}`" + (f" (process {pid})" if pid else ""),
            place=str(path),
            details=details,
            hint=f"{hint}, or end it: `kill {pid}`" if pid else hint,
        )
