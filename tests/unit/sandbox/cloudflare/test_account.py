"""Plain resources of the account, tokens and R2."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cloudflare import ZONE, Api

KV = "/accounts/{account}/storage/kv/namespaces"
POLICIES = "/accounts/{account}/alerting/v3/policies"
WEBHOOKS = "/accounts/{account}/alerting/v3/destinations/webhooks"
BUCKETS = "/accounts/{account}/r2/buckets"
DNS_WRITE = "4755a26eedb94da69e1066d98aa820be"


def test_kv_titles_are_unique(api: Api) -> None:
    """On create and on rename; a namespace may keep its own."""
    first = api.post(KV, {"title": "cache"}).result
    second = api.post(KV, {"title": "sessions"}).result
    assert api.post(KV, {"title": "cache"}).code == 10014
    assert api.put(f"{KV}/{second['id']}", {"title": "cache"}).code == 10014
    assert api.put(f"{KV}/{first['id']}", {"title": "cache"}).status == 200
    assert api.delete(f"{KV}/{first['id']}").status == 200
    assert (api.get(f"{KV}/{first['id']}").status, api.get(f"{KV}/{first['id']}").code) == (404, 10013)
    assert api.post(KV, {}).code == 10019


def test_queues_merge_their_settings(api: Api) -> None:
    """What an update leaves out of the settings stays; names are unique."""
    queue = api.post("/accounts/{account}/queues", {"queue_name": "jobs"}).result
    path = f"/accounts/{{account}}/queues/{queue['queue_id']}"
    api.put(path, {"queue_name": "jobs", "settings": {"delivery_delay": 5}})
    settings = api.put(path, {"queue_name": "jobs", "settings": {"message_retention_period": 60}}).result["settings"]
    assert (settings["delivery_delay"], settings["message_retention_period"]) == (5, 60)
    assert api.post("/accounts/{account}/queues", {"queue_name": "jobs"}).code == 11009
    assert api.post("/accounts/{account}/queues", {"queue_name": "No Spaces"}).code == 11003


def _policy(**fields: Any) -> dict[str, Any]:
    mechanisms = {"email": [{"id": "ops@example.test"}]}
    return {"name": "tls", "alert_type": "universal_ssl_event_type", "mechanisms": mechanisms, **fields}


def test_alerts(api: Api) -> None:
    """A policy answers its creation with the id alone, and names only what exists."""
    hook = api.post(WEBHOOKS, {"name": "hook", "url": "https://hooks.slack.com/x", "secret": "dummy"}).result
    assert list(hook) == ["id"]
    assert api.get(f"{WEBHOOKS}/{hook['id']}").result["type"] == "slack"
    assert "secret" not in api.get(f"{WEBHOOKS}/{hook['id']}").result
    policy = api.post(POLICIES, _policy(mechanisms={"webhooks": [{"id": hook["id"]}]})).result
    assert list(policy) == ["id"]
    assert api.get(f"{POLICIES}/{policy['id']}").result["enabled"] is True
    assert api.delete(f"{WEBHOOKS}/{hook['id']}").code == 17102
    api.delete(f"{POLICIES}/{policy['id']}")
    assert api.delete(f"{WEBHOOKS}/{hook['id']}").status == 200


@pytest.mark.parametrize(
    "fields",
    [{"alert_type": "worker_errors"}, {"mechanisms": {}}, {"mechanisms": {"webhooks": [{"id": "none"}]}}, {"name": ""}],
)
def test_refused_alerts(api: Api, fields: dict[str, Any]) -> None:
    """Unknown types and destinations."""
    assert api.post(POLICIES, _policy(**fields)).code == 17103


def _token(**fields: Any) -> dict[str, Any]:
    policy = {
        "effect": "allow",
        "permission_groups": [{"id": DNS_WRITE}],
        "resources": {f"com.cloudflare.api.account.zone.{ZONE}": "*"},
    }
    return {"name": "ci", "policies": [policy], **fields}


@pytest.mark.parametrize("path", ["/user/tokens", "/accounts/{account}/tokens"])
def test_life_of_a_token(api: Api, path: str) -> None:
    """Its value is told once and works until the token is disabled, expired or deleted."""
    made = api.post(path, _token()).result
    assert len(made["value"]) >= 40
    assert made["policies"][0]["permission_groups"] == [{"id": DNS_WRITE, "name": "DNS Write"}]
    shown = api.get(f"{path}/{made['id']}").result
    assert "value" not in shown
    assert made["value"] not in (api.folder / "state.json").read_text()
    assert api.get("/zones", token=made["value"]).status == 200
    assert api.get("/user/tokens/verify", token=made["value"]).result["id"] == made["id"]
    api.put(f"{path}/{made['id']}", _token(status="disabled"))
    assert api.get("/zones", token=made["value"]).code == 10000
    api.put(f"{path}/{made['id']}", _token(status="active", expires_on="2026-01-01T00:00:00Z"))
    assert api.get(f"{path}/{made['id']}").result["status"] == "expired"
    assert api.get("/zones", token=made["value"]).code == 10000
    api.put(f"{path}/{made['id']}", _token(status="active"))
    rolled = api.put(f"{path}/{made['id']}/value").result
    assert api.get("/zones", token=made["value"]).code == 10000
    assert api.get("/zones", token=rolled).status == 200
    api.delete(f"{path}/{made['id']}")
    assert api.get("/zones", token=rolled).code == 10000


def test_refused_tokens(api: Api) -> None:
    """Without policies, or with permission groups that do not exist."""
    assert api.post("/user/tokens", {"name": "ci"}).code == 1001
    strange = _token()
    strange["policies"][0]["permission_groups"] = [{"id": "0" * 32}]
    assert api.post("/user/tokens", strange).code == 1001


def test_permission_groups_by_name_and_scope(api: Api) -> None:
    """Names exist once per scope."""
    found = api.get("/accounts/{account}/tokens/permission_groups?name=Logs%20Read").result
    assert {group["scopes"][0] for group in found} == {"com.cloudflare.api.account", "com.cloudflare.api.account.zone"}
    one = api.get("/user/tokens/permission_groups?name=Logs%20Read&scope=com.cloudflare.api.account").result
    assert [group["id"] for group in one] == ["6a315a56f18441e59ed03352369ae956"]


def test_buckets_with_objects_stay(api: Api) -> None:
    """A bucket that holds something is not deleted; an empty one is, with its rules."""
    api.post(BUCKETS, {"name": "uploads", "locationHint": "eeur"})
    assert api.get(f"{BUCKETS}/uploads").result["location"] == "EEUR"
    api.put(f"{BUCKETS}/uploads/lock", {"rules": [{"id": "a", "enabled": True, "condition": {"type": "Indefinite"}}]})
    api.buckets.occupied.add("uploads")
    refused = api.delete(f"{BUCKETS}/uploads")
    assert (refused.status, refused.code) == (409, 10008)
    api.buckets.occupied.clear()
    assert api.delete(f"{BUCKETS}/uploads").status == 200
    api.post(BUCKETS, {"name": "uploads"})
    assert api.get(f"{BUCKETS}/uploads/lock").result == {"rules": []}


def test_buckets_of_a_jurisdiction_are_apart(api: Api) -> None:
    """A bucket is only seen with its jurisdiction's header."""
    eu = {"cf-r2-jurisdiction": "eu"}
    api.post(BUCKETS, {"name": "uploads"}, headers=eu)
    assert api.get(f"{BUCKETS}/uploads").code == 10006
    assert api.get(f"{BUCKETS}/uploads", headers=eu).result["jurisdiction"] == "eu"
    assert api.get(f"{BUCKETS}/uploads", headers={"cf-r2-jurisdiction": "mars"}).code == 10034


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("", {"name": "No"}, 10005),
        ("", {"name": "fine", "locationHint": "moon"}, 10032),
        ("", {"name": "fine", "storageClass": "Cold"}, 10062),
        ("/made/lifecycle", {"rules": [{"id": "a"}]}, 10063),
        (
            "/made/lifecycle",
            {
                "rules": [
                    {
                        "id": "a",
                        "enabled": True,
                        "conditions": {},
                        "deleteObjectsTransition": {"condition": {"type": "Indefinite"}},
                    }
                ]
            },
            10063,
        ),
        ("/made/lock", {"rules": [{"id": "a", "enabled": True, "condition": {"type": "Age"}}]}, 10063),
        ("/made/lock", {"rules": [{"id": "a", "enabled": True, "condition": {"type": "Indefinite"}}] * 2}, 10064),
        ("/made/cors", {"rules": [{"allowed": {"methods": ["GET"]}}]}, 10040),
        ("/missing/lock", {"rules": []}, 10006),
    ],
)
def test_refused_bucket_requests(api: Api, path: str, body: dict[str, Any], code: int) -> None:
    """Names, places, classes and rules that R2 does not take."""
    api.post(BUCKETS, {"name": "made"})
    assert api.call("PUT" if path else "POST", BUCKETS + path, body).code == code


def test_bucket_domains(api: Api) -> None:
    """A bucket's host must lie in a zone of the account and lead to one bucket only."""
    for name in ("one", "two"):
        api.post(BUCKETS, {"name": f"bucket-{name}"})
    domain = {"domain": "cdn.vibechecc.app", "enabled": True, "zoneId": ZONE}
    assert api.post(f"{BUCKETS}/bucket-one/domains/custom", domain).status == 200
    assert api.post(f"{BUCKETS}/bucket-two/domains/custom", domain).code == 10047
    assert api.post(f"{BUCKETS}/bucket-two/domains/custom", {**domain, "domain": "cdn.example.net"}).code == 10060
