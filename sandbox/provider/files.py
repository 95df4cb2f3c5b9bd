"""Local files that a configuration points at: modules of a Worker and its assets. Knows nothing of requests.

The official provider is started by Terraform and shares its folder. This one runs already, in a folder of its own, so a
relative path would mean something else: it is refused, and `abspath()` is the way on.
"""

from __future__ import annotations

import errno
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of an assets folder."""

    path: Path
    hash: str
    size: int


def digest(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def located(path: str) -> Path:
    """Where a path of the configuration leads; `~/` is the home folder."""
    found = Path(path).expanduser()
    if not found.is_absolute():
        hint = f'the embedded provider does not run in Terraform\'s folder, so write abspath("{path}")'
        raise OSError(errno.EINVAL, hint)
    return found


def read(path: str) -> bytes:
    """Read a file."""
    return located(path).read_bytes()


def manifest(folder: str) -> dict[str, Asset]:
    """Every file below a folder by its path on the site."""
    root = located(folder)
    if not root.is_dir():
        raise FileNotFoundError(errno.ENOENT, f"lstat {root}: no such file or directory")
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            found["/" + path.relative_to(root).as_posix()] = Asset(path, digest(content)[:32], len(content))
    return found


def manifest_body(assets: dict[str, Asset]) -> dict[str, dict[str, str | int]]:
    """The manifest as the API takes it."""
    return {name: {"hash": asset.hash, "size": asset.size} for name, asset in sorted(assets.items())}


_ESCAPES = (("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e"))


def manifest_digest(assets: dict[str, Asset]) -> str:
    """One digest over all files, by which a plan sees that some file changed."""
    text = json.dumps(manifest_body(assets), separators=(",", ":"), ensure_ascii=False)
    for character, escape in _ESCAPES:
        text = text.replace(character, escape)
    return digest(text.encode())
