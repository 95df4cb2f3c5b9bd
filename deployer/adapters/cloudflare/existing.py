"""Finds what exists under a name, with the id by which Terraform imports it.

Needed after a run was cut off between creating a thing and writing it into the state. Here are the types whose second
creation Cloudflare refuses, and hosts: creating one that exists would take it away from the Worker to which it leads.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deployer.adapters.cloudflare.api import CloudflareApi

_PAGE = 100


def import_id(api: CloudflareApi, resource_type: str, wanted: Mapping[str, Any]) -> str | None:
    """The import id of the thing that `wanted` (its planned attributes) names; None if there is none."""
    find = _FINDERS.get(resource_type)
    return find(api, wanted) if find else None


def _worker(api: CloudflareApi, wanted: Mapping[str, Any]) -> str | None:
    found = api.get(f"/accounts/{wanted['account_id']}/workers/workers/{_quoted(wanted['name'])}")
    return f"{wanted['account_id']}/{found['id']}" if found else None


def _namespace(api: CloudflareApi, wanted: Mapping[str, Any]) -> str | None:
    page = 1
    while True:
        path = f"/accounts/{wanted['account_id']}/storage/kv/namespaces?per_page={_PAGE}&page={page}"
        found = api.get(path) or []
        for namespace in found:
            if namespace["title"] == wanted["title"]:
                return f"{wanted['account_id']}/{namespace['id']}"
        if len(found) < _PAGE:
            return None
        page += 1


def _bucket(api: CloudflareApi, wanted: Mapping[str, Any]) -> str | None:
    found = api.get(f"/accounts/{wanted['account_id']}/r2/buckets/{_quoted(wanted['name'])}")
    return f"{wanted['account_id']}/{wanted['name']}/{wanted.get('jurisdiction') or 'default'}" if found else None


def _ruleset(api: CloudflareApi, wanted: Mapping[str, Any]) -> str | None:
    zone = wanted.get("zone_id")
    if not zone:
        return None
    for ruleset in api.get(f"/zones/{zone}/rulesets") or []:
        # A zone has one entrypoint per phase; Cloudflare's own managed rulesets are listed as well.
        if ruleset.get("kind") == wanted["kind"] and ruleset.get("phase") == wanted["phase"]:
            return f"zones/{zone}/{ruleset['id']}"
    return None


@dataclass(frozen=True)
class CustomDomain:
    """A host that leads to a Worker."""

    id: str
    service: str


def custom_domain(api: CloudflareApi, host: str) -> CustomDomain | None:
    """To which Worker a host leads; None if to none."""
    found = api.get(f"/accounts/{api.account}/workers/domains?hostname={_quoted(host)}") or []
    # Filtered here as well: a filter that is not understood must not make a stranger's host ours.
    for domain in found:
        if domain["hostname"] == host:
            return CustomDomain(domain["id"], domain["service"])
    return None


def _domain(api: CloudflareApi, wanted: Mapping[str, Any]) -> str | None:
    found = custom_domain(api, wanted["hostname"])
    # One that leads elsewhere is refused before the run begins.
    return f"{wanted['account_id']}/{found.id}" if found and found.service == wanted["service"] else None


def _quoted(name: str) -> str:
    return urllib.parse.quote(name, safe="")


_FINDERS: dict[str, Callable[[CloudflareApi, Mapping[str, Any]], str | None]] = {
    "cloudflare_worker": _worker,
    "cloudflare_workers_kv_namespace": _namespace,
    "cloudflare_r2_bucket": _bucket,
    "cloudflare_ruleset": _ruleset,
    "cloudflare_workers_custom_domain": _domain,
}
FINDABLE = frozenset(_FINDERS)
