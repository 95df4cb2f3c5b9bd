"""The life of every Terraform resource type that the sandbox covers, one row each: a new type is a new row.

`first` and `second` are the bodies of the resource `this`; `before` is what it needs; `import_id` may use `{account}`,
`{zone}` and attributes of the resource. `imported`: whether a plan after the import is empty, or an update by the
provider's design, or import is not implemented. `leaves`: tables of the stand-in in which something stays after
destroy, because the provider sends no request.
"""
# ruff: noqa: E501 - a line of HCL is a line

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Case:
    """One resource type, or one way to use it."""

    type: str
    first: str
    second: str
    import_id: str = ""
    imported: Literal["clean", "update", "no"] = "clean"
    before: str = ""
    leaves: tuple[str, ...] = ()
    variant: str = ""

    @property
    def id(self) -> str:
        """The test's name."""
        return self.type.removeprefix("cloudflare_") + (f"-{self.variant}" if self.variant else "")


ACCOUNT = "account_id = local.account"
ZONE = "zone_id = local.zone"
SCRIPT = """
resource "cloudflare_workers_script" "web" {
  account_id  = local.account
  script_name = "web"
  main_module = "index.js"
  content     = "export default { fetch() { return new Response('one') } }"
}
"""
WORKER = """
resource "cloudflare_worker" "web" {
  account_id = local.account
  name       = "web"
}
"""
BUCKET = """
resource "cloudflare_r2_bucket" "uploads" {
  account_id = local.account
  name       = "uploads"
}
"""
_UPLOADS = f"{ACCOUNT}\nbucket_name = cloudflare_r2_bucket.uploads.name"
_WAF = """
  zone_id = local.zone
  name    = "custom"
  kind    = "zone"
  phase   = "http_request_firewall_custom"
"""
_TOKEN_POLICY = """
  policies = [{
    effect            = "allow"
    permission_groups = [{ id = "c8fed203ed3043cba015a93ad1616f1f" }]
    resources         = jsonencode({ "com.cloudflare.api.account.zone.${local.zone}" = "*" })
  }]
"""


def _setting(variant: str, setting: str, first: str, second: str) -> Case:
    return Case(
        type="cloudflare_zone_setting",
        variant=variant,
        first=f'{ZONE}\nsetting_id = "{setting}"\nvalue = {first}',
        second=f'{ZONE}\nsetting_id = "{setting}"\nvalue = {second}',
        import_id=f"{{zone}}/{setting}",
        leaves=("zone_settings",),
    )


def _switch(kind: str, *, leaves: str = "") -> Case:
    return Case(
        type=f"cloudflare_{kind}",
        first=f'{ZONE}\nvalue = "on"',
        second=f'{ZONE}\nvalue = "off"',
        import_id="{zone}",
        leaves=(leaves,) if leaves else (),
    )


