"""Where the resource types live. A type that the schema knows and this table does not is refused in the plan."""

from __future__ import annotations

from dataclasses import replace

from .row import Row, collection, setting

_ACCOUNT, _ZONE = "accounts/{account_id}", "zones/{zone_id}"
_BUCKET = f"{_ACCOUNT}/r2/buckets/{{bucket_name}}"
_SCRIPT = f"{_ACCOUNT}/workers/scripts/{{script_name}}"
_JURISDICTION = {"cf-r2-jurisdiction": "jurisdiction"}


def _of_bucket(path: str, delete: str | None = None, **more: object) -> Row:
    """Something about an R2 bucket, which cannot be imported."""
    whole: dict[str, object] = {"import_id": None, "import_to": (), "id_from": None, "headers": _JURISDICTION}
    options = {**whole, "delete": delete, "stays": delete is None, **more}
    return replace(setting(f"{_BUCKET}/{path}", "PUT"), **options)  # type: ignore[arg-type]  # `replace` knows the fields


RESOURCES: dict[str, Row] = {
    # ------------------------------------------------------------------------------------------ accounts and tokens
    "cloudflare_account": collection("accounts", "account_id", quirk="account"),
    "cloudflare_account_token": collection(f"{_ACCOUNT}/tokens", "token_id", quirk="token"),
    "cloudflare_api_token": collection("user/tokens", "token_id", quirk="token"),
    "cloudflare_secrets_store": collection(f"{_ACCOUNT}/secrets_store/stores", "store_id", update=None),
    "cloudflare_secrets_store_secret": collection(
        f"{_ACCOUNT}/secrets_store/stores/{{store_id}}/secrets",
        "secret_id",
        update=f"PATCH {_ACCOUNT}/secrets_store/stores/{{store_id}}/secrets/{{secret_id=id}}",
        patch=True,
        quirk="secrets_store_secret",
    ),
    # -------------------------------------------------------------------------------------------- zones and settings
    "cloudflare_zone": collection("zones", "zone_id", update="PATCH zones/{zone_id=id}", patch=True, quirk="zone"),
    "cloudflare_zone_setting": setting(
        f"{_ZONE}/settings/{{setting_id}}",
        id_from="setting_id",
        import_id="<zone_id>/<setting_id>",
        import_to=("zone_id", "setting_id"),
    ),
    "cloudflare_zone_dnssec": setting(
        f"{_ZONE}/dnssec", delete=f"DELETE {_ZONE}/dnssec", stays=False, quirk="zone_dnssec"
    ),
    "cloudflare_zone_dns_settings": setting(f"{_ZONE}/dns_settings", import_id=None, import_to=(), id_from=None),
    "cloudflare_zone_cache_reserve": setting(f"{_ZONE}/cache/cache_reserve"),
    "cloudflare_zone_cache_variants": setting(
        f"{_ZONE}/cache/variants", delete=f"DELETE {_ZONE}/cache/variants", stays=False
    ),
    "cloudflare_zone_lockdown": collection(f"{_ZONE}/firewall/lockdowns", "lock_downs_id"),
    "cloudflare_argo_smart_routing": setting(f"{_ZONE}/argo/smart_routing"),
    "cloudflare_argo_tiered_caching": setting(f"{_ZONE}/argo/tiered_caching"),
    "cloudflare_regional_tiered_cache": setting(f"{_ZONE}/cache/regional_tiered_cache"),
    "cloudflare_tiered_cache": setting(
        f"{_ZONE}/cache/tiered_cache_smart_topology_enable",
        create=f"POST {_ZONE}/cache/tiered_cache_smart_topology_enable",
        delete=f"DELETE {_ZONE}/cache/tiered_cache_smart_topology_enable",
        stays=False,
    ),
    "cloudflare_bot_management": setting(f"{_ZONE}/bot_management", "PUT", quirk="bot_management"),
    "cloudflare_total_tls": setting(f"{_ZONE}/acm/total_tls", "POST"),
    "cloudflare_universal_ssl_setting": setting(f"{_ZONE}/ssl/universal/settings"),
    "cloudflare_url_normalization_settings": setting(
        f"{_ZONE}/url_normalization", "PUT", delete=f"DELETE {_ZONE}/url_normalization", stays=False, unread_delete=True
    ),
    "cloudflare_managed_transforms": setting(
        f"{_ZONE}/managed_headers",
        delete=f"DELETE {_ZONE}/managed_headers",
        stays=False,
        unread_delete=True,
        quirk="managed_transforms",
    ),
    "cloudflare_hostname_tls_setting": Row(
        create=f"PUT {_ZONE}/hostnames/settings/{{setting_id}}/{{hostname}}",
        read=f"GET {_ZONE}/hostnames/settings/{{setting_id}}",
        update=f"PUT {_ZONE}/hostnames/settings/{{setting_id}}/{{hostname}}",
        delete=f"DELETE {_ZONE}/hostnames/settings/{{setting_id}}/{{hostname}}",
        import_id="<zone_id>/<setting_id>",
        import_to=("zone_id", "setting_id"),
        id_from="setting_id",
    ),
    "cloudflare_certificate_pack": collection(
        f"{_ZONE}/ssl/certificate_packs",
        "certificate_pack_id",
        create=f"POST {_ZONE}/ssl/certificate_packs/order",
        update=None,
        quirk="certificate_pack",
    ),
    "cloudflare_dns_record": collection(f"{_ZONE}/dns_records", "dns_record_id", quirk="dns_record"),
    "cloudflare_healthcheck": collection(f"{_ZONE}/healthchecks", "healthcheck_id"),
    "cloudflare_ruleset": collection("{scope}/rulesets", "ruleset_id", unread_delete=True, quirk="ruleset"),
    "cloudflare_page_rule": collection(f"{_ZONE}/pagerules", "pagerule_id", quirk="page_rule"),
    "cloudflare_snippet_rules": setting(
        f"{_ZONE}/snippets/snippet_rules",
        "PUT",
        delete=f"DELETE {_ZONE}/snippets/snippet_rules",
        stays=False,
        quirk="snippet_rules",
    ),
    "cloudflare_email_routing_rule": collection(f"{_ZONE}/email/routing/rules", "rule_identifier"),
    "cloudflare_email_routing_settings": Row(
        create=f"POST {_ZONE}/email/routing/enable",
        read=f"GET {_ZONE}/email/routing",
        update=None,
        delete=f"POST {_ZONE}/email/routing/disable",
        import_id="<zone_id>",
        import_to=("zone_id",),
    ),
    "cloudflare_logpush_job": collection("{scope}/logpush/jobs", "job_id", quirk="logpush_job"),
    # ------------------------------------------------------------------------------------------------------- Workers
    "cloudflare_worker": collection(f"{_ACCOUNT}/workers/workers", "worker_id", quirk="worker"),
    "cloudflare_worker_version": Row(
        create=f"POST {_ACCOUNT}/workers/workers/{{worker_id}}/versions",
        read=f"GET {_ACCOUNT}/workers/workers/{{worker_id}}/versions/{{version_id=id}}?include=modules",
        update=None,
        delete=None,
        import_id="<account_id>/<worker_id>/<version_id>",
        import_to=("account_id", "worker_id", "id"),
        quirk="worker_version",
    ),
    "cloudflare_workers_deployment": Row(
        create=f"POST {_SCRIPT}/deployments",
        read=f"GET {_SCRIPT}/deployments/{{deployment_id=id}}",
        update=None,
        delete=None,
        import_id="<account_id>/<script_name>/<deployment_id>",
        import_to=("account_id", "script_name", "id"),
    ),
    "cloudflare_workers_script": Row(
        create=f"PUT {_SCRIPT}",
        read=f"GET {_SCRIPT}",
        update=f"PUT {_SCRIPT}",
        delete=f"DELETE {_SCRIPT}",
        import_id="<account_id>/<script_name>",
        import_to=("account_id", "script_name"),
        id_from="script_name",
        quirk="workers_script",
    ),
    "cloudflare_workers_script_subdomain": setting(
        f"{_SCRIPT}/subdomain",
        "POST",
        delete=f"DELETE {_SCRIPT}/subdomain",
        import_id="<account_id>/<script_name>",
        import_to=("account_id", "script_name"),
        id_from="script_name",
        stays=False,
    ),
    "cloudflare_workers_cron_trigger": setting(
        f"{_SCRIPT}/schedules",
        "PUT",
        import_id="<account_id>/<script_name>",
        import_to=("account_id", "script_name"),
        id_from="script_name",
        quirk="workers_cron_trigger",
    ),
    "cloudflare_workers_custom_domain": collection(
        f"{_ACCOUNT}/workers/domains", "domain_id", create=f"PUT {_ACCOUNT}/workers/domains", update=None
    ),
    "cloudflare_workers_route": collection(f"{_ZONE}/workers/routes", "route_id"),
    "cloudflare_workers_kv_namespace": collection(f"{_ACCOUNT}/storage/kv/namespaces", "namespace_id"),
    "cloudflare_workers_kv": Row(
        create=f"PUT {_ACCOUNT}/storage/kv/namespaces/{{namespace_id}}/values/{{key_name}}",
        read=f"GET {_ACCOUNT}/storage/kv/namespaces/{{namespace_id}}/values/{{key_name}}",
        update=f"PUT {_ACCOUNT}/storage/kv/namespaces/{{namespace_id}}/values/{{key_name}}",
        delete=f"DELETE {_ACCOUNT}/storage/kv/namespaces/{{namespace_id}}/values/{{key_name}}",
        import_id="<account_id>/<namespace_id>/<key_name>",
        import_to=("account_id", "namespace_id", "key_name"),
        id_from="key_name",
        quirk="workers_kv",
    ),
    "cloudflare_d1_database": collection(f"{_ACCOUNT}/d1/database", "database_id", "uuid", id_from="uuid"),
    "cloudflare_queue": collection(f"{_ACCOUNT}/queues", "queue_id", id_from="queue_id", quirk="queue"),
    "cloudflare_hyperdrive_config": collection(
        f"{_ACCOUNT}/hyperdrive/configs", "hyperdrive_id", quirk="hyperdrive_config"
    ),
    "cloudflare_turnstile_widget": collection(
        f"{_ACCOUNT}/challenges/widgets", "sitekey", "sitekey", id_from="sitekey"
    ),
    "cloudflare_web_analytics_site": collection(
        f"{_ACCOUNT}/rum/site_info", "site_id", "site_tag", id_from="site_tag", quirk="web_analytics_site"
    ),
    # ------------------------------------------------------------------------------------------------------------ R2
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
    "cloudflare_r2_bucket_cors": _of_bucket("cors", f"DELETE {_BUCKET}/cors"),
    "cloudflare_r2_bucket_lifecycle": _of_bucket("lifecycle"),
    "cloudflare_r2_bucket_lock": _of_bucket("lock"),
    "cloudflare_r2_managed_domain": _of_bucket("domains/managed", read=None),
    "cloudflare_r2_custom_domain": _of_bucket(
        "domains/custom/{domain}",
        f"DELETE {_BUCKET}/domains/custom/{{domain}}",
        create=f"POST {_BUCKET}/domains/custom",
        quirk="r2_custom_domain",
    ),
    # -------------------------------------------------------------------------------------------------------- alerts
    "cloudflare_notification_policy": collection(f"{_ACCOUNT}/alerting/v3/policies", "policy_id"),
    "cloudflare_notification_policy_webhooks": collection(
        f"{_ACCOUNT}/alerting/v3/destinations/webhooks", "webhook_id"
    ),
    # ---------------------------------------------------------------------------------------------- lists and access
    "cloudflare_list": collection(f"{_ACCOUNT}/rules/lists", "list_id", quirk="rules_list"),
    "cloudflare_list_item": collection(
        f"{_ACCOUNT}/rules/lists/{{list_id}}/items",
        "item_id",
        update=None,
        delete=f"DELETE {_ACCOUNT}/rules/lists/{{list_id}}/items",
        quirk="rules_list_item",
    ),
    "cloudflare_zero_trust_access_application": collection("{scope}/access/apps", "app_id", quirk="access_application"),
    "cloudflare_zero_trust_access_group": collection("{scope}/access/groups", "group_id", quirk="access_group"),
    "cloudflare_zero_trust_access_policy": collection(
        f"{_ACCOUNT}/access/policies", "policy_id", quirk="access_policy"
    ),
    "cloudflare_zero_trust_access_service_token": collection(
        "{scope}/access/service_tokens", "service_token_id", quirk="access_service_token"
    ),
}
