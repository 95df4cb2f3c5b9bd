"""Zones, their settings, rulesets and the single settings objects."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.cloudflare.settings import SETTINGS
from tests.support.cloudflare import Api

SETTING = "/zones/{zone}/settings/"
RULESETS = "/zones/{zone}/rulesets"


def test_zones_are_unique_and_start_pending(api: Api) -> None:
    """A zone made through the API has to be delegated first; the seeded one is active."""
    made = api.post("/zones", {"name": "other.example", "account": {"id": api.get("/accounts").result[0]["id"]}}).result
    assert made["status"] == "pending"
    assert api.post("/zones", {"name": "other.example"}).code == 1061
    assert api.get("/zones?status=active").result[0]["name"] == "vibechecc.app"
    assert api.patch(f"/zones/{made['id']}", {"paused": True}).result["paused"] is True
    assert api.delete(f"/zones/{made['id']}").result == {"id": made["id"]}
    assert api.get("/zones?name=other.example").result == []


def test_deleting_a_zone_takes_its_objects_along(api: Api) -> None:
    """A zone of the same name starts empty."""
    zone = api.post("/zones", {"name": "other.example"}).result["id"]
    api.post(f"/zones/{zone}/dns_records", {"type": "A", "name": "@", "content": "192.0.2.1", "ttl": 1})
    api.delete(f"/zones/{zone}")
    assert not [scope for scope, _ in api.state.scopes("dns_records") if scope == zone]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("nonsense", "on", 1006),
        ("ssl", "loose", 1007),
        ("browser_cache_ttl", "3600", 1007),
        ("browser_cache_ttl", True, 1007),
        ("browser_cache_ttl", 17, 1007),
        ("security_header", {"strict_transport_security": {"max_age": "long"}}, 1007),
        ("security_header", {"hsts": {}}, 1007),
        ("security_header", "on", 1007),
        ("polish", "lossy", 1057),
    ],
)
def test_refused_settings(api: Api, name: str, value: Any, code: int) -> None:
    """Unknown names, values of the wrong kind, and what the plan does not include."""
    assert api.patch(SETTING + name, {"value": value}).code == code


def test_settings_have_defaults_and_remember(api: Api) -> None:
    """An untouched setting shows its default without a time; a changed one its value and time."""
    assert api.get(SETTING + "min_tls_version").result == {
        "id": "min_tls_version",
        "value": "1.0",
        "modified_on": None,
        "editable": True,
    }
    assert api.patch(SETTING + "min_tls_version", {"value": "1.2"}).result["modified_on"]
    assert api.get(SETTING + "min_tls_version").result["value"] == "1.2"
    assert len(api.get("/zones/{zone}/settings").result) == len(SETTINGS)


def test_objects_of_settings_are_merged(api: Api) -> None:
    """The provider sends only what changed inside an object."""
    full = {"enabled": True, "max_age": 86400, "include_subdomains": True, "preload": False, "nosniff": True}
    api.patch(SETTING + "security_header", {"value": {"strict_transport_security": full}})
    api.patch(SETTING + "security_header", {"value": {"strict_transport_security": {"max_age": 1}}})
    assert api.get(SETTING + "security_header").result["value"] == {"strict_transport_security": {**full, "max_age": 1}}


def _rule(**fields: Any) -> dict[str, Any]:
    return {"action": "block", "expression": "(ip.src eq 192.0.2.1)", **fields}


def _ruleset(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": "waf", "kind": "zone", "phase": "http_request_firewall_custom", "rules": list(rules), **fields}


RATE = {"characteristics": ["cf.colo.id", "ip.src"], "period": 60, "requests_per_period": 10, "mitigation_timeout": 60}


def test_one_entry_point_per_phase(api: Api) -> None:
    """A second ruleset for a phase is refused with the real code and pointer; another phase is free."""
    made = api.post(RULESETS, _ruleset(_rule())).result
    refused = api.post(RULESETS, _ruleset(name="other"))
    assert (refused.status, refused.code) == (400, 20217)
    assert refused.json["errors"][0]["source"] == {"pointer": "/kind"}
    limit = _ruleset(_rule(ratelimit=RATE), phase="http_ratelimit", name="rate")
    assert api.post(RULESETS, limit).status == 200
    assert api.get(f"{RULESETS}/phases/http_request_firewall_custom/entrypoint").result["id"] == made["id"]
    assert api.delete(f"{RULESETS}/{made['id']}").status == 204
    assert api.post(RULESETS, _ruleset()).status == 200


def test_rules_keep_their_ids_by_ref(api: Api) -> None:
    """Reordered and changed rules are the same rules when their ref is; unchanged ones keep version and time."""
    made = api.post(RULESETS, _ruleset(_rule(ref="a"), _rule(ref="b", action="log"))).result
    first, second = made["rules"]
    changed = api.put(
        f"{RULESETS}/{made['id']}", _ruleset(_rule(ref="b", action="log"), _rule(ref="a", enabled=False))
    ).result
    assert changed["version"] == "2"
    assert changed["rules"][0] == second
    assert (changed["rules"][1]["id"], changed["rules"][1]["version"]) == (first["id"], "2")


def test_rules_without_ref_are_new_rules(api: Api) -> None:
    """Their ref is their id."""
    made = api.post(RULESETS, _ruleset(_rule())).result
    changed = api.put(f"{RULESETS}/{made['id']}", _ruleset(_rule())).result
    assert made["rules"][0]["ref"] == made["rules"][0]["id"]
    assert changed["rules"][0]["id"] != made["rules"][0]["id"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (_ruleset(_rule(action="rewrite")), 20120),
        (_ruleset(_rule(expression="")), 20120),
        (_ruleset(_rule(expression="(ip.src eq 192.0.2.1")), 20127),
        (_ruleset(_rule(expression='http.host eq "a')), 20127),
        (_ruleset(_rule(ref="a"), _rule(ref="a")), 20120),
        (_ruleset(phase="http_nonsense"), 20120),
        (_ruleset(kind="root"), 20120),
        (_ruleset(name=""), 20120),
        (_ruleset(_rule(), phase="http_ratelimit"), 20120),
        (_ruleset(_rule(ratelimit={**RATE, "period": 61}), phase="http_ratelimit"), 20120),
        (_ruleset(_rule(ratelimit={**RATE, "characteristics": ["ip.src"]}), phase="http_ratelimit"), 20120),
        (_ruleset(_rule(action="execute", action_parameters={"id": "0" * 32})), 20019),
    ],
)
def test_refused_rulesets(api: Api, body: dict[str, Any], code: int) -> None:
    """What a phase does not allow, does not parse or does not exist."""
    assert api.post(RULESETS, body).code == code
    assert [r for r in api.get(RULESETS).result if r["kind"] == "zone"] == []


def test_account_rulesets_can_be_executed(api: Api) -> None:
    """A custom ruleset of the account may be named by a zone, and is then kept."""
    path = "/accounts/{account}/rulesets"
    shared = api.post(path, _ruleset(_rule(), kind="custom", name="shared")).result["id"]
    body = _ruleset(_rule(action="execute", expression="true", action_parameters={"id": shared}))
    zone = api.post(RULESETS, body).result["id"]
    assert api.delete(f"{path}/{shared}").code == 20037
    api.delete(f"{RULESETS}/{zone}")
    assert api.delete(f"{path}/{shared}").status == 204


def test_singletons_start_with_defaults_and_can_be_restored(api: Api) -> None:
    """DELETE brings the default back; wrong values are refused."""
    path = "/zones/{zone}/url_normalization"
    assert api.get(path).result == {"type": "cloudflare", "scope": "incoming"}
    assert api.put(path, {"type": "rfc3986", "scope": "both"}).result["type"] == "rfc3986"
    assert api.put(path, {"type": "rfc3986", "scope": "sideways"}).code == 1004
    assert api.delete(path).status == 204
    assert api.get(path).result["type"] == "cloudflare"
    tiered = "/zones/{zone}/cache/tiered_cache_smart_topology_enable"
    assert api.patch(tiered, {"value": "maybe"}).code == 1007
    assert api.patch(tiered, {"value": "on"}).result["value"] == "on"


def test_dnssec_names_its_zone(api: Api) -> None:
    """Switched on it is active at once, with a DS record for this zone."""
    path = "/zones/{zone}/dnssec"
    assert api.get(path).result["status"] == "disabled"
    active = api.patch(path, {"status": "active"}).result
    assert active["status"] == "active"
    assert active["ds"].startswith("vibechecc.app. 3600 IN DS ")
    assert api.patch(path, {"dnssec_multi_signer": True}).result["status"] == "active"
    assert api.patch(path, {"status": "perhaps"}).code == 1004


def test_managed_transforms_conflict(api: Api) -> None:
    """Some exclude one another; unknown ones are refused."""
    path = "/zones/{zone}/managed_headers"

    def enable(*names: str) -> dict[str, Any]:
        return {"managed_request_headers": [{"id": name, "enabled": True} for name in names]}

    assert api.patch(path, enable("add_true_client_ip_headers")).status == 200
    assert api.patch(path, enable("remove_visitor_ip_headers")).code == 10000
    assert api.patch(path, enable("nonsense")).code == 10000
    shown = {item["id"]: item for item in api.get(path).result["managed_request_headers"]}
    assert shown["add_true_client_ip_headers"]["enabled"] is True
    assert shown["remove_visitor_ip_headers"]["conflicts_with"] == ["add_true_client_ip_headers"]
