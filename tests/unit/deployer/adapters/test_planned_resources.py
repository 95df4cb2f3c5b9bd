"""What a plan's JSON says of the resources, for those who judge it."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.adapters.terraform import planned_resources


def entry(actions: list[str], *, mode: str = "managed", **change: Any) -> dict[str, Any]:
    """One resource of a plan."""
    return {"address": "a.b", "type": "a", "mode": mode, "change": {"actions": actions, **change}}


@pytest.mark.parametrize(
    ("actions", "word"),
    [
        (["create"], "create"),
        (["update"], "update"),
        (["delete", "create"], "replace"),
        (["create", "delete"], "replace"),
    ],
)
def test_a_resource_is_told_as_it_will_be(actions: list[str], word: str) -> None:
    """With paths of what is not known yet and of what is sensitive; those values are there."""
    shown = entry(
        actions,
        before={"x": "old"},
        after={"x": "new", "deep": [{"key": "hunter2"}]},
        after_unknown={"id": True, "deep": [{"more": True}]},
        after_sensitive={"deep": [{"key": True}]},
        before_sensitive={"x": True},
    )
    [found] = planned_resources({"resource_changes": [shown]})

    assert (found.word, found.address, found.type) == (word, "a.b", "a")
    assert found.values == {"x": "new", "deep": [{"key": "hunter2"}]}
    assert found.unknown == {"id", "deep[0].more"}
    assert found.hidden == {"deep[0].key"}
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(("action", "word"), [("delete", "delete"), ("forget", "forget")])
def test_one_that_goes_is_told_as_it_was(action: str, word: str) -> None:
    """Nothing of it is unknown."""
    shown = entry([action], before={"x": "old"}, after=None, after_unknown={}, before_sensitive={"x": True})
    [found] = planned_resources({"resource_changes": [shown]})

    assert found.word == word
    assert found.values == {"x": "old"}
    assert found.unknown == frozenset()
    assert found.hidden == {"x"}


@pytest.mark.parametrize("more", [{"previous_address": "a.c"}, {"change": {"importing": {"id": "1"}}}])
def test_one_that_only_the_state_learns_of_is_updated(more: dict[str, Any]) -> None:
    """A rule judges what comes in by an import, or under another address, like what is changed."""
    shown = entry(["no-op"], before={"x": 1}, after={"x": 1})
    shown["change"] |= more.get("change", {})
    [found] = planned_resources({"resource_changes": [{**more, **shown}]})

    assert (found.word, found.values) == ("update", {"x": 1})


@pytest.mark.parametrize("shown", [entry(["no-op"]), entry(["read"]), entry(["create"], mode="data")])
def test_what_changes_nothing_is_left_out(shown: dict[str, Any]) -> None:
    """Data sources, and resources that stay."""
    assert list(planned_resources({"resource_changes": [shown]})) == []
    assert list(planned_resources({})) == []
