"""The settings of a zone: every id that Cloudflare knows, its default on a new Free zone, and the values it takes.

A setting that the plan does not include can be read, not changed (code 1057). Objects are merged, because clients
send only what changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.cloudflare.answers import Answer, Refusal, ok
from sandbox.cloudflare.call import Call, Route
from sandbox.cloudflare.crud import merged
from sandbox.tables import Body

_PATH = "/zones/<zone_id>/settings"
_ON_OFF = ("on", "off")
_HOURS = tuple(hours * 3600 for hours in (1, 2, 3, 4, 5, 8, 12, 16, 20, 24, 48, 72, 96, 120))
_BROWSER_TTL = (
    0,
    30,
    60,
    120,
    300,
    1200,
    1800,
    *_HOURS,
    691200,
    1382400,
    2073600,
    2678400,
    5356800,
    16070400,
    31536000,
)
_CHALLENGE_TTL = (300, 900, 1800, 2700, 3600, 7200, 10800, 14400, 28800, 57600, 86400, 604800, 2592000, 31536000)
_EDGE_TTL = (30, 60, 300, 1200, 1800, *_HOURS, 518400, 604800)


@dataclass(frozen=True)
class Setting:
    """One setting. `allowed`: a sequence of values, or a type, or an object's fields with their types."""

    default: Any
    allowed: Sequence[Any] | type | Mapping[str, Any]
    editable: bool = True


def _switch(default: str, *, editable: bool = True) -> Setting:
    return Setting(default, _ON_OFF, editable)


_HSTS = {"enabled": bool, "max_age": int, "include_subdomains": bool, "preload": bool, "nosniff": bool}
_HSTS_OFF = {"enabled": False, "max_age": 0, "include_subdomains": False, "preload": False, "nosniff": False}

SETTINGS: Mapping[str, Setting] = {
    "0rtt": _switch("off"),
    "advanced_ddos": _switch("on", editable=False),
    "always_online": _switch("off"),
    "always_use_https": _switch("off"),
    "automatic_https_rewrites": _switch("on"),
    "brotli": _switch("on"),
    "browser_cache_ttl": Setting(14400, _BROWSER_TTL),
    "browser_check": _switch("on"),
    "cache_level": Setting("aggressive", ("aggressive", "basic", "simplified")),
    "challenge_ttl": Setting(1800, _CHALLENGE_TTL),
    "ciphers": Setting([], list),
    "cname_flattening": Setting("flatten_at_root", ("flatten_at_root", "flatten_all"), editable=False),
    "development_mode": _switch("off"),
    "early_hints": _switch("off"),
    "edge_cache_ttl": Setting(7200, _EDGE_TTL),
    "email_obfuscation": _switch("on"),
    "fonts": _switch("off"),
    "h2_prioritization": Setting("off", ("on", "off", "custom"), editable=False),
    "hotlink_protection": _switch("off"),
    "http2": _switch("on"),
    "http3": _switch("on"),
    "image_resizing": Setting("off", ("on", "off", "open"), editable=False),
    "ip_geolocation": _switch("on"),
    "ipv6": _switch("on"),
    "long_lived_grpc": _switch("off", editable=False),
    "max_upload": Setting(100, (100, 125, 150, 175, 200, 225, 250, 275, 300, 325, 350, 375, 400, 425, 450, 475, 500)),
    "min_tls_version": Setting("1.0", ("1.0", "1.1", "1.2", "1.3")),
    "mirage": _switch("off", editable=False),
    "nel": Setting({"enabled": True}, {"enabled": bool}),
    "opportunistic_encryption": _switch("on"),
    "opportunistic_onion": _switch("on"),
    "orange_to_orange": _switch("off", editable=False),
    "origin_error_page_pass_thru": _switch("off", editable=False),
    "origin_max_http_version": Setting("2", ("1", "2")),
    "polish": Setting("off", ("off", "lossless", "lossy"), editable=False),
    "prefetch_preload": _switch("off", editable=False),
    "privacy_pass": _switch("on"),
    "proxy_read_timeout": Setting("100", str, editable=False),
    "pseudo_ipv4": Setting("off", ("off", "add_header", "overwrite_header")),
    "replace_insecure_js": _switch("on"),
    "response_buffering": _switch("off", editable=False),
    "rocket_loader": _switch("off"),
    "security_header": Setting({"strict_transport_security": _HSTS_OFF}, {"strict_transport_security": _HSTS}),
    "security_level": Setting("medium", ("off", "essentially_off", "low", "medium", "high", "under_attack")),
    "server_side_exclude": _switch("on"),
    "sort_query_string_for_cache": _switch("off", editable=False),
    "speed_brain": _switch("off"),
    "ssl": Setting("full", ("off", "flexible", "full", "strict", "origin_pull")),
    "tls_1_2_only": _switch("off"),
    "tls_1_3": Setting("on", ("on", "off", "zrt")),
    "tls_client_auth": _switch("off"),
    "transformations": Setting("off", ("on", "off", "open")),
    "true_client_ip_header": _switch("off", editable=False),
    "waf": _switch("off", editable=False),
    "webp": _switch("off", editable=False),
    "websockets": _switch("on"),
}
_DEVELOPMENT_SECONDS = 10800


