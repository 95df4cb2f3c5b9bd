"""The nearest name."""

from __future__ import annotations

import pytest

from deployer.inventory.suggest import nearest, unknown


@pytest.mark.parametrize(
    ("word", "candidates", "expected"),
    [
        ("prd", ["prod", "dev"], "prod"),
        ("PROD", ["prod", "dev"], "prod"),
        ("prod", ["production", "development"], "production"),
        ("xyz", ["prod", "dev"], None),
        ("", ["prod"], None),
        ("d", ["dev", "doc"], None),
    ],
)
def test_nearest(word: str, candidates: list[str], expected: str | None) -> None:
    """Typing mistakes, capitals and beginnings are understood; nothing is made up."""
    assert nearest(word, candidates) == expected


def test_unknown_lists_what_there_is() -> None:
    """Message and hint, also when there is nothing."""
    assert unknown("tag", "wroker", ["worker", "app"]) == (
        "unknown tag `wroker`; did you mean `worker`?",
        "known: `app`, `worker`",
    )
    assert unknown("tag", "x", []) == ("unknown tag `x`", "known: none")
