"""Managed transforms of a zone: a fixed list of header rewrites, each on or off, some of which exclude one another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.cloudflare.answers import Answer, Refusal, nothing, ok
from sandbox.cloudflare.call import Call, Route

_PATH = "/zones/<zone_id>/managed_headers"
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "managed_request_headers": (
        "add_bot_protection_headers",
        "add_client_certificate_headers",
        "add_true_client_ip_headers",
        "add_visitor_location_headers",
        "remove_visitor_ip_headers",
    ),
    "managed_response_headers": ("remove_x-powered-by_header", "add_security_headers"),
}
_CONFLICTS = {
    "remove_visitor_ip_headers": ["add_true_client_ip_headers"],
    "add_true_client_ip_headers": ["remove_visitor_ip_headers"],
}


def _enabled(call: Call, zone_id: str) -> dict[str, bool]:
    kept = call.state.get("managed_headers", zone_id, "enabled")
    return {name: bool(value) for name, value in kept.items()} if kept else {}


def _document(enabled: Mapping[str, bool]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for group, names in _GROUPS.items():
        document[group] = []
        for name in names:
            item: dict[str, Any] = {"id": name, "enabled": enabled.get(name, False)}
            rivals = [rival for rival in _CONFLICTS.get(name, []) if enabled.get(rival)]
            if rivals:
                item.update(has_conflict=True, conflicts_with=rivals)
            document[group].append(item)
    return document


def _read(call: Call, zone_id: str) -> Answer:
    return ok(_document(_enabled(call, zone_id)))


def _change(call: Call, zone_id: str) -> Answer:
    body = call.object()
    enabled = _enabled(call, zone_id)
    for group, names in _GROUPS.items():
        for item in body.get(group) or []:
            if item.get("id") not in names:
                raise Refusal(400, 10000, f"unknown managed transform `{item.get('id')}` in {group}")
            enabled[item["id"]] = bool(item.get("enabled"))
    for name, rivals in _CONFLICTS.items():
        if enabled.get(name) and any(enabled.get(rival) for rival in rivals):
            raise Refusal(400, 10000, f"`{name}` cannot be enabled together with `{rivals[0]}`")
    call.state.put("managed_headers", zone_id, "enabled", enabled)
    return ok(_document(enabled))


def _remove(call: Call, zone_id: str) -> Answer:
    call.state.delete("managed_headers", zone_id, "enabled")
    return nothing()


ROUTES = (Route("GET", _PATH, _read), Route("PATCH", _PATH, _change), Route("DELETE", _PATH, _remove))
