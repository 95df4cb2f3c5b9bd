"""Accounts, memberships and zones. The seed makes the account and its zones; zones can also be made through the API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sandbox.cloudflare.answers import Answer, Refusal, ok, page
from sandbox.cloudflare.call import Call, Route
from sandbox.cloudflare.values import derived_id, hex_id
from sandbox.tables import Body, Tables

_NAME = re.compile(r"(?=.{4,253}$)([a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_PLAN = {
    "id": "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
    "name": "Free Website",
    "price": 0,
    "currency": "USD",
    "frequency": "",
    "is_subscribed": False,
    "can_subscribe": False,
    "legacy_id": "free",
    "legacy_discount": False,
    "externally_managed": False,
}
_PERMISSIONS = [
    "#dns_records:edit",
    "#dns_records:read",
    "#zone:edit",
    "#zone:read",
    "#zone_settings:edit",
    "#zone_settings:read",
]
USER = {
    "id": derived_id("user"),
    "email": "sandbox@example.test",
    "first_name": "Sandbox",
    "last_name": "User",
    "username": "sandbox",
    "two_factor_authentication_enabled": False,
    "suspended": False,
}


def zone_id_of(account_id: str, name: str) -> str:
    """The id of a seeded zone; the same in every sandbox of that account."""
    return derived_id("zone", account_id, name)


def new_zone(identifier: str, name: str, kind: str, account: Body, time: str, *, active: bool) -> dict[str, Any]:
    """A complete zone."""
    return {
        "id": identifier,
        "name": name,
        "status": "active" if active else "pending",
        "paused": False,
        "type": kind,
        "development_mode": 0,
        "name_servers": ["ada.ns.cloudflare.test", "bob.ns.cloudflare.test"],
        "original_name_servers": ["ns1.registrar.test", "ns2.registrar.test"],
        "original_registrar": None,
        "original_dnshost": None,
        "modified_on": time,
        "created_on": time,
        "activated_on": time if active else None,
        "meta": {"step": 2, "custom_certificate_quota": 0, "page_rule_quota": 3, "phishing_detected": False},
        "owner": {"id": None, "type": "user", "email": None},
        "account": {"id": account["id"], "name": account["name"]},
        "tenant": {"id": None, "name": None},
        "tenant_unit": {"id": None},
        "permissions": _PERMISSIONS,
        "plan": _PLAN,
    }


def seed_zone(state: Tables, account: Body, name: str, time: str) -> None:
    """A zone that is delegated and active from the start; nothing happens when it exists."""
    identifier = zone_id_of(str(account["id"]), name)
    if state.get("zones", str(account["id"]), identifier) is None:
        state.put(
            "zones", str(account["id"]), identifier, new_zone(identifier, name, "full", account, time, active=True)
        )


def find_zone(call: Call, zone_id: str) -> Body:
    """The zone, or the 404 that every request below an unknown zone gets."""
    zone = call.state.get("zones", call.account_id, zone_id)
    if zone is None:
        raise Refusal(404, 1001, "Invalid zone identifier")
    return zone


def zone_of_host(call: Call, hostname: str) -> Body | None:
    """The zone with the longest name that the host lies in."""
    zones = sorted(call.state.all("zones", call.account_id), key=lambda zone: -len(zone["name"]))
    return next((zone for zone in zones if hostname == zone["name"] or hostname.endswith("." + zone["name"])), None)


def _listing(call: Call) -> Answer:
    query = call.query
    zones = [zone for zone in call.state.all("zones", call.account_id) if _fits(zone, query)]
    order = query.get("order", "")
    if order in ("name", "status"):
        zones.sort(key=lambda zone: str(zone[order]), reverse=query.get("direction") == "desc")
    return page(zones, query, most=50)


def _fits(zone: Body, query: Mapping[str, str]) -> bool:
    wanted = {
        "name": zone["name"],
        "status": zone["status"],
        "account.id": zone["account"]["id"],
        "account.name": zone["account"]["name"],
    }
    results = [query[key] == value for key, value in wanted.items() if query.get(key)]
    return any(results) if query.get("match") == "any" and results else all(results)


def _create(call: Call) -> Answer:
    body = call.object()
    name = str(body.get("name", "")).lower()
    if not _NAME.fullmatch(name):
        raise Refusal(400, 1049, f"{name or 'name'} is not a registered domain")
    if (body.get("account") or {}).get("id", call.account_id) != call.account_id:
        raise Refusal(403, 1068, "Permission denied: requires permission com.cloudflare.api.account.zone.create")
    if any(zone["name"] == name for zone in call.state.all("zones", call.account_id)):
        raise Refusal(400, 1061, f"{name} already exists")
    kind = str(body.get("type") or "full")
    if kind not in ("full", "partial", "secondary", "internal"):
        raise Refusal(400, 1004, "`type` must be one of: full, internal, partial, secondary.")
    zone = new_zone(hex_id(), name, kind, call.account, call.time, active=False)
    call.state.put("zones", call.account_id, zone["id"], zone)
    return ok(zone)


def _read(call: Call, zone_id: str) -> Answer:
    return ok(find_zone(call, zone_id))


def _change(call: Call, zone_id: str) -> Answer:
    zone = find_zone(call, zone_id)
    body = call.object()
    if strange := set(body) - {"paused", "type", "vanity_name_servers", "plan"}:
        raise Refusal(400, 1004, f"`{min(strange)}` cannot be changed")
    changed = {**zone, **body, "modified_on": call.time}
    call.state.put("zones", call.account_id, zone_id, changed)
    return ok(changed)


def _remove(call: Call, zone_id: str) -> Answer:
    find_zone(call, zone_id)
    call.state.delete("zones", call.account_id, zone_id)
    call.state.delete_scope(zone_id)
    for domain in call.state.all("worker_domains", call.account_id):
        if domain["zone_id"] == zone_id:
            call.state.delete("worker_domains", call.account_id, domain["id"])
    call.sites_changed = True
    return ok({"id": zone_id})


def _account(call: Call) -> dict[str, Any]:
    return {
        "id": call.account_id,
        "name": call.account["name"],
        "type": "standard",
        "settings": {"enforce_twofactor": False, "abuse_contact_email": None},
        "created_on": call.account["created_on"],
    }


def _accounts(call: Call) -> Answer:
    wanted = call.query.get("name")
    accounts = [_account(call)]
    return page([account for account in accounts if wanted in (None, account["name"])], call.query)


def _read_account(call: Call) -> Answer:
    return ok(_account(call))


def _memberships(call: Call) -> Answer:
    member = {
        "id": derived_id("membership"),
        "status": "accepted",
        "account": _account(call),
        "roles": ["Administrator"],
    }
    return page([member], call.query)


def _user(call: Call) -> Answer:
    return ok(USER)


ROUTES = (
    Route("GET", "/user", _user),
    Route("GET", "/accounts", _accounts),
    Route("GET", "/accounts/<account_id>", _read_account),
    Route("GET", "/memberships", _memberships),
    Route("GET", "/zones", _listing),
    Route("POST", "/zones", _create),
    Route("GET", "/zones/<zone_id>", _read),
    Route("PATCH", "/zones/<zone_id>", _change),
    Route("DELETE", "/zones/<zone_id>", _remove),
)
