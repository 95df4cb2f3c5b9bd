"""Which files a folder of JavaScript or TypeScript takes in from outside itself.

Convex functions may import code that lies beside them. Relative imports are followed; an alias (`@/lib`) cannot be
followed without the bundler's settings, which is said, so that the caller takes everything instead of too little.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path, PurePosixPath

_IMPORT = re.compile(r"""(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)(["'])([^"'\n]+)\1""")
_CODE = (".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs", ".cjs")
_ENDINGS = ("", *_CODE, ".json", *(f"/index{ending}" for ending in _CODE))
_ALIASES = ("@/", "~/", "#", "$")


def reached_files(root: Path, start: Collection[str], known: Collection[str]) -> frozenset[str] | None:
    """The paths in `known` that the files in `start` are or import, directly or not; None if that cannot be told."""
    waiting = list(start)
    reached: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path in reached:
            continue
        reached.add(path)
        if not path.endswith(_CODE):
            continue
        text = (root / path).read_text(encoding="utf-8", errors="replace")
        for _, target in _IMPORT.findall(text):
            if target.startswith(_ALIASES):
                return None
            # What is no relative path is a package, or with TypeScript's `baseUrl` a path from the root.
            found = _resolve(path if target.startswith(".") else "root", target, known)
            if found is not None:
                waiting.append(found)
    return frozenset(reached)


def _resolve(path: str, target: str, known: Collection[str]) -> str | None:
    joined = _normal(PurePosixPath(path).parent / target)
    if joined is None:
        return None
    # TypeScript writes `./names.js` for a file that is called names.ts.
    without = re.sub(r"\.(js|mjs|jsx)$", "", joined)
    for stem in (joined, without):
        for ending in _ENDINGS:
            if f"{stem}{ending}" in known:
                return f"{stem}{ending}"
    return None


def _normal(path: PurePosixPath) -> str | None:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)
