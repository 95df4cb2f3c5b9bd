"""Differences the way a person wants them: where it differs, without what stayed the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deployer.engine.change import Action, Change, text_diff
from deployer.report.plan_diff import Line, capped, change_detail, shortened
from tests.support import plans


def lines(detail: str, *, action: str = "update", whole: bool = False, forces: tuple[str, ...] = ()) -> list[str]:
    """The lines as a terminal shows them."""
    change = plans.change(action, "site:x", detail, forces=forces)
    return [f"{line.sign} {line.text}" for line in change_detail(change, room=60, whole=whole)]


def changed(before: object, after: object, *, whole: bool = False) -> list[str]:
    """The lines for an attribute `a` that changes."""
    return lines(f"~ a: {json.dumps(before)} -> {json.dumps(after)}", whole=whole)


def test_short_values_stand_in_one_line() -> None:
    """As Terraform writes them."""
    assert changed(1, 300) == ["~ a: 1 -> 300"]


def test_a_long_text_shows_where_it_differs() -> None:
    """What both share at their ends is counted."""
    assert changed("x" * 100 + "old" + "y" * 100, "x" * 100 + "new" + "y" * 100) == [
        "~ a:",
        f"-   [89 same] {'x' * 12}old{'y' * 12} [89 same]",
        f"+   [89 same] {'x' * 12}new{'y' * 12} [89 same]",
    ]


def test_a_text_of_several_lines_is_compared_by_lines() -> None:
    """A script shows the line that changed."""
    before, after = "\n".join(map(str, range(50))), "\n".join(map(str, [*range(20), "new", *range(21, 50)]))

    assert changed(before, after) == ["~ a:", "-   20", "+   new", "    49 lines unchanged"]


def test_texts_that_differ_everywhere_are_not_compared_for_minutes() -> None:
    """Beyond a size all that is gone is listed, then all that came; nothing is lost."""
    before, after = ("\n".join(f"{name}{n}" for n in range(2_000)) for name in ("old", "new"))
    found = changed(before, after, whole=True)

    assert len(found) == 4_001
    assert found[1:2_001] == [f"-   old{n}" for n in range(2_000)]


def test_lines_that_are_much_alike_are_not_compared_within() -> None:
    """Hundreds of them on both sides: each is another line, and finding that out takes no minute."""
    old, new = ("\n".join(f"rule {number} {word} alike" for number in range(490)) for word in ("is", "was"))
    found = changed(old, new, whole=True)

    assert [sum(line.startswith(sign) for line in found) for sign in "-+"] == [490, 490]


def test_a_list_shows_what_it_lost_and_gained() -> None:
    """Not two long lists to compare by eye."""
    same = [f"item-{n}" for n in range(20)]

    assert changed([*same, "old"], ["new", *same]) == ["~ a:", '-   "old"', '+   "new"', "    20 unchanged"]


def test_an_item_that_is_there_twice_counts_twice() -> None:
    """One of two equal items that goes is a loss."""
    same = [f"item-{n}" for n in range(20)]

    assert changed([*same, "item-1"], same) == ["~ a:", '-   "item-1"', "    20 unchanged"]


def test_a_list_in_another_order_says_so() -> None:
    """Nothing was lost, and still it changes."""
    same = [f"item-{n}" for n in range(20)]

    assert changed(same, same[::-1]) == ["~ a:", "    the same 20 in another order"]


def test_json_in_a_text_is_compared_by_its_parts() -> None:
    """A policy document shows the permission that changed."""
    before = {"version": 1, "statement": [{"effect": "allow", "actions": ["read", "list"]}], "gone": True}
    after = {"version": 1, "statement": [{"effect": "allow", "actions": ["read", "edit"]}], "more": []}

    assert changed(json.dumps(before), json.dumps(after)) == [
        "~ a (JSON):",
        '~   statement[0].actions[1]: "list" -> "edit"',
        "-   gone: true",
        "+   more: []",
        "    3 unchanged",
    ]


def test_what_forces_a_replacement_stands_first_and_what_the_apply_tells_is_counted() -> None:
    """Whoever approves a replacement reads why before anything else."""
    detail = '~ etag: "a" -> (known after apply)\n~ id: "b" -> (known after apply)\n~ ttl: 1 -> 2\n'
    detail += '~ zone_id: "c" -> (known after apply)  # forces replacement\n~ zz: 1 -> 2'

    assert lines(detail, action="replace", forces=("zz",)) == [
        '~ zone_id: "c" -> (known after apply)  # forces replacement',
        "~ zz: 1 -> 2",
        "~ ttl: 1 -> 2",
        "  2 more known after apply",
    ]


def test_sensitive_values_stay_hidden_words() -> None:
    """The word that stands for a value is no text to be compared."""
    assert lines(f'~ a: (sensitive) -> "{"x" * 80}"')[:2] == ["~ a:", "-   (sensitive)"]


@pytest.mark.parametrize(
    "value", ['"a -> b" -> "c"', '["x -> y"] -> []', "(sensitive) -> (sensitive)", "no JSON -> at all"]
)
def test_an_arrow_in_a_value_is_no_border(value: str) -> None:
    """Nothing is torn apart where the tool's line cannot be read with certainty."""
    path = "p" * 60
    found = lines(f"~ {path}: {value}", whole=True)

    assert "".join(found).replace(" ", "").count("x->y") == value.count("x -> y")
    assert found[0].startswith(f"~ {path}:")


