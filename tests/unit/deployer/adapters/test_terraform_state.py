"""A state is read as Terraform writes it, and what is none is said to be none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployer.adapters.terraform.state import NotAState, State
from tests.support.buckets import terraform_state


def parse(data: Any) -> State:
    """The state that is this JSON."""
    return State.parse(json.dumps(data).encode())


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "empty"),
        (b"{", "not JSON"),
        (b"[]", "version 4"),
        (b'{"version": 3}', "version 4"),
        (b'{"version": 4, "lineage": "x", "outputs": {}, "resources": []}', "no serial"),
        (b'{"version": 4, "serial": true, "lineage": "x", "outputs": {}, "resources": []}', "no serial"),
        (b'{"version": 4, "serial": 1, "outputs": {}, "resources": []}', "no lineage"),
        (b'{"version": 4, "serial": 1, "lineage": "x", "outputs": {}, "resources": {"a": 1}}', "not listed"),
        (b'{"version": 4, "serial": 1, "lineage": "x", "outputs": {}, "resources": {}}', "not listed"),
        (b'{"version": 4, "serial": 1, "lineage": "x", "outputs": {}, "resources": ["a"]}', "not listed"),
        (
            (
                b'{"version": 4, "serial": 1, "lineage": "x", "outputs": {}, "resources": '
                b'[{"mode": "managed", "type": "a", "name": "b", "instances": {}}]}'
            ),
            "not listed",
        ),
        (b'{"version": 4, "serial": 1, "lineage": "x", "outputs": {}}', "not listed"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_what_is_no_state(body: bytes, why: str) -> None:
    """With the reason, and without a word of the content."""
    with pytest.raises(NotAState, match=why):
        State.parse(body)


RESOURCES = [
    {"mode": "data", "type": "t", "name": "d", "instances": [{"attributes": {"id": "0"}}]},
    {"module": "module.a[0]", "mode": "managed", "type": "t", "name": "n", "instances": [
        {"index_key": "k", "attributes": {"id": "1", "zone_id": "z", "secret": "s", "list": ["x"]},
         "sensitive_attributes": [
             [{"type": "get_attr", "value": "secret"}],
             [{"type": "get_attr", "value": "list"}, {"type": "index", "value": {"value": 0, "type": "number"}}],
         ]},
        {"index_key": 3, "deposed": "abcd", "attributes": {"id": "2"}},
    ]},
]  # fmt: skip


def test_things_have_terraforms_addresses() -> None:
    """Modules, keys, numbers, deposed objects and data sources."""
    state = parse({**terraform_state(), "resources": RESOURCES})
    assert list(state.instances) == ["data.t.d", 'module.a[0].t.n["k"]', "module.a[0].t.n[3] (deposed abcd)"]
    assert list(state.managed) == ['module.a[0].t.n["k"]', "module.a[0].t.n[3] (deposed abcd)"]
    assert state.instances['module.a[0].t.n["k"]'].hidden == {"secret", "list.0"}
    assert state.instances['module.a[0].t.n["k"]'].identity == ("t", "1", "", "z", "")


def test_a_serial_is_changed_and_nothing_else() -> None:
    """Not one byte, numbers with many digits included; also where the word stands somewhere else before."""
    body = (
        b'{\n  "version": 4,\n  "serial": 12,\n  "lineage": "x",\n'
        b'  "outputs": {"serial": {"value": 0.10000000000000000001}},\n  "resources": []\n}\n'
    )
    changed = State.parse(body).with_serial(13)
    assert changed.body == body.replace(b'"serial": 12', b'"serial": 13')
    assert changed.serial == 13
    awkward = (
        b'{"outputs": {"a": {"value": {"serial": 5}}}, "version": 4, "serial": 12, "lineage": "x", "resources": []}'
    )
    changed = State.parse(awkward).with_serial(13)
    assert changed.data == {**json.loads(awkward), "serial": 13}


def test_two_states_that_say_the_same() -> None:
    """Whoever wrote them, and under which serial; another lineage is another state."""
    one = parse(terraform_state(("t", {"id": "1"})))
    assert one.same_content(parse({**terraform_state(("t", {"id": "1"}), serial=9), "terraform_version": "1.12.0"}))
    assert not one.same_content(parse(terraform_state(("t", {"id": "2"}))))
    assert not one.same_content(parse(terraform_state(("t", {"id": "1"}), lineage="other")))
