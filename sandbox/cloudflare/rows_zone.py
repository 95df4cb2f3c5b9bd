"""Plain resources of a zone, one row each: a resource that has only fields costs a row here and a test case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.cloudflare.answers import Refusal
from sandbox.cloudflare.checks import between, of_type, one_of, required
from sandbox.cloudflare.crud import (
    Change,
    Collection,
    Field,
    Singleton,
    created,
    echo,
    identity,
    modified,
)
from sandbox.cloudflare.values import derived_id, digest, seconds
from sandbox.tables import Body

_ZONE = "/zones/<zone_id>"
_HTTP_CHECK = {
    "method": "GET",
    "port": 80,
    "path": "/",
    "expected_codes": None,
    "expected_body": "",
    "follow_redirects": False,
    "allow_insecure": False,
    "header": None,
}
_CACHE_EXTENSIONS = ("avif", "bmp", "gif", "jp2", "jpeg", "jpg", "jpg2", "png", "tif", "tiff", "webp")


def _on_off(
    kind: str, identifier: str, path: str, *, write: tuple[str, ...] = ("PATCH",), deletable: bool = False
) -> Singleton:
    """The switch-like settings all look the same."""
    return Singleton(
        kind=kind,
        path=f"{_ZONE}/{path}",
        fields=(
            Field("id", identifier),
            Field("editable", default=True),
            Field("modified_on", server=lambda change: change.time if change.body else None),
            Field("value", "off"),
        ),
        checks=(required("value", code=1007), one_of("value", ("on", "off"), code=1007)),
        write=write,
        delete=(lambda old: {key: old[key] for key in ("id", "editable", "modified_on")}) if deletable else None,
    )


def _only_http(change: Change) -> bool:
    return str(change.body.get("type", "HTTP")) in ("HTTP", "HTTPS")


def _check_healthcheck(change: Change) -> None:
    if not _only_http(change) and change.body.get("http_config"):
        raise Refusal(400, 1002, "http_config is only valid for HTTP and HTTPS health checks")


def _lockdown_targets(body: Mapping[str, Any]) -> None:
    for item in body.get("configurations", []):
        if item.get("target") not in ("ip", "ip_range"):
            raise Refusal(400, 10014, "filters.api.validation_error: configurations.target must be ip or ip_range")


COLLECTIONS = (
    Collection(
        kind="healthchecks",
        path=f"{_ZONE}/healthchecks",
        missing=(1002, "healthcheck not found"),
        fields=(
            Field("id", server=identity),
            *echo("address", "check_regions"),
            Field("consecutive_fails", 1),
            Field("consecutive_successes", 1),
            Field("description", ""),
            Field("http_config", lambda change: _HTTP_CHECK if _only_http(change) else None),
            Field("interval", 60),
            *echo("name"),
            Field("retries", 2),
            Field("suspended", default=False),
            Field("timeout", 5),
            Field("type", "HTTP"),
            Field("created_on", server=created),
            Field("modified_on", server=modified),
            Field("status", server=lambda change: "suspended" if change.body.get("suspended") else "unknown"),
            Field("failure_reason", server=lambda _: ""),
            Field(
                "tcp_config",
                lambda change: None if _only_http(change) else {"method": "connection_established", "port": 80},
            ),
        ),
        checks=(
            required("name", "address"),
            one_of("type", ("HTTP", "HTTPS", "TCP")),
            between("interval", 5, 3600),
            between("retries", 0, 5),
            between("timeout", 1, 10),
            between("consecutive_fails", 1, 10),
            between("consecutive_successes", 1, 10),
        ),
        verify=_check_healthcheck,
    ),
    Collection(
        kind="lockdowns",
        path=f"{_ZONE}/firewall/lockdowns",
        missing=(10001, "filters.api.not_found"),
        fields=(
            Field("id", server=identity),
            Field("paused", default=False),
            *echo("description", "urls", "configurations", "priority"),
            Field("created_on", server=lambda change: seconds(created(change))),
            Field("modified_on", server=lambda change: seconds(change.time)),
        ),
        checks=(
            required("urls", "configurations"),
            of_type("urls", list),
            of_type("configurations", list),
            _lockdown_targets,
        ),
    ),
)


def _key_tag(zone_id: str) -> int:
    return int(digest(zone_id)[:4], 16)


def _dnssec_text(change: Change) -> str:
    zone = change.call.state.get("zones", change.call.account_id, change.scope)
    name = zone["name"] if zone else change.scope
    return f"{name}. 3600 IN DS {_key_tag(change.scope)} 13 2 {digest(change.scope).upper()}"


def _dnssec_status(change: Change) -> str:
    """Active at once: the sandbox is the registrar as well, there is no DS record to wait for."""
    return str(change.body.get("status", "disabled"))


DNSSEC = Singleton(
    kind="dnssec",
    path=f"{_ZONE}/dnssec",
    fields=(
        Field("status", server=_dnssec_status),
        Field("flags", server=lambda _: 257),
        Field("algorithm", server=lambda _: "13"),
        Field("key_type", server=lambda _: "ECDSAP256SHA256"),
        Field("digest_type", server=lambda _: "2"),
        Field("digest_algorithm", server=lambda _: "SHA256"),
        Field("digest", server=lambda change: digest(change.scope).upper()),
        Field("ds", server=_dnssec_text),
        Field("key_tag", server=lambda change: _key_tag(change.scope)),
        Field("public_key", server=lambda change: derived_id("dnssec", change.scope)),
        Field("modified_on", server=lambda change: change.time if change.body else None),
        *echo("dnssec_multi_signer", "dnssec_presigned", "dnssec_use_nsec3"),
    ),
    checks=(one_of("status", ("active", "disabled"), code=1004),),
    delete=lambda _: "",
)


_BOT_FREE = {
    "enable_js": False,
    "fight_mode": False,
    "using_latest_model": True,
    "ai_bots_protection": "disabled",
    "crawler_protection": "disabled",
    "is_robots_txt_managed": False,
    "cf_robots_variant": "off",
}


def _variants(body: Body) -> None:
    value = body.get("value")
    if not isinstance(value, Mapping) or not set(value) <= set(_CACHE_EXTENSIONS):
        raise Refusal(
            400, 1007, f"value must map extensions ({', '.join(_CACHE_EXTENSIONS)}) to lists of content types"
        )


SINGLETONS = (
    DNSSEC,
    _on_off(
        "tiered_cache",
        "tiered_cache_smart_topology_enable",
        "cache/tiered_cache_smart_topology_enable",
        write=("PATCH", "POST"),
        deletable=True,
    ),
    _on_off("regional_tiered_cache", "tc_regional", "cache/regional_tiered_cache"),
    _on_off("cache_reserve", "cache_reserve", "cache/cache_reserve"),
    _on_off("argo_smart_routing", "smart_routing", "argo/smart_routing"),
    _on_off("argo_tiered_caching", "tiered_caching", "argo/tiered_caching"),
    Singleton(
        kind="cache_variants",
        path=f"{_ZONE}/cache/variants",
        fields=(
            Field("id", "variants"),
            Field("editable", default=True),
            Field("modified_on", server=lambda change: change.time if change.body else None),
            Field("value", lambda _: {}),
        ),
        checks=(_variants,),
        delete=lambda old: {"id": "variants", "editable": True, "modified_on": old["modified_on"]},
    ),
    Singleton(
        kind="universal_ssl",
        path=f"{_ZONE}/ssl/universal/settings",
        fields=(Field("enabled", default=True),),
        checks=(of_type("enabled", bool),),
    ),
    Singleton(
        kind="total_tls",
        path=f"{_ZONE}/acm/total_tls",
        fields=(
            Field("enabled", default=False),
            Field("certificate_authority", "google"),
            Field("validity_period", server=lambda _: 90),
        ),
        checks=(of_type("enabled", bool), one_of("certificate_authority", ("google", "lets_encrypt", "ssl_com"))),
        write=("POST",),
        merge=True,
    ),
    Singleton(
        kind="url_normalization",
        path=f"{_ZONE}/url_normalization",
        fields=(Field("type", "cloudflare"), Field("scope", "incoming")),
        checks=(
            required("type", "scope"),
            one_of("type", ("cloudflare", "rfc3986")),
            one_of("scope", ("incoming", "both", "none")),
        ),
        write=("PUT",),
        delete_empty=True,
    ),
    Singleton(
        kind="bot_management",
        path=f"{_ZONE}/bot_management",
        fields=tuple(
            Field("cf_robots_variant", "policy_only") if name == "cf_robots_variant" else Field(name, value)
            for name, value in _BOT_FREE.items()
        ),
        checks=(
            of_type("enable_js", bool),
            of_type("fight_mode", bool),
            one_of("ai_bots_protection", ("block", "disabled", "only_on_ad_pages")),
            one_of("crawler_protection", ("enabled", "disabled")),
        ),
        write=("PUT",),
        merge=True,
    ),
)
