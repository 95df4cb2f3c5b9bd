"""Values: what goes to Terraform comes back the same, unknowns and exact numbers included."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.provider.rawjson import load, text_of
from sandbox.provider.values import UNKNOWN, Dynamic, equal, from_msgpack, from_state_json, infer, to_msgpack

KIND: Any = [
    "object",
    {
        "name": "string",
        "on": "bool",
        "size": "number",
        "tags": ["set", "string"],
        "more": ["map", ["list", "number"]],
        "any": "dynamic",
    },
]


@given(
    name=st.one_of(st.none(), st.text()),
    on=st.one_of(st.none(), st.booleans(), st.just(UNKNOWN)),
    size=st.one_of(st.integers(), st.decimals(allow_nan=False, allow_infinity=False, places=6), st.just(UNKNOWN)),
    tags=st.lists(st.text(), unique=True),
    more=st.dictionaries(st.text(), st.lists(st.integers(-(2**70), 2**70))),
)
def test_a_value_survives_the_round_trip(name: Any, on: Any, size: Any, tags: Any, more: Any) -> None:
    """Packing and unpacking changes nothing."""
    value = {"name": name, "on": on, "size": size, "tags": tags, "more": more, "any": Dynamic("number", 1)}

    assert equal(from_msgpack(to_msgpack(value, KIND), KIND), value)


def test_a_fraction_keeps_its_digits() -> None:
    """0.1 is not what a float makes of it: Terraform compares numbers with far more digits."""
    assert from_msgpack(msgpack.packb("0.1"), "number") == Decimal("0.1")
    assert msgpack.unpackb(to_msgpack(Decimal("0.1"), "number")) == "0.1"
    assert msgpack.unpackb(to_msgpack(Decimal("0.5"), "number")) == 0.5


def test_true_is_not_one() -> None:
    """A boolean and a number are never the same value."""
    assert not equal(True, 1)
    assert not equal({"a": [0]}, {"a": [False]})
    assert equal({"a": [Decimal("1.0")]}, {"a": [1]})


@pytest.mark.parametrize(
    ("node", "kind"),
    [
        ("on", "string"),
        (True, "bool"),
        (3, "number"),
        ([1, 2], ["list", "number"]),
        ([1, "a"], ["tuple", ["number", "string"]]),
        ({"a": {"b": False}}, ["object", {"a": ["object", {"b": "bool"}]}]),
    ],
)
def test_a_type_is_inferred_where_the_schema_fixes_none(node: Any, kind: Any) -> None:
    """The type follows from the JSON."""
    assert infer(node) == (kind, node)


def test_state_may_lack_attributes() -> None:
    """What an older state file does not have is null."""
    assert from_state_json({"name": "a"}, KIND) == {
        "name": "a",
        "on": None,
        "size": None,
        "tags": None,
        "more": None,
        "any": None,
    }


def test_json_text_stays_as_it_was_written() -> None:
    """Spaces and the order of keys are kept, as a difference in them is a difference to the official provider."""
    document = load('{"a": {"z":1, "b":[1,  2]}, "n": 1.50}')

    assert text_of(document["a"]) == '{"z":1, "b":[1,  2]}'
    assert text_of(document["a"]["b"]) == "[1,  2]"
    assert text_of("x") == '"x"'