CASES = (
    Case(
        type="cloudflare_dns_record",
        variant="a",
        first=f'{ZONE}\nname = "api"\ntype = "A"\ncontent = "192.0.2.1"\nttl = 300',
        second=f'{ZONE}\nname = "api"\ntype = "A"\ncontent = "192.0.2.2"\nttl = 60\ncomment = "moved"',
        import_id="{zone}/{id}",
    ),
    Case(
        type="cloudflare_dns_record",
        variant="cname",
        first=f'{ZONE}\nname = "www.vibechecc.app"\ntype = "CNAME"\ncontent = "a.example.net"\nttl = 1\nproxied = true',
        second=f'{ZONE}\nname = "www.vibechecc.app"\ntype = "CNAME"\ncontent = "b.example.net"\nttl = 1\nproxied = true',
        import_id="{zone}/{id}",
    ),
    Case(
        type="cloudflare_dns_record",
        variant="mx",
        first=f'{ZONE}\nname = "vibechecc.app"\ntype = "MX"\ncontent = "mx.example.net"\nttl = 1\npriority = 10',
        second=f'{ZONE}\nname = "vibechecc.app"\ntype = "MX"\ncontent = "mx.example.net"\nttl = 1\npriority = 20',
        import_id="{zone}/{id}",
    ),
    Case(
        type="cloudflare_dns_record",
        variant="caa",
        first=f'{ZONE}\nname = "vibechecc.app"\ntype = "CAA"\nttl = 1\n'
        'data = { flags = 0, tag = "issue", value = "ca.example" }',
        second=f'{ZONE}\nname = "vibechecc.app"\ntype = "CAA"\nttl = 1\n'
        'data = { flags = 0, tag = "issue", value = "other.example" }',
        import_id="{zone}/{id}",
    ),
    Case(
        type="cloudflare_dns_record",
        variant="txt",
        first=f'{ZONE}\nname = "_dmarc"\ntype = "TXT"\ncontent = "\\"v=DMARC1\\""\nttl = 1\ntags = ["team:web"]',
        second=f'{ZONE}\nname = "_dmarc"\ntype = "TXT"\ncontent = "\\"v=DMARC1; p=none\\""\nttl = 1',
        import_id="{zone}/{id}",
    ),
    Case(
        type="cloudflare_zone",
        first='account = { id = local.account }\nname = "other.example"\ntype = "full"',
        second='account = { id = local.account }\nname = "other.example"\ntype = "full"\npaused = true',
        import_id="{id}",
    ),
    _setting("ssl", "ssl", '"strict"', '"full"'),
    _setting("number", "browser_cache_ttl", "0", "3600"),
    _setting(
        "hsts",
        "security_header",
        "{ strict_transport_security = { enabled = true, max_age = 86400, include_subdomains = true, preload = false, nosniff = true } }",
        "{ strict_transport_security = { enabled = true, max_age = 31536000, include_subdomains = true, preload = true, nosniff = true } }",
    ),
    Case(
        type="cloudflare_zone_dnssec",
        first=f'{ZONE}\nstatus = "active"',
        second=f'{ZONE}\nstatus = "disabled"',
        import_id="{zone}",
    ),
    _switch("tiered_cache"),
    _switch("regional_tiered_cache", leaves="regional_tiered_cache"),
    _switch("argo_smart_routing", leaves="argo_smart_routing"),
    _switch("argo_tiered_caching", leaves="argo_tiered_caching"),
    _switch("zone_cache_reserve", leaves="cache_reserve"),
    Case(
        type="cloudflare_zone_cache_variants",
        first=f'{ZONE}\nvalue = {{ jpeg = ["image/webp"] }}',
        second=f'{ZONE}\nvalue = {{ jpeg = ["image/webp", "image/avif"] }}',
        import_id="{zone}",
    ),
    Case(
        type="cloudflare_universal_ssl_setting",
        first=f"{ZONE}\nenabled = false",
        second=f"{ZONE}\nenabled = true",
        import_id="{zone}",
        leaves=("universal_ssl",),
    ),
    Case(
        type="cloudflare_total_tls",
        first=f'{ZONE}\nenabled = true\ncertificate_authority = "lets_encrypt"',
        second=f'{ZONE}\nenabled = false\ncertificate_authority = "google"',
        import_id="{zone}",
        leaves=("total_tls",),
    ),
    Case(
        type="cloudflare_url_normalization_settings",
        first=f'{ZONE}\ntype = "cloudflare"\nscope = "both"',
        second=f'{ZONE}\ntype = "rfc3986"\nscope = "incoming"',
        import_id="{zone}",
    ),
    Case(
        type="cloudflare_bot_management",
        first=f'{ZONE}\nenable_js = true\nfight_mode = true\nai_bots_protection = "block"\nis_robots_txt_managed = false',
        second=f'{ZONE}\nenable_js = true\nfight_mode = false\nai_bots_protection = "block"\nis_robots_txt_managed = true',
        import_id="{zone}",
        leaves=("bot_management",),
    ),
    Case(
        type="cloudflare_managed_transforms",
        first=f'{ZONE}\nmanaged_request_headers = [{{ id = "add_visitor_location_headers", enabled = true }}]\n'
        "managed_response_headers = []",
        second=f'{ZONE}\nmanaged_request_headers = [{{ id = "add_visitor_location_headers", enabled = true }}]\n'
        'managed_response_headers = [{ id = "add_security_headers", enabled = true }]',
        import_id="{zone}",
    ),
    Case(
        type="cloudflare_healthcheck",
        first=f'{ZONE}\nname = "origin"\naddress = "origin.vibechecc.app"',
        second=f'{ZONE}\nname = "origin"\naddress = "origin.vibechecc.app"\ntype = "HTTPS"\ninterval = 120\n'
        'http_config = { port = 443, path = "/health", expected_codes = ["200"] }',
        import_id="{zone}/{id}",
    ),
    Case(
        type="cloudflare_zone_lockdown",
        first=f'{ZONE}\nurls = ["vibechecc.app/admin/*"]\nconfigurations = [{{ target = "ip", value = "198.51.100.4" }}]',
        second=f'{ZONE}\nurls = ["vibechecc.app/admin/*"]\nconfigurations = [{{ target = "ip", value = "198.51.100.5" }}]',
        import_id="{zone}/{id}",
    ),
    Case(
        type="cloudflare_ruleset",
        variant="waf",
        first=_WAF + 'rules = [{ ref = "a", action = "block", expression = "(http.user_agent contains \\"bad\\")" }]',
        second=_WAF
        + 'rules = [{ ref = "b", action = "log", expression = "true" },'
        + ' { ref = "a", action = "block", expression = "(http.user_agent contains \\"worse\\")" }]',
        import_id="zones/{zone}/{id}",
    ),
    Case(
        type="cloudflare_ruleset",
        variant="managed",
        first=f'{ZONE}\nname = "managed"\nkind = "zone"\nphase = "http_request_firewall_managed"\n'
        'rules = [{ action = "execute", expression = "true", action_parameters = { id = "efb7b8c949ac4650a09736fc376e9aee" } }]',
        second=f'{ZONE}\nname = "managed"\nkind = "zone"\nphase = "http_request_firewall_managed"\n'
        'rules = [{ action = "execute", expression = "true", action_parameters = { id = "4814384a9e5d4991b9815dcfc25d2f1f" } }]',
        import_id="zones/{zone}/{id}",
    ),
    Case(
        type="cloudflare_ruleset",
        variant="rate-limit",
        first=f'{ZONE}\nname = "rate"\nkind = "zone"\nphase = "http_ratelimit"\nrules = [{{ ref = "api", action = "block", '
        'expression = "(starts_with(http.request.uri.path, \\"/api/\\"))", ratelimit = { characteristics = ["cf.colo.id", "ip.src"], '
        "period = 60, requests_per_period = 100, mitigation_timeout = 60 } }]",
        second=f'{ZONE}\nname = "rate"\nkind = "zone"\nphase = "http_ratelimit"\nrules = [{{ ref = "api", action = "block", '
        'expression = "(starts_with(http.request.uri.path, \\"/api/\\"))", ratelimit = { characteristics = ["cf.colo.id", "ip.src"], '
        "period = 60, requests_per_period = 50, mitigation_timeout = 60 } }]",
        import_id="zones/{zone}/{id}",
    ),
    Case(
        type="cloudflare_ruleset",
        variant="cache",
        first=f'{ZONE}\nname = "cache"\nkind = "zone"\nphase = "http_request_cache_settings"\nrules = [{{ ref = "assets", '
        'action = "set_cache_settings", expression = "true", action_parameters = { cache = true, '
        'edge_ttl = { mode = "override_origin", default = 60 }, browser_ttl = { mode = "respect_origin" } } }]',
        second=f'{ZONE}\nname = "cache"\nkind = "zone"\nphase = "http_request_cache_settings"\nrules = [{{ ref = "assets", '
        'action = "set_cache_settings", expression = "true", action_parameters = { cache = true, '
        'edge_ttl = { mode = "override_origin", default = 120 }, browser_ttl = { mode = "respect_origin" } } }]',
        import_id="zones/{zone}/{id}",
    ),
    Case(
        type="cloudflare_ruleset",
        variant="account",
        first=f'{ACCOUNT}\nname = "shared"\nkind = "custom"\nphase = "http_request_firewall_custom"\n'
        'rules = [{ ref = "a", action = "block", expression = "(ip.src eq 192.0.2.1)" }]',
        second=f'{ACCOUNT}\nname = "shared"\nkind = "custom"\nphase = "http_request_firewall_custom"\n'
        'rules = [{ ref = "a", action = "block", expression = "(ip.src eq 192.0.2.2)" }]',
        import_id="accounts/{account}/{id}",
    ),
    Case(
        type="cloudflare_workers_kv_namespace",
        first=f'{ACCOUNT}\ntitle = "cache"',
        second=f'{ACCOUNT}\ntitle = "sessions"',
        import_id="{account}/{id}",
    ),
    Case(
        type="cloudflare_queue",
        first=f'{ACCOUNT}\nqueue_name = "jobs"',
        second=f'{ACCOUNT}\nqueue_name = "tasks"\nsettings = {{ delivery_delay = 5, message_retention_period = 86400 }}',
        import_id="{account}/{id}",
    ),
    Case(
        type="cloudflare_d1_database",
        first=f'{ACCOUNT}\nname = "main"',
        second=f'{ACCOUNT}\nname = "main"\nread_replication = {{ mode = "auto" }}',
        import_id="{account}/{id}",
    ),
    Case(
        type="cloudflare_r2_bucket",
        first=f'{ACCOUNT}\nname = "files"\nlocation = "weur"',
        second=f'{ACCOUNT}\nname = "files"\nlocation = "weur"\nstorage_class = "InfrequentAccess"',
        import_id="{account}/{name}/default",
    ),
    Case(
        type="cloudflare_r2_bucket",
        variant="eu",
        first=f'{ACCOUNT}\nname = "files"\njurisdiction = "eu"',
        second=f'{ACCOUNT}\nname = "files"\njurisdiction = "eu"\nstorage_class = "InfrequentAccess"',
        import_id="{account}/{name}/eu",
    ),
    Case(
        type="cloudflare_r2_bucket_lifecycle",
        before=BUCKET,
        first=f'{_UPLOADS}\nrules = [{{ id = "tmp", enabled = true, conditions = {{ prefix = "tmp/" }}, '
        'delete_objects_transition = { condition = { type = "Age", max_age = 604800 } } }]',
        second=f'{_UPLOADS}\nrules = [{{ id = "tmp", enabled = false, conditions = {{ prefix = "tmp/" }}, '
        'delete_objects_transition = { condition = { type = "Age", max_age = 86400 } } }]',
        imported="no",
    ),
    Case(
        type="cloudflare_r2_bucket_lock",
        before=BUCKET,
        first=f'{_UPLOADS}\nrules = [{{ id = "keep", enabled = true, prefix = "audit/", '
        'condition = { type = "Age", max_age_seconds = 86400 } }]',
        second=f'{_UPLOADS}\nrules = [{{ id = "keep", enabled = true, prefix = "audit/", condition = {{ type = "Indefinite" }} }}]',
        imported="no",
    ),
    Case(
        type="cloudflare_r2_bucket_cors",
        before=BUCKET,
        first=f'{_UPLOADS}\nrules = [{{ allowed = {{ methods = ["GET"], origins = ["https://vibechecc.app"] }} }}]',
        second=f'{_UPLOADS}\nrules = [{{ allowed = {{ methods = ["GET", "PUT"], origins = ["https://vibechecc.app"] }} }}]',
        imported="no",
    ),
    Case(
        type="cloudflare_r2_custom_domain",
        before=BUCKET,
        first=f'{_UPLOADS}\ndomain = "cdn.vibechecc.app"\nenabled = true\nzone_id = local.zone\nmin_tls = "1.2"',
        second=f'{_UPLOADS}\ndomain = "cdn.vibechecc.app"\nenabled = false\nzone_id = local.zone\nmin_tls = "1.3"',
        imported="no",
    ),
    Case(
        type="cloudflare_r2_managed_domain",
        before=BUCKET,
        first=f"{_UPLOADS}\nenabled = true",
        second=f"{_UPLOADS}\nenabled = false",
        imported="no",
    ),
    Case(
        type="cloudflare_notification_policy_webhooks",
        first=f'{ACCOUNT}\nname = "hook"\nurl = "https://hooks.example.test/a"\nsecret = "dummy"',
        second=f'{ACCOUNT}\nname = "hook"\nurl = "https://hooks.example.test/b"\nsecret = "dummy"',
        import_id="{account}/{id}",
        imported="update",
    ),
    Case(
        type="cloudflare_notification_policy",
        first=f'{ACCOUNT}\nname = "tls"\nalert_type = "universal_ssl_event_type"\n'
        'mechanisms = { email = [{ id = "ops@example.test" }] }',
        second=f'{ACCOUNT}\nname = "tls"\nalert_type = "universal_ssl_event_type"\nenabled = false\n'
        'mechanisms = { email = [{ id = "ops@example.test" }] }',
        import_id="{account}/{id}",
    ),
    Case(
        type="cloudflare_account_token",
        first=f'{ACCOUNT}\nname = "ci"\n{_TOKEN_POLICY}',
        second=f'{ACCOUNT}\nname = "ci renamed"\n{_TOKEN_POLICY}',
        import_id="{account}/{id}",
    ),
    Case(
        type="cloudflare_api_token",
        first=f'name = "ci"\n{_TOKEN_POLICY}',
        second=f'name = "ci renamed"\n{_TOKEN_POLICY}',
        import_id="{id}",
    ),
    Case(
        type="cloudflare_zero_trust_access_policy",
        first=f'{ACCOUNT}\nname = "staff"\ndecision = "allow"\ninclude = [{{ email_domain = {{ domain = "example.test" }} }}]',
        second=f'{ACCOUNT}\nname = "staff"\ndecision = "allow"\ninclude = [{{ everyone = {{}} }}]\nsession_duration = "12h"',
        import_id="{account}/{id}",
    ),
    Case(
        type="cloudflare_zero_trust_access_service_token",
        first=f'{ACCOUNT}\nname = "ci"',
        second=f'{ACCOUNT}\nname = "ci"\nduration = "17520h"',
        import_id="accounts/{account}/{id}",
        imported="update",
    ),
    Case(
        type="cloudflare_workers_script",
        first=f'{ACCOUNT}\nscript_name = "site"\nmain_module = "index.js"\ncompatibility_date = "2026-01-01"\n'
        "content = \"export default { fetch() { return new Response('one') } }\"\n"
        'bindings = [{ name = "GREETING", type = "plain_text", text = "hello" }, { name = "KEY", type = "secret_text", text = "dummy" }]',
        second=f'{ACCOUNT}\nscript_name = "site"\nmain_module = "index.js"\ncompatibility_date = "2026-01-01"\n'
        "content = \"export default { fetch() { return new Response('two') } }\"\n"
        'bindings = [{ name = "GREETING", type = "plain_text", text = "hi" }, { name = "KEY", type = "secret_text", text = "dummy" }]',
        import_id="{account}/site",
        imported="update",
    ),
    Case(
        type="cloudflare_workers_script",
        variant="observed",
        first=f'{ACCOUNT}\nscript_name = "site"\nmain_module = "index.js"\ncontent = "export default {{}}"\nlogpush = true\n'
        "observability = { enabled = true, head_sampling_rate = 0.5, logs = { enabled = true, invocation_logs = true } }",
        second=f'{ACCOUNT}\nscript_name = "site"\nmain_module = "index.js"\ncontent = "export default {{}}"',
        import_id="{account}/site",
        imported="update",
    ),
    Case(
        type="cloudflare_worker",
        first=f'{ACCOUNT}\nname = "site"',
        second=f'{ACCOUNT}\nname = "site"\ntags = ["team:web"]\nobservability = {{ enabled = true, head_sampling_rate = 0.5, '
        "logs = { enabled = true, invocation_logs = true, head_sampling_rate = 0.5, destinations = [], persist = true } }",
        import_id="{account}/{id}",
    ),
    Case(
        type="cloudflare_worker_version",
        before=WORKER,
        first=f'{ACCOUNT}\nworker_id = cloudflare_worker.web.id\ncompatibility_date = "2026-01-01"\nmain_module = "index.js"\n'
        'modules = [{ name = "index.js", content_type = "application/javascript+module", '
        "content_base64 = base64encode(\"export default { fetch() { return new Response('one') } }\") }]",
        second=f'{ACCOUNT}\nworker_id = cloudflare_worker.web.id\ncompatibility_date = "2026-01-01"\nmain_module = "index.js"\n'
        'modules = [{ name = "index.js", content_type = "application/javascript+module", '
        "content_base64 = base64encode(\"export default { fetch() { return new Response('two') } }\") }]",
        import_id="{account}/{worker_id}/{id}",
    ),
    Case(
        type="cloudflare_workers_deployment",
        before=WORKER
        + """
resource "cloudflare_worker_version" "web" {
  for_each           = toset(["one", "two"])
  account_id         = local.account
  worker_id          = cloudflare_worker.web.id
  compatibility_date = "2026-01-01"
  main_module        = "index.js"
  modules = [{
    name           = "index.js"
    content_type   = "application/javascript+module"
    content_base64 = base64encode("export default { fetch() { return new Response('${each.key}') } }")
  }]
}
""",
        first=f'{ACCOUNT}\nscript_name = cloudflare_worker.web.name\nstrategy = "percentage"\n'
        'versions = [{ version_id = cloudflare_worker_version.web["one"].id, percentage = 100 }]',
        second=f'{ACCOUNT}\nscript_name = cloudflare_worker.web.name\nstrategy = "percentage"\n'
        'versions = [{ version_id = cloudflare_worker_version.web["one"].id, percentage = 90 }, '
        '{ version_id = cloudflare_worker_version.web["two"].id, percentage = 10 }]',
        import_id="{account}/web/{id}",
    ),
    Case(
        type="cloudflare_workers_route",
        before=SCRIPT,
        first=f'{ZONE}\npattern = "vibechecc.app/*"\nscript = cloudflare_workers_script.web.script_name',
        second=f'{ZONE}\npattern = "vibechecc.app/v1/*"\nscript = cloudflare_workers_script.web.script_name',
        import_id="{zone}/{id}",
    ),
    Case(
        type="cloudflare_workers_custom_domain",
        before=SCRIPT,
        first=f'{ACCOUNT}\nhostname = "app.vibechecc.app"\nservice = cloudflare_workers_script.web.script_name\nzone_id = local.zone',
        second=f'{ACCOUNT}\nhostname = "www.vibechecc.app"\nservice = cloudflare_workers_script.web.script_name\nzone_id = local.zone',
        import_id="{account}/{id}",
    ),
    Case(
        type="cloudflare_workers_cron_trigger",
        before=SCRIPT,
        first=f'{ACCOUNT}\nscript_name = cloudflare_workers_script.web.script_name\nschedules = [{{ cron = "*/5 * * * *" }}]',
        second=f'{ACCOUNT}\nscript_name = cloudflare_workers_script.web.script_name\nschedules = [{{ cron = "0 3 * * *" }}]',
        import_id="{account}/web",
        imported="update",
    ),
    Case(
        type="cloudflare_workers_script_subdomain",
        before=SCRIPT,
        first=f"{ACCOUNT}\nscript_name = cloudflare_workers_script.web.script_name\nenabled = true\npreviews_enabled = false",
        second=f"{ACCOUNT}\nscript_name = cloudflare_workers_script.web.script_name\nenabled = false\npreviews_enabled = false",
        import_id="{account}/web",
    ),
)
