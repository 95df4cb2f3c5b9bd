"""Where the data sources look. One that the schema knows and this table does not is refused when it is read."""

from __future__ import annotations

from dataclasses import dataclass, replace

_ACCOUNT, _ZONE = "accounts/{account_id}", "zones/{zone_id}"
_BUCKET = f"{_ACCOUNT}/r2/buckets/{{bucket_name}}"
_SCRIPT = f"{_ACCOUNT}/workers/scripts/{{script_name}}"


@dataclass(frozen=True, slots=True)
class Source:
    """Where one data source looks; paths are written as in the resources' table."""

    read: str
    find: str | None = None  # the list that `filter` searches
    found_from: str = "id"  # the field of the hit ...
    found_to: str = "id"  # ... that this attribute takes
    id_from: str | None = None
    items: str | None = None  # a list: the attribute that takes its items
    paging: str | None = None  # page: on to the next until one is empty; cursor: as long as there is one
    whole: str | None = None  # the attribute that takes the answer as it is, where it is no envelope


def _one(path: str, key: str, found_from: str | None = "id", **more: object) -> Source:
    """An object at `path/KEY`; unless `found_from` is None a filter finds it in the list at `path`."""
    source = Source(f"{path}/{{{key}}}", find=path if found_from else None, found_to=key, id_from=key)
    source = replace(source, found_from=found_from or "id")
    return replace(source, **more)  # type: ignore[arg-type]  # `replace` knows the fields


def _only(path: str, **more: object) -> Source:
    """Something that a zone has one of."""
    return replace(Source(path, id_from="zone_id"), **more)  # type: ignore[arg-type]  # `replace` knows the fields


def _all(path: str, paging: str | None = "page") -> Source:
    return Source(path, items="result", paging=paging)


