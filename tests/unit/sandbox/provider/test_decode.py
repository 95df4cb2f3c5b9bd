"""State: which fields of a response are taken over, and when."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.provider.decode import decode
from sandbox.provider.facts import schema
from sandbox.provider.values import UNKNOWN

RECORD = schema("resource", "cloudflare_dns_record")


def _record(**given: Any) -> dict[str, Any]:
    return {**RECORD.empty(), **given}


def test_after_a_create_only_computed_attributes_are_taken() -> None:
    """Configured values stay as planned, open ones come from the response, and what it lacks is null."""
    plan = _record(name="www", ttl=1, id=UNKNOWN, tags=UNKNOWN, content="192.0.2.1", meta=UNKNOWN)
    node = {"id": "i", "name": "www.example.test", "ttl": 300, "tags": ["a"], "content": "198.51.100.1", "comment": "c"}

    new = decode(RECORD.attributes, node, plan, computed=True)

    assert (new["name"], new["ttl"], new["content"], new["comment"]) == ("www", 1, "192.0.2.1", None)
    assert (new["id"], new["tags"], new["meta"]) == ("i", ["a"], None)


def test_a_refresh_takes_everything() -> None:
    """What the response lacks becomes null, configured or not."""
    state = _record(name="www", comment="x", zone_id="z", ttl=1)

    new = decode(RECORD.attributes, {"name": "www.example.test"}, state, computed=False)

    assert (new["name"], new["comment"], new["ttl"], new["zone_id"]) == ("www.example.test", None, None, "z")


def test_what_is_never_read_back_survives_a_refresh() -> None:
    """A secret stays what the state knows."""
    webhook = schema("resource", "cloudflare_notification_policy_webhooks")
    state = {**webhook.empty(), "secret": "s"}

    assert decode(webhook.attributes, {"name": "n"}, state, computed=False)["secret"] == "s"


def test_a_field_of_another_type_is_ignored() -> None:
    """It stays as it was."""
    new = decode(RECORD.attributes, {"ttl": "soon", "name": 5}, _record(ttl=1, name="a"), computed=False)

    assert (new["ttl"], new["name"]) == (1, "a")


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("2026-01-01T00:00:00.123456Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00+02:00", "2026-01-01T00:00:00+02:00"),
        ("2026-01-01 00:00:00", "2026-01-01T00:00:00Z"),
        ("yesterday", None),
    ],
)
def test_timestamps_lose_their_fraction(told: str, kept: str | None) -> None:
    """Seconds are what a state holds; what is no timestamp is ignored."""
    assert decode(RECORD.attributes, {"created_on": told}, _record(), computed=False)["created_on"] == kept


def test_an_attribute_of_json_text_holds_the_object() -> None:
    """`meta` is text."""
    assert decode(RECORD.attributes, {"meta": {"a": 1}}, _record(), computed=False)["meta"] == '{"a":1}'
