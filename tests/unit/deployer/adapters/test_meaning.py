"""Two changes that do the same have the same meaning, whatever else the plans say."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.adapters.terraform import PlannedChange, Reading, meaning_of, planned_changes
from deployer.steps.secrets import FINGERPRINT_KEY, Secrets

READING = Reading(fingerprint=Secrets({FINGERPRINT_KEY: "key"}).fingerprint)


def planned(actions: list[str], before: Any, after: Any, **more: Any) -> PlannedChange:
    """One change as Terraform describes it."""
    change = {"actions": actions, "before": before, "after": after, **more}
    (found,) = planned_changes({"resource_changes": [{"address": "a.b", "mode": "managed", "change": change}]})
    return found


def update(after: dict[str, Any], before: dict[str, Any] | None = None, **more: Any) -> PlannedChange:
    """An update of one thing."""
    return planned(["update"], before or {"id": "1", "ttl": 1, "name": "n"}, after, **more)


def test_what_is_done_counts_and_not_how_it_was_before() -> None:
    """Another value from before, another order and null attributes do not matter; another value after does."""
    wanted = meaning_of(update({"id": "1", "ttl": 300, "name": "n"}), READING)
    drifted = update({"name": "n", "comment": None, "ttl": 300, "id": "1"}, {"id": "1", "ttl": 7, "name": "n"})
    assert meaning_of(drifted, READING) == wanted
    assert meaning_of(update({"id": "1", "ttl": 301, "name": "n"}), READING) != wanted
    assert meaning_of(update({"id": "1", "ttl": 300, "name": "m"}), READING) != wanted
    another = update({"id": "2", "ttl": 300, "name": "n"}, {"id": "2", "ttl": 1, "name": "n"})
    assert meaning_of(another, READING) != wanted


def test_the_action_counts() -> None:
    """The same values created, put in place of others, or removed are three things."""
    values = {"id": "1", "name": "n"}
    kinds = (["create"], ["delete", "create"], ["delete"])
    before = {"id": "1", "name": "o"}
    meanings = {meaning_of(planned(kind, None if kind == ["create"] else before, values), READING) for kind in kinds}
    assert len(meanings) == len(kinds)


@pytest.mark.parametrize(
    ("value", "other", "marks"),
    [("hunter2", "hunter3", True), (["hunter2"], ["hunter3"], [True]), ({"a": "hunter2"}, {"a": "x"}, {"a": True})],
)
def test_a_sensitive_value_counts_and_cannot_be_read(value: Any, other: Any, marks: Any) -> None:
    """It enters by a keyed fingerprint: another key, another digest; another value too. No line shows it."""

    def change(secret: Any) -> PlannedChange:
        return update({"id": "1", "secret": secret}, {"id": "1"}, after_sensitive={"secret": marks})

    meaning = meaning_of(change(value), READING)
    assert meaning_of(change(other), READING) != meaning
    another_key = Reading(fingerprint=Secrets({FINGERPRINT_KEY: "other"}).fingerprint)
    assert meaning_of(change(value), another_key) != meaning
    assert "hunter2" not in change(value).detail


def test_what_happens_to_the_state_counts() -> None:
    """Forgetting is not deleting; where a thing comes from and what it is imported by are part of what is done."""
    same = {"id": "1", "name": "n"}

    def of(actions: list[str], after: Any, *, old: str | None = None, importing: Any = None) -> str:
        change = {"actions": actions, "before": same, "after": after, "importing": importing}
        resource = {"address": "a.b", "mode": "managed", "change": change, "previous_address": old}
        [found] = planned_changes({"resource_changes": [resource]})
        return meaning_of(found, READING)

    done = [
        of(["delete"], None),
        of(["forget"], None),
        of(["no-op"], same, old="a.c"),
        of(["no-op"], same, old="a.d"),
        of(["no-op"], same, importing={"id": "1"}),
        of(["no-op"], same, importing={"id": "2"}),
        of(["update"], {**same, "name": "m"}),
        of(["update"], {**same, "name": "m"}, importing={"id": "1"}),
        of(["update"], {**same, "name": "m"}, old="a.c"),
        of(["create", "delete"], {"name": "m"}),
        of(["create", "forget"], {"name": "m"}),
    ]
    assert len(set(done)) == len(done)
    assert of(["no-op"], same, old="a.c") == done[2]


def test_a_tolerated_value_may_differ() -> None:
    """Noise that the inventory names is the same whatever it is; that it changes at all still counts."""
    noise = Reading(fingerprint=READING.fingerprint, tolerated=lambda address, path: (address, path) == ("a.b", "ttl"))
    assert meaning_of(update({"id": "1", "ttl": 2}), noise) == meaning_of(update({"id": "1", "ttl": 3}), noise)
    assert meaning_of(update({"id": "1", "ttl": 2}), noise) != meaning_of(update({"id": "1", "name": "m"}), noise)


def test_what_was_unknown_when_it_was_reviewed_stays_open() -> None:
    """Part of a plan was applied, so that an id is known now: what was left open then does not alter the meaning."""
    reviewed = planned(["create"], None, {"name": "n"}, after_unknown={"zone": True, "tags": [True]})
    now = planned(["create"], None, {"name": "n", "zone": "z1", "tags": ["t"]}, after_unknown={"id": True})
    open_now = planned(["create"], None, {"name": "n"}, after_unknown={"zone": True, "tags": [True], "id": True})
    assert meaning_of(now, READING) != meaning_of(reviewed, READING)
    assert meaning_of(now, READING, reviewed=open_now) == meaning_of(open_now, READING)
    renamed = planned(["create"], None, {"name": "m", "zone": "z1", "tags": ["t"]}, after_unknown={"id": True})
    assert meaning_of(renamed, READING, reviewed=open_now) != meaning_of(open_now, READING)