def test_a_long_value_that_appears_is_shortened_in_its_middle() -> None:
    """And says by how much."""
    (line,) = lines(f"+ a: {json.dumps('x' * 500)}")

    assert line.startswith('+ a: "xxx')
    assert line.endswith('xxx"')
    assert " more] " in line
    assert len(line) <= 62


def test_a_text_of_several_lines_that_appears_reads_as_such() -> None:
    """Nobody has to decode line ends by eye."""
    assert lines(f"+ script: {json.dumps('a' * 50 + chr(10) + 'b')}") == ["+ script:", f"+   {'a' * 50}", "+   b"]


def test_a_unified_diff_loses_its_head() -> None:
    """The address names the thing already; the lines beneath are what matters, whatever they look like."""
    detail = text_diff("one\n- two: 2\n-- three", "one\n+ two: 2\n++ three", name="x")

    assert lines(detail) == ["  one", "- - two: 2", "- -- three", "+ + two: 2", "+ ++ three"]
    assert lines(detail, whole=True)[:2] == ["  --- x (now)", "  +++ x (wanted)"]


def test_attributes_before_a_unified_diff_are_read_as_attributes() -> None:
    """A Worker's sources in short, then its configuration."""
    detail = "~ sources: 0a -> 1b\n" + text_diff('"x": 1', '"x": 2', name="wrangler.json")

    assert lines(detail) == ["~ sources: 0a -> 1b", '- "x": 1', '+ "x": 2']


def test_what_is_deleted_has_no_lines_unless_all_is_asked_for() -> None:
    """All of it goes."""
    assert lines("- a: 1\n- b: 2", action="delete") == []
    assert lines("- a: 1\n- b: 2", action="delete", whole=True) == ["- a: 1", "- b: 2"]


@settings(deadline=None)
@given(st.integers(0, 2_000), st.integers(30, 200))
def test_shortening_fits_and_keeps_both_ends(length: int, room: int) -> None:
    """Never longer than asked for; what is said to be missing is missing."""
    text = "".join(chr(97 + n % 26) for n in range(length))
    found = shortened(text, room=room)

    assert len(found) <= room
    if found != text:
        head, _, rest = found.partition(" [")
        missing, _, tail = rest.partition(" more] ")
        assert len(head) + int(missing) + len(tail) == len(text)
        assert text.startswith(head)
        assert text.endswith(tail)


@settings(deadline=None)
@given(st.lists(st.integers(), max_size=20), st.integers(2, 10))
def test_a_cap_counts_what_it_leaves_out(items: list[int], most: int) -> None:
    """Lines shown and lines counted are all lines."""
    found = capped([Line("+", str(item)) for item in items], most=most)
    left = int(found[-1].text.split()[1]) if found and found[-1].text.endswith("more lines") else 0

    assert len(found) <= most
    assert len(found) - bool(left) + left == len(items)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=90),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


@settings(deadline=None)
@given(before=JSON, after=JSON, path=st.text(min_size=1, max_size=10), room=st.integers(40, 120), whole=st.booleans())
def test_no_value_makes_it_fail(before: object, after: object, path: str, room: int, whole: bool) -> None:
    """Differences of anything with anything are shown, in lines without line ends of their own."""
    detail = f"~ {path}: {json.dumps(before)} -> {json.dumps(after)}"
    change = Change(action=Action.UPDATE, address="a", summary="", detail=detail)

    assert change_detail(change, room=room, whole=whole)
