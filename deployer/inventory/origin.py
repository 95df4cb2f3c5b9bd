"""Where a value of the inventory came from, in one line a person can follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from deployer.inventory.positions import KeyPath

Layer = Literal["project", "app", "ci", "defaults", "kind", "environment", "--set", "built-in"]


@dataclass(frozen=True, slots=True)
class Origin:
    """`file`, `line` and `table` are empty for values that no file holds (`--set`, built-in defaults)."""

    layer: Layer
    file: str = ""
    line: int = 0
    table: str = ""

    def __str__(self) -> str:
        if not self.file:
            return {"--set": "--set", "built-in": "built-in default"}.get(self.layer, self.layer)
        return f"{self.file}:{self.line} {self.table}".rstrip()

    @property
    def place(self) -> str:
        """The short form for error messages: file and line, or what gave the value."""
        return f"{self.file}:{self.line}" if self.file else str(self)


def dotted(path: KeyPath) -> str:
    """Write a key path the way TOML does."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            bare = part.replace("-", "").replace("_", "").isalnum() and part.isascii()
            text += ("." if text else "") + (part if bare else f'"{part}"')
    return text


_STRENGTH: Final = {"built-in": 0, "defaults": 1, "kind": 2, "environment": 3, "--set": 4}


def closest(origins: Mapping[KeyPath, Origin], path: KeyPath) -> Origin | None:
    """Return the origin of `path`, of the value it lies in, or of the latest layer within it."""
    for length in range(len(path), 0, -1):
        if path[:length] in origins:
            return origins[path[:length]]
        within = [origin for key, origin in origins.items() if key[:length] == path[:length]]
        if within:
            return max(within, key=lambda origin: _STRENGTH.get(origin.layer, 1))
    return None
