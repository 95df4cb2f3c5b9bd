"""Where the resource types live. A type that the schema knows and this table does not is refused in the plan."""

from __future__ import annotations

from .row import Row, collection, setting

_ACCOUNT, _ZONE = "accounts/{account_id}", "zones/{zone_id}"
_JURISDICTION = {"cf-r2-jurisdiction": "jurisdiction"}

RESOURCES: dict[str, Row] = {
    "cloudflare_dns_record": collection(f"{_ZONE}/dns_records", "dns_record_id", quirk="dns_record"),
    "cloudflare_zone_setting": setting(
        f"{_ZONE}/settings/{{setting_id}}",
        id_from="setting_id",
        import_id="<zone_id>/<setting_id>",
        import_to=("zone_id", "setting_id"),
    ),
    "cloudflare_zone_dnssec": setting(
        f"{_ZONE}/dnssec", delete=f"DELETE {_ZONE}/dnssec", stays=False, quirk="zone_dnssec"
    ),
    "cloudflare_ruleset": collection("{scope}/rulesets", "ruleset_id", quirk="ruleset"),
    "cloudflare_worker": collection(f"{_ACCOUNT}/workers/workers", "worker_id", quirk="worker"),
    "cloudflare_workers_kv_namespace": collection(f"{_ACCOUNT}/storage/kv/namespaces", "namespace_id"),
    "cloudflare_workers_custom_domain": collection(
        f"{_ACCOUNT}/workers/domains", "domain_id", create=f"PUT {_ACCOUNT}/workers/domains", update=None
    ),
    "cloudflare_r2_bucket": collection(
        f"{_ACCOUNT}/r2/buckets",
        "bucket_name",
        "name",
        update=f"PATCH {_ACCOUNT}/r2/buckets/{{bucket_name=name}}",
        import_id="<account_id>/<bucket_name>/<jurisdiction>",
        import_to=("account_id", "name", "jurisdiction"),
        headers=_JURISDICTION,
        id_from="name",
        quirk="r2_bucket",
    ),
}
