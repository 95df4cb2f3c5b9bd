"""Whether an application's npm packages are installed as its lock file says.

npm leaves a note of what it installed; comparing it with the lock file saves starting npm. For other package managers
only our own stamp counts, which lies among the packages, so that it goes with them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deployer.adapters.files import disk_errors, file_digest, read_json, read_text

LOCK_FILES = ("package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb")
_STAMP = "node_modules/.deployer-lock-digest"


def lock_file(app: Path) -> Path | None:
    """The application's lock file, whichever package manager it uses."""
    return next((app / name for name in LOCK_FILES if (app / name).is_file()), None)


def installed(app: Path) -> bool:
    """Whether the packages that the lock file names are there."""
    lock = lock_file(app)
    if lock is None or not (app / "node_modules").is_dir():
        return False
    if read_text(app / _STAMP) == file_digest(lock):
        return True
    return lock.name == "package-lock.json" and _npm_agrees(read_json(lock), read_json(_npm_note(app)))


def stamp(app: Path) -> None:
    """Note that what the lock file names has been installed."""
    lock = lock_file(app)
    if lock is not None and (app / "node_modules").is_dir():
        with disk_errors(app / _STAMP):
            (app / _STAMP).write_text(file_digest(lock), encoding="utf-8")


def forget(app: Path) -> None:
    """Take the note back, before packages are installed: it would outlive an installation that is cut off."""
    with disk_errors(app / _STAMP):
        (app / _STAMP).unlink(missing_ok=True)


def _npm_note(app: Path) -> Path:
    return app / "node_modules" / ".package-lock.json"


def _npm_agrees(wanted: Any, note: Any) -> bool:
    """Npm writes its note last, so that an installation that was cut off has none."""
    if not isinstance(wanted, dict) or not isinstance(note, dict):
        return False
    locked = {path: entry for path, entry in wanted.get("packages", {}).items() if path}
    there = note.get("packages", {})
    if any(path not in locked or _identity(entry) != _identity(locked[path]) for path, entry in there.items()):
        return False
    # Optional packages are for other platforms.
    return all(path in there or entry.get("optional") or entry.get("devOptional") for path, entry in locked.items())


def _identity(entry: dict[str, Any]) -> tuple[Any, Any]:
    return entry.get("version"), entry.get("integrity")
