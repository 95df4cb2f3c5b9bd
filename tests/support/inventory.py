"""Inventories for tests: the repository's own text, changed by the test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from deployer.inventory.load import LoadedInventory, parse

ROOT = Path(__file__).parents[2]


def text() -> str:
    """The repository's environments.toml."""
    return (ROOT / "environments.toml").read_text(encoding="utf-8")


def replaced(*pairs: tuple[str, str]) -> str:
    """The text with each first part replaced by the second; a part that is not there fails the test."""
    changed = text()
    for old, new in pairs:
        assert changed.count(old) >= 1, f"{old!r} is not in environments.toml"
        changed = changed.replace(old, new, 1)
    return changed


def inventory(*pairs: tuple[str, str], settings: Sequence[str] = ()) -> LoadedInventory:
    """The inventory with replacements and `--set`."""
    return parse(replaced(*pairs), root=ROOT, settings=settings)


def line_of(changed: str, needle: str) -> int:
    """The line on which `needle` stands, counted from 1."""
    return next(number for number, line in enumerate(changed.splitlines(), start=1) if needle in line)
