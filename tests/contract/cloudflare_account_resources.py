"""The life of every covered resource type of an account, one row each: a new type is a new row."""
# ruff: noqa: E501 - a line of HCL is a line

from __future__ import annotations

from tests.contract.cloudflare_case import ACCOUNT, BUCKET, SCRIPT, WORKER, ZONE, Case

_UPLOADS = f"{ACCOUNT}\nbucket_name = cloudflare_r2_bucket.uploads.name"
_TOKEN_POLICY = """
  policies = [{
    effect            = "allow"
    permission_groups = [{ id = "c8fed203ed3043cba015a93ad1616f1f" }]
    resources         = jsonencode({ "com.cloudflare.api.account.zone.${local.zone}" = "*" })
  }]
"""

ACCOUNT_CASES = (
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
