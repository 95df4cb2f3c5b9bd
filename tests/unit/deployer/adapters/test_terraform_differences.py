"""Lines of a resource's difference: complete, without secrets, and without noise from what only moved."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.adapters.terraform.plan import planned_changes


def lines(before: Any, after: Any, *, actions: tuple[str, ...] = ("update",), **more: Any) -> list[str]:
    """The lines of one change as Terraform describes it."""
    change = {"actions": list(actions), "before": before, "after": after, **more}
    (found,) = planned_changes({"resource_changes": [{"address": "a.b", "mode": "managed", "change": change}]})
    return found.detail.split("\n") if found.detail else []


RULES = [{"name": f"r{n}", "enabled": True} for n in range(4)]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([{"name": "new", "enabled": True}, *RULES], ["+ rules[0].enabled: true", '+ rules[0].name: "new"']),
        (RULES[1:], ["- rules[0].enabled: true", '- rules[0].name: "r0"']),
        ([*RULES[:2], {**RULES[2], "enabled": False}, RULES[3]], ["~ rules[2].enabled: true -> false"]),
        (
            [RULES[0], {**RULES[2], "enabled": False}, RULES[3]],
            ["- rules[1].enabled: true", '- rules[1].name: "r1"', "~ rules[1].enabled: true -> false"],
        ),
        ([], [f"- rules[{n}].{line}" for n in range(4) for line in ("enabled: true", f'name: "r{n}"')]),
        (None, [f"- rules[{n}].{line}" for n in range(4) for line in ("enabled: true", f'name: "r{n}"')]),
    ],
)
def test_items_are_compared_with_what_they_were(after: Any, expected: list[str]) -> None:
    """One item more at the beginning is one addition; the others only moved."""
    assert lines({"rules": RULES}, {"rules": after}) == expected


def test_lists_too_long_to_search_are_compared_item_by_item() -> None:
    """A list of 5,000 items that all changed takes no minutes."""
    before, after = ([{"name": f"{word}{n}"} for n in range(5_000)] for word in ("old", "new"))

    assert lines({"rules": before}, {"rules": after})[-1] == '~ rules[4999].name: "old4999" -> "new4999"'


def test_a_list_of_plain_values_is_one_value() -> None:
    """Whoever shows it compares its items."""
    assert lines({"tags": ["a"]}, {"tags": ["a", "b"]}) == ['~ tags: ["a"] -> ["a", "b"]']


def test_what_only_the_apply_will_tell() -> None:
    """As a whole, within what is there, within what is not there yet."""
    before = {"id": "1", "parts": [{"a": 1}], "tags": ["x"], "same": {"etag": "e", "b": 2}}
    after = {"tags": [None], "same": {"b": 2}}
    unknown = {"id": True, "parts": True, "tags": [True], "same": {"etag": True}, "more": {"deep": [{"c": True}]}}

    assert lines(before, after, after_unknown=unknown) == [
        '~ id: "1" -> (known after apply)',
        "+ more.deep[0].c: (known after apply)",
        "+ parts: (known after apply)",
        '~ same.etag: "e" -> (known after apply)',
        "- tags: [\"x\"]",
        "+ tags[0]: (known after apply)",
    ]  # fmt: skip


def test_a_sensitive_value_that_changes_shows_that_it_does() -> None:
    """And nothing more, as a whole or in part."""
    marks = {"a": True, "list": [False, True], "gone": True}
    before = {"a": "one", "same": 1, "list": ["x", "one"], "gone": "one"}
    after = {"a": "two", "same": 1, "list": ["x", "two"]}

    assert lines(before, after, before_sensitive=marks, after_sensitive=marks) == [
        "~ a: (sensitive) -> (sensitive)",
        "- gone: (sensitive)",
        "~ list[1]: (sensitive) -> (sensitive)",
    ]
    assert lines(before, before, before_sensitive=marks, after_sensitive=marks) == []


def test_marks_that_fit_no_value_hide_it_all_the_same() -> None:
    """Where it is not clear what is sensitive, everything is."""
    assert lines(None, {"a": "secret"}, actions=("create",), after_sensitive={"a": {"b": True}}) == ["+ a: (sensitive)"]


def test_true_is_not_one() -> None:
    """Python says so; Terraform does not."""
    assert lines({"a": True, "b": [1]}, {"a": 1, "b": [1]}) == ["~ a: true -> 1"]


def test_what_forces_a_replacement_is_marked() -> None:
    """Beside the attribute, however deep it is."""
    found = lines(
        {"a": {"b": [{"c": 1}]}, "d": 1},
        {"a": {"b": [{"c": 2}]}, "d": 2},
        actions=("delete", "create"),
        replace_paths=[["a", "b", 0, "c"]],
    )

    assert found == ["~ a.b[0].c: 1 -> 2  # forces replacement", "~ d: 1 -> 2"]


def test_what_is_deleted_goes_whole() -> None:
    """Whatever Terraform says of afterwards."""
    assert lines({"a": {"b": 1}, "c": []}, {"a": {"b": 1}}, actions=("delete",)) == ["- a.b: 1", "- c: []"]


PLAIN = st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2)
SECRET = st.integers(0, 3).map(lambda n: (f"hunter{n}", True))
TREE = st.recursive(
    PLAIN.map(lambda value: (value, False)) | SECRET,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: ([value for value, _ in items], [m for _, m in items]))
        | st.dictionaries(st.sampled_from("abc"), inner, max_size=3).map(
            lambda found: (
                {key: value for key, (value, _) in found.items()},
                {key: mark for key, (_, mark) in found.items()},
            )
        )
    ),
    max_leaves=12,
)
RESOURCE = st.dictionaries(st.sampled_from("abc"), TREE, max_size=3).map(
    lambda found: ({key: value for key, (value, _) in found.items()}, {key: mark for key, (_, mark) in found.items()})
)


def typed(value: Any) -> Any:
    """The value with its types, which Python's equality does not see."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    return [typed(item) for item in value] if isinstance(value, list) else (type(value), value)


@settings(deadline=None, max_examples=300)
@given(before=RESOURCE, after=RESOURCE)
def test_there_are_lines_if_and_only_if_something_differs_and_none_tells_a_secret(before: Any, after: Any) -> None:
    """For whatever becomes of whatever, and whatever of it is sensitive."""
    found = lines(before[0], after[0], before_sensitive=before[1], after_sensitive=after[1])

    if typed(before[0]) != typed(after[0]):
        assert found
    elif before[1] == after[1]:
        assert found == []
    assert "hunter" not in "".join(found)
