"""The life of every covered resource type of a zone, one row each: a new type is a new row."""
# ruff: noqa: E501 - a line of HCL is a line

from __future__ import annotations

from tests.contract.cloudflare_case import ZONE, Case

_WAF = """
  zone_id = local.zone
  name    = "custom"
  kind    = "zone"
  phase   = "http_request_firewall_custom"
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


ZONE_CASES = (
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
)
