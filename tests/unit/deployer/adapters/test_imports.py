"""Which files code takes in: relative imports and paths from the root are followed, aliases are said to be unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.adapters.imports import reached_files

FILES = {
    "src/page.tsx": "import { rules } from '../shared/rules.js'\nimport React from 'react'\n",
    "src/deep.ts": "const later = import('convex/limits')\n",
    "src/alias.ts": "import { x } from '@/shared/rules'\n",
    "shared/rules.ts": "export * from './more'\n",
    "shared/more/index.ts": "export const rules = 1\n",
    "convex/limits.ts": "export const limit = 1\n",
    "convex/vibes.ts": "export const post = 1\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files on disk."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_imports_are_followed(folder: Path) -> None:
    """Directly and through others, with TypeScript's `.js` and folders' index files; packages are no files."""
    reached = reached_files(folder, ["src/page.tsx"], FILES)
    assert reached == frozenset({"src/page.tsx", "shared/rules.ts", "shared/more/index.ts"})


def test_a_path_from_the_root_is_followed(folder: Path) -> None:
    """With `baseUrl` a function may be imported without dots; its neighbours are not."""
    assert reached_files(folder, ["src/deep.ts"], FILES) == frozenset({"src/deep.ts", "convex/limits.ts"})


def test_an_alias_cannot_be_told(folder: Path) -> None:
    """The bundler's settings say where it leads, so that the caller must take everything."""
    assert reached_files(folder, ["src/page.tsx", "src/alias.ts"], FILES) is None
