"""The tree of errors and its documentation."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import deployer
from deployer import errors
from deployer.errors import DeployError, error_classes

DOCUMENT = Path(__file__).parents[3] / "docs" / "exit-codes.md"


@pytest.fixture(scope="module", autouse=True)
def _everything_is_loaded() -> None:
    """Adapters may refine a class of the tree; those count too."""
    for module in pkgutil.walk_packages(deployer.__path__, "deployer."):
        importlib.import_module(module.name)


def meaning(kind: type[DeployError]) -> str:
    """What the table says: the class's own meaning, for refinements their docstring."""
    if "meaning" in vars(kind):
        return kind.meaning
    text = (kind.__doc__ or "").strip().rstrip(".")
    return text[:1].lower() + text[1:]


def test_reasons_are_unique_and_words() -> None:
    """Scripts branch on them."""
    reasons = [kind.reason for kind in error_classes()]

    assert len(reasons) == len(set(reasons))
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", reason) for reason in reasons)


def test_every_class_says_its_own_code_reason_and_meaning() -> None:
    """Nothing is inherited by oversight, and every code is one that the documentation promises."""
    codes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 70, 130}
    for kind in error_classes():
        own = ("exit_code", "reason", "meaning") if kind.__module__ == errors.__name__ else ("reason",)
        for name in own:
            assert name in vars(kind), f"{kind.__name__}.{name}"
        assert kind.exit_code in codes
    assert {kind.exit_code for kind in error_classes()} == codes


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    """The drawing at the top of the module names every class with its code."""
    drawn = dict(re.findall(r"(\w+) (\d+)", errors.__doc__ or ""))

    ours = [kind for kind in error_classes() if kind.__module__ == errors.__name__]
    assert {kind.__name__: str(kind.exit_code) for kind in ours} == drawn


def test_the_documentation_lists_every_code() -> None:
    """The table in docs/exit-codes.md has a row for each class, and no other."""
    rows = re.findall(r"^\| (\d+) \| `([a-z-]+)` \| (.+) \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)

    assert rows == [(str(kind.exit_code), kind.reason, meaning(kind)) for kind in error_classes()]


def test_a_message_shows_its_place() -> None:
    """Cause, then place."""
    assert str(DeployError("it broke", place="file:3")) == "it broke (file:3)"
    assert str(DeployError("it broke")) == "it broke"