def _shown(call: Call, zone_id: str, name: str) -> dict[str, Any]:
    setting = SETTINGS[name]
    kept = call.state.get("zone_settings", zone_id, name)
    shown: dict[str, Any] = {"id": name, "value": kept["value"] if kept else setting.default}
    shown["modified_on"] = kept["modified_on"] if kept else None
    shown["editable"] = setting.editable
    if name == "development_mode":
        shown["time_remaining"] = _DEVELOPMENT_SECONDS if shown["value"] == "on" else 0
    return shown


def _known(name: str) -> Setting:
    if name not in SETTINGS:
        raise Refusal(400, 1006, f"Unrecognized zone setting name: {name}")
    return SETTINGS[name]


def _check(name: str, value: Any, allowed: Any) -> None:
    if isinstance(allowed, Mapping):
        good = isinstance(value, Mapping) and set(value) <= set(allowed)
        if good:
            for key, inner in value.items():
                _check(f"{name}.{key}", inner, allowed[key])
    elif isinstance(allowed, type):
        good = isinstance(value, allowed) and not (allowed is int and isinstance(value, bool))
    else:
        good = any(value == choice and type(value) is type(choice) for choice in allowed)
    if not good:
        raise Refusal(400, 1007, f"Invalid value for zone setting {name}", pointer="/value")


def _write(call: Call, zone_id: str, name: str, body: Body) -> dict[str, Any]:
    setting = _known(name)
    if not setting.editable:
        raise Refusal(403, 1057, f"{name} cannot be modified for this zone")
    if "value" not in body:
        raise Refusal(400, 1007, f"Invalid value for zone setting {name}: `value` is missing", pointer="/value")
    value = body["value"]
    _check(name, value, setting.allowed)
    if isinstance(value, Mapping):
        value = merged(_shown(call, zone_id, name)["value"], value)
    call.state.put("zone_settings", zone_id, name, {"value": value, "modified_on": call.time})
    return _shown(call, zone_id, name)


def _listing(call: Call, zone_id: str) -> Answer:
    return ok([_shown(call, zone_id, name) for name in SETTINGS])


def _read(call: Call, zone_id: str, name: str) -> Answer:
    _known(name)
    return ok(_shown(call, zone_id, name))


def _change(call: Call, zone_id: str, name: str) -> Answer:
    return ok(_write(call, zone_id, name, call.object()))


def _change_several(call: Call, zone_id: str) -> Answer:
    items = call.object().get("items")
    if not isinstance(items, list) or not items:
        raise Refusal(400, 1007, "`items` must be a list of settings")
    return ok([_write(call, zone_id, str(item.get("id")), item) for item in items])


ROUTES = (
    Route("GET", _PATH, _listing),
    Route("PATCH", _PATH, _change_several),
    Route("GET", f"{_PATH}/<name>", _read),
    Route("PATCH", f"{_PATH}/<name>", _change),
)