DATA_SOURCES: dict[str, Source] = {
    "cloudflare_account": _one("accounts", "account_id"),
    "cloudflare_accounts": _all("accounts"),
    "cloudflare_account_api_token_permission_groups": Source(f"{_ACCOUNT}/tokens/permission_groups"),
    "cloudflare_account_api_token_permission_groups_list": _all(f"{_ACCOUNT}/tokens/permission_groups", None),
    "cloudflare_account_token": _one(f"{_ACCOUNT}/tokens", "token_id"),
    "cloudflare_account_tokens": _all(f"{_ACCOUNT}/tokens"),
    "cloudflare_api_token": _one("user/tokens", "token_id"),
    "cloudflare_api_token_permission_groups_list": _all("user/tokens/permission_groups", None),
    "cloudflare_api_tokens": _all("user/tokens"),
    "cloudflare_argo_smart_routing": _only(f"{_ZONE}/argo/smart_routing"),
    "cloudflare_argo_tiered_caching": _only(f"{_ZONE}/argo/tiered_caching"),
    "cloudflare_bot_management": _only(f"{_ZONE}/bot_management"),
    "cloudflare_certificate_pack": _one(f"{_ZONE}/ssl/certificate_packs", "certificate_pack_id"),
    "cloudflare_certificate_packs": _all(f"{_ZONE}/ssl/certificate_packs", None),
    "cloudflare_d1_database": _one(f"{_ACCOUNT}/d1/database", "database_id", "uuid"),
    "cloudflare_d1_databases": _all(f"{_ACCOUNT}/d1/database"),
    "cloudflare_dns_record": _one(f"{_ZONE}/dns_records", "dns_record_id"),
    "cloudflare_dns_records": _all(f"{_ZONE}/dns_records"),
    "cloudflare_email_routing_rule": _one(f"{_ZONE}/email/routing/rules", "rule_identifier"),
    "cloudflare_email_routing_rules": _all(f"{_ZONE}/email/routing/rules"),
    "cloudflare_email_routing_settings": _only(f"{_ZONE}/email/routing"),
    "cloudflare_healthcheck": _one(f"{_ZONE}/healthchecks", "healthcheck_id", None),
    "cloudflare_healthchecks": _all(f"{_ZONE}/healthchecks"),
    "cloudflare_hostname_tls_setting": Source(f"{_ZONE}/hostnames/settings/{{setting_id}}", id_from="setting_id"),
    "cloudflare_hyperdrive_config": _one(f"{_ACCOUNT}/hyperdrive/configs", "hyperdrive_id", None),
    "cloudflare_hyperdrive_configs": _all(f"{_ACCOUNT}/hyperdrive/configs", None),
    "cloudflare_list_item": Source(f"{_ACCOUNT}/rules/lists/{{list_id}}/items/{{item_id}}"),
    "cloudflare_list_items": _all(f"{_ACCOUNT}/rules/lists/{{list_id}}/items", "cursor"),
    "cloudflare_lists": _all(f"{_ACCOUNT}/rules/lists", None),
    "cloudflare_logpush_job": _one("{scope}/logpush/jobs", "job_id", None),
    "cloudflare_logpush_jobs": _all("{scope}/logpush/jobs", None),
    "cloudflare_managed_transforms": _only(f"{_ZONE}/managed_headers"),
    "cloudflare_notification_policies": _all(f"{_ACCOUNT}/alerting/v3/policies", None),
    "cloudflare_notification_policy": _one(f"{_ACCOUNT}/alerting/v3/policies", "policy_id", None),
    "cloudflare_notification_policy_webhooks": _one(
        f"{_ACCOUNT}/alerting/v3/destinations/webhooks", "webhook_id", None
    ),
    "cloudflare_notification_policy_webhooks_list": _all(f"{_ACCOUNT}/alerting/v3/destinations/webhooks", None),
    "cloudflare_page_rule": _one(f"{_ZONE}/pagerules", "pagerule_id", None),
    "cloudflare_queue": _one(f"{_ACCOUNT}/queues", "queue_id", None),
    "cloudflare_queues": _all(f"{_ACCOUNT}/queues", None),
    "cloudflare_r2_bucket": _one(f"{_ACCOUNT}/r2/buckets", "bucket_name", None),
    "cloudflare_r2_bucket_cors": Source(f"{_BUCKET}/cors"),
    "cloudflare_r2_bucket_lifecycle": Source(f"{_BUCKET}/lifecycle"),
    "cloudflare_r2_bucket_lock": Source(f"{_BUCKET}/lock"),
    "cloudflare_r2_custom_domain": Source(f"{_BUCKET}/domains/custom/{{domain}}"),
    "cloudflare_regional_tiered_cache": _only(f"{_ZONE}/cache/regional_tiered_cache"),
    "cloudflare_ruleset": Source("{scope}/rulesets/{ruleset_id=id}"),
    "cloudflare_rulesets": _all("{scope}/rulesets", "cursor"),
    "cloudflare_secrets_store": _one(f"{_ACCOUNT}/secrets_store/stores", "store_id"),
    "cloudflare_secrets_stores": _all(f"{_ACCOUNT}/secrets_store/stores"),
    "cloudflare_secrets_store_secret": _one(f"{_ACCOUNT}/secrets_store/stores/{{store_id}}/secrets", "secret_id"),
    "cloudflare_secrets_store_secrets": _all(f"{_ACCOUNT}/secrets_store/stores/{{store_id}}/secrets"),
    "cloudflare_snippet_rules_list": _all(f"{_ZONE}/snippets/snippet_rules", None),
    "cloudflare_tiered_cache": _only(f"{_ZONE}/cache/tiered_cache_smart_topology_enable"),
    "cloudflare_total_tls": _only(f"{_ZONE}/acm/total_tls"),
    "cloudflare_turnstile_widget": _one(f"{_ACCOUNT}/challenges/widgets", "sitekey", "sitekey"),
    "cloudflare_turnstile_widgets": _all(f"{_ACCOUNT}/challenges/widgets"),
    "cloudflare_universal_ssl_setting": _only(f"{_ZONE}/ssl/universal/settings"),
    "cloudflare_url_normalization_settings": _only(f"{_ZONE}/url_normalization"),
    "cloudflare_web_analytics_site": _one(
        f"{_ACCOUNT}/rum/site_info", "site_id", "site_tag", find=f"{_ACCOUNT}/rum/site_info/list"
    ),
    "cloudflare_web_analytics_sites": _all(f"{_ACCOUNT}/rum/site_info/list"),
    "cloudflare_worker": _one(f"{_ACCOUNT}/workers/workers", "worker_id"),
    "cloudflare_workers": _all(f"{_ACCOUNT}/workers/workers"),
    "cloudflare_worker_version": _one(f"{_ACCOUNT}/workers/workers/{{worker_id}}/versions", "version_id", None),
    "cloudflare_worker_versions": _all(f"{_ACCOUNT}/workers/workers/{{worker_id}}/versions"),
    "cloudflare_workers_cron_trigger": Source(f"{_SCRIPT}/schedules", id_from="script_name"),
    "cloudflare_workers_custom_domain": _one(f"{_ACCOUNT}/workers/domains", "domain_id"),
    "cloudflare_workers_custom_domains": _all(f"{_ACCOUNT}/workers/domains", None),
    "cloudflare_workers_deployment": _one(f"{_SCRIPT}/deployments", "deployment_id", None),
    "cloudflare_workers_kv_namespace": _one(f"{_ACCOUNT}/storage/kv/namespaces", "namespace_id"),
    "cloudflare_workers_kv_namespaces": _all(f"{_ACCOUNT}/storage/kv/namespaces"),
    "cloudflare_workers_route": _one(f"{_ZONE}/workers/routes", "route_id", None),
    "cloudflare_workers_kv": _one(
        f"{_ACCOUNT}/storage/kv/namespaces/{{namespace_id}}/values", "key_name", None, whole="value"
    ),
    "cloudflare_workers_routes": _all(f"{_ZONE}/workers/routes", None),
    "cloudflare_workers_script_subdomain": Source(f"{_SCRIPT}/subdomain"),
    "cloudflare_workers_script": _one(f"{_ACCOUNT}/workers/scripts", "script_name", whole="script"),
    "cloudflare_workers_scripts": _all(f"{_ACCOUNT}/workers/scripts", None),
    "cloudflare_zero_trust_access_application": _one("{scope}/access/apps", "app_id"),
    "cloudflare_zero_trust_access_applications": _all("{scope}/access/apps"),
    "cloudflare_zero_trust_access_group": _one("{scope}/access/groups", "group_id"),
    "cloudflare_zero_trust_access_groups": _all("{scope}/access/groups"),
    "cloudflare_zero_trust_access_policies": _all(f"{_ACCOUNT}/access/policies"),
    "cloudflare_zero_trust_access_policy": _one(f"{_ACCOUNT}/access/policies", "policy_id", None),
    "cloudflare_zero_trust_access_service_token": _one("{scope}/access/service_tokens", "service_token_id"),
    "cloudflare_zero_trust_access_service_tokens": _all("{scope}/access/service_tokens"),
    "cloudflare_zone": Source("zones/{zone_id}", find="zones", found_to="zone_id", id_from="zone_id"),
    "cloudflare_zones": _all("zones"),
    "cloudflare_zone_cache_reserve": _only(f"{_ZONE}/cache/cache_reserve"),
    "cloudflare_zone_cache_variants": _only(f"{_ZONE}/cache/variants"),
    "cloudflare_zone_dns_settings": Source(f"{_ZONE}/dns_settings"),
    "cloudflare_zone_dnssec": _only(f"{_ZONE}/dnssec"),
    "cloudflare_zone_lockdown": _one(f"{_ZONE}/firewall/lockdowns", "lock_downs_id"),
    "cloudflare_zone_lockdowns": _all(f"{_ZONE}/firewall/lockdowns"),
    "cloudflare_zone_setting": Source(f"{_ZONE}/settings/{{setting_id}}", id_from="setting_id"),
}
