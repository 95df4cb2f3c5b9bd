"""The graph: what it refuses, how it orders, what tags select."""

from __future__ import annotations

import pytest

from deployer.engine.playbook import Playbook
from deployer.engine.step import BaseStep
from deployer.errors import InternalError, UsageError


def step(name: str, *needs: str, tags: str = "", provides: tuple[str, ...] = ()) -> BaseStep[None]:
    """A step that is never run."""
    return BaseStep(name=name, needs=needs, tags=frozenset(tags.split()), provides=provides)


def test_order_follows_needs_and_keeps_what_was_written() -> None:
    """Deterministic: needs first, else the order of writing."""
    playbook = Playbook("p", [step("d", "c"), step("a"), step("c", "b"), step("b")])

    assert [each.name for each in playbook.steps] == ["b", "c", "d", "a"]
    assert playbook.ancestors["d"] == {"b", "c"}


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([step("a"), step("a")], "two steps named `a`"),
        ([step("alpha"), step("b", "alpa")], "needs `alpa`"),
        ([step("a", "b"), step("b", "c"), step("c", "a")], "in a circle: a -> b -> c -> a"),
        ([step("a", provides=("v",)), step("b", provides=("v",))], "`v` is provided by `a` and by `b`"),
    ],
)
def test_a_wrong_graph_is_refused_when_it_is_made(steps: list[BaseStep[None]], message: str) -> None:
    """The error names the steps."""
    with pytest.raises(InternalError) as caught:
        Playbook("p", steps)

    assert message in caught.value.message


def test_an_unknown_tag_is_refused_with_the_nearest_one() -> None:
    """A misspelt tag must not select nothing in silence."""
    playbook = Playbook("p", [step("a", tags="terraform"), step("b", tags="worker")])

    with pytest.raises(UsageError) as caught:
        playbook.select(skip_tags=["teraform"])

    assert "did you mean `terraform`?" in caught.value.message
    assert "`worker`" in (caught.value.hint or "")


def test_tags_and_skip_tags_together() -> None:
    """Skipping wins; `always` is in unless it is skipped by name."""
    playbook = Playbook("p", [step("a", tags="x"), step("b", tags="x y"), step("c", tags="always")])
    names = {each.name: each.tags for each in playbook.steps}

    def chosen(**words: list[str]) -> list[str]:
        selection = playbook.select(**words)
        return [name for name, tags in names.items() if selection.includes(tags)]

    assert chosen(tags=["x"]) == ["a", "b", "c"]
    assert chosen(tags=["x"], skip_tags=["y"]) == ["a", "c"]
    assert chosen(skip_tags=["always"]) == ["a", "b"]
    assert chosen() == ["a", "b", "c"]
