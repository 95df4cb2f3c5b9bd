"""Every link within the repository leads somewhere, and no page is out of reach."""

from __future__ import annotations

import re
import urllib.parse
from pathlib import Path

import pytest

from tests.support.documents import ROOT, anchors, blocks, documents, inline_code, links

NAMES = [str(path.relative_to(ROOT)) for path in documents()]
GUIDE = [name for name in NAMES if name == "README.md" or name == "CONTRIBUTING.md" or name.startswith("docs/")]


def target_of(path: Path, link: str) -> tuple[Path, str]:
    """File and fragment of a link."""
    name, _, fragment = urllib.parse.unquote(link).partition("#")
    return ((path.parent / name).resolve() if name else path), fragment


@pytest.mark.parametrize("name", NAMES)
def test_links_and_anchors_resolve(name: str) -> None:
    """A file that was renamed or a heading that was reworded takes its links along."""
    path = ROOT / name
    broken = []
    for line, link in links(path):
        if re.match(r"[a-z]+:", link):
            continue
        target, fragment = target_of(path, link)
        if not target.exists() or not target.is_relative_to(ROOT):
            broken.append(f"{name}:{line}: {link}")
        elif fragment and target.suffix == ".md" and fragment not in anchors(target):
            broken.append(f"{name}:{line}: {link} (headings: {', '.join(sorted(anchors(target)))})")

    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    """A page that nothing links to is a page that nobody finds."""
    reached = {ROOT / "README.md"}
    waiting = [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        for _, link in links(path):
            if not re.match(r"[a-z]+:", link):
                target, _ = target_of(path, link)
                if target.suffix == ".md" and target.exists() and target not in reached:
                    reached.add(target)
                    waiting.append(target)

    assert sorted(str(path.relative_to(ROOT)) for path in set(documents()) - reached) == []


@pytest.mark.parametrize("name", GUIDE)
def test_files_that_are_named_exist(name: str) -> None:
    """A path in the prose, such as `deployer/errors.py`, is a path of this repository."""
    tops = {"deployer", "sandbox", "terraform", "templates", "tests", "docs", "benchmarks", "requirements", "example"}
    missing = []
    for line, code in inline_code(ROOT / name):
        plain = re.fullmatch(r"[\w./-]+", code)
        if plain and "/" in code and code.split("/")[0] in tops and not (ROOT / code).exists():
            missing.append(f"{name}:{line}: {code}")

    assert missing == []


@pytest.mark.parametrize("name", GUIDE)
def test_blocks_say_what_they_are(name: str) -> None:
    """A block without a language is neither checked nor coloured."""
    assert [block.place for block in blocks(ROOT / name) if not block.language] == []
