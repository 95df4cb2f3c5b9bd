"""Bodies: what a create, a PUT and a PATCH send."""

from __future__ import annotations

from typing import Any

from sandbox.provider.encode import encode
from sandbox.provider.facts import schema
from sandbox.provider.values import UNKNOWN, Dynamic


def _value(resource: str, **given: Any) -> dict[str, Any]:
    return {**schema("resource", resource).empty(), **given}


def _encode(name: str, plan: dict[str, Any], state: dict[str, Any] | None, patch: bool = False) -> Any:
    return encode(schema("resource", name).attributes, plan, state, patch)


def test_a_create_sends_what_is_known() -> None:
    """Null, unknown, computed and path attributes are left out."""
    plan = _value("cloudflare_dns_record", zone_id="z", name="a", type="A", ttl=1, id=UNKNOWN, tags=UNKNOWN)

    assert _encode("cloudflare_dns_record", plan, None) == {"name": "a", "ttl": 1, "type": "A"}


def test_an_update_sends_null_for_what_was_taken_away() -> None:
    """The whole object goes out; an unknown attribute does not."""
    state = _value("cloudflare_dns_record", name="a", type="A", ttl=1, comment="x", tags=["a"])
    plan = _value("cloudflare_dns_record", name="a", type="A", ttl=1, comment=None, tags=UNKNOWN)

    assert _encode("cloudflare_dns_record", plan, state) == {"name": "a", "ttl": 1, "type": "A", "comment": None}


def test_a_patch_sends_only_what_changed_also_inside_objects() -> None:
    """An unchanged field is left out at every depth."""
    kind = ["object", {"hsts": ["object", {"enabled": "bool", "max_age": "number"}]}]
    state = _value("cloudflare_zone_setting", value=Dynamic(kind, {"hsts": {"enabled": True, "max_age": 1}}))
    plan = _value("cloudflare_zone_setting", value=Dynamic(kind, {"hsts": {"enabled": True, "max_age": 2}}))

    assert _encode("cloudflare_zone_setting", plan, state, patch=True) == {"value": {"hsts": {"max_age": 2}}}
    assert _encode("cloudflare_zone_setting", plan, plan, patch=True) == {}


def test_fields_travel_under_the_names_of_the_api() -> None:
    """Attribute names and field names may differ."""
    rule = {
        **dict.fromkeys(schema("resource", "cloudflare_r2_bucket_lock").attributes["rules"].attributes),
        "id": "r",
        "enabled": True,
        "condition": {"type": "Age", "max_age_seconds": 5, "date": None},
    }
    plan = _value("cloudflare_r2_bucket_lock", account_id="a", bucket_name="b", jurisdiction="eu", rules=[rule])

    assert _encode("cloudflare_r2_bucket_lock", plan, None) == {
        "rules": [{"id": "r", "enabled": True, "condition": {"type": "Age", "maxAgeSeconds": 5}}]
    }
