"""Data sources through real Terraform: each one reads from the stand-in what a resource has made there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.account import Account
from tests.support.either_provider import REQUIRED, provider_environment
from tests.support.sandbox import running_sandbox
from tests.support.terraform import Terraform

ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353"
SEED = {"schema": 1, "account": {"id": ACCOUNT, "name": "vibechecc"}, "zones": ["vibechecc.app"]}
MADE = (
    REQUIRED
    + """
locals {
  account = "023e105f4ecef8ad9ca31a8372d0c353"
  zone    = data.cloudflare_zone.this.zone_id
}
data "cloudflare_zone" "this" {
  filter = { name = "vibechecc.app", status = "active" }
}
resource "cloudflare_workers_kv_namespace" "this" {
  account_id = local.account
  title      = "cache"
}
resource "cloudflare_r2_bucket" "this" {
  account_id = local.account
  name       = "uploads"
}
resource "cloudflare_queue" "this" {
  account_id = local.account
  queue_name = "jobs"
}
resource "cloudflare_d1_database" "this" {
  account_id = local.account
  name       = "main"
}
resource "cloudflare_dns_record" "this" {
  zone_id = local.zone
  name    = "api.vibechecc.app"
  type    = "A"
  content = "192.0.2.1"
  ttl     = 300
}
resource "cloudflare_healthcheck" "this" {
  zone_id = local.zone
  name    = "origin"
  address = "origin.vibechecc.app"
}
resource "cloudflare_ruleset" "this" {
  zone_id = local.zone
  name    = "waf"
  kind    = "zone"
  phase   = "http_request_firewall_custom"
  rules   = [{ ref = "a", action = "block", expression = "true" }]
}
resource "cloudflare_notification_policy_webhooks" "this" {
  account_id = local.account
  name       = "hook"
  url        = "https://hooks.example.test/a"
}
resource "cloudflare_notification_policy" "this" {
  account_id = local.account
  name       = "tls"
  alert_type = "universal_ssl_event_type"
  mechanisms = { webhooks = [{ id = cloudflare_notification_policy_webhooks.this.id }] }
}
resource "cloudflare_workers_script" "this" {
  account_id  = local.account
  script_name = "web"
  main_module = "index.js"
  content     = "export default { fetch() { return new Response('one') } }"
}
resource "cloudflare_workers_custom_domain" "this" {
  account_id = local.account
  hostname   = "web.vibechecc.app"
  service    = cloudflare_workers_script.this.script_name
  zone_id    = local.zone
}
resource "cloudflare_workers_route" "this" {
  zone_id = local.zone
  pattern = "vibechecc.app/*"
  script  = cloudflare_workers_script.this.script_name
}
"""
)
_IN_ACCOUNT = "account_id = local.account"
_IN_ZONE = "zone_id = local.zone"
# Type, body, an attribute (or an expression in which `{}` is the data source), and its value.
SOURCES = (
    ("zone", "zone_id = local.zone", "name", "vibechecc.app"),
    ("zones", 'name = "vibechecc.app"', "result[0].status", "active"),
    ("account", _IN_ACCOUNT, "name", "vibechecc"),
    ("accounts", "", "result[0].id", ACCOUNT),
    ("account_api_token_permission_groups_list", f'{_IN_ACCOUNT}\nname = "DNS Write"', "result[0].name", "DNS Write"),
    (
        "workers_kv_namespace",
        f"{_IN_ACCOUNT}\nnamespace_id = cloudflare_workers_kv_namespace.this.id",
        "title",
        "cache",
    ),
    ("workers_kv_namespaces", _IN_ACCOUNT, "result[0].title", "cache"),
    ("r2_bucket", f"{_IN_ACCOUNT}\nbucket_name = cloudflare_r2_bucket.this.name", "location", "WEUR"),
    ("queue", f"{_IN_ACCOUNT}\nqueue_id = cloudflare_queue.this.id", "queue_name", "jobs"),
    ("queues", _IN_ACCOUNT, "result[0].queue_name", "jobs"),
    ("d1_database", f"{_IN_ACCOUNT}\ndatabase_id = cloudflare_d1_database.this.id", "name", "main"),
    ("dns_record", f"{_IN_ZONE}\ndns_record_id = cloudflare_dns_record.this.id", "content", "192.0.2.1"),
    ("dns_records", f'{_IN_ZONE}\ntype = "A"', "result[0].name", "api.vibechecc.app"),
    ("healthcheck", f"{_IN_ZONE}\nhealthcheck_id = cloudflare_healthcheck.this.id", "status", "unknown"),
    ("ruleset", f"{_IN_ZONE}\nid = cloudflare_ruleset.this.id", "rules[0].ref", "a"),
    ("rulesets", _IN_ZONE, 'one([for r in {}.result : r.name if r.kind == "zone"])', "waf"),
    ("notification_policy", f"{_IN_ACCOUNT}\npolicy_id = cloudflare_notification_policy.this.id", "name", "tls"),
    ("notification_policies", _IN_ACCOUNT, "result[0].name", "tls"),
    ("worker", f'{_IN_ACCOUNT}\nworker_id = "web"', "name", "web"),
    ("workers", _IN_ACCOUNT, "result[0].name", "web"),
    ("workers_custom_domains", _IN_ACCOUNT, "result[0].hostname", "web.vibechecc.app"),
    ("workers_routes", _IN_ZONE, "result[0].pattern", "vibechecc.app/*"),
    ("workers_script_subdomain", f'{_IN_ACCOUNT}\nscript_name = "web"', "enabled", False),
    ("zone_setting", f'{_IN_ZONE}\nsetting_id = "ssl"', "value", "full"),
    ("zone_dnssec", _IN_ZONE, "status", "disabled"),
    ("tiered_cache", _IN_ZONE, "value", "off"),
)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """A sandbox with what Terraform talks to."""
    home = tmp_path_factory.mktemp("sandbox")
    with running_sandbox(home, seed=SEED, only=("cloudflare", "s3", "provider")) as running:
        yield Account(running, ACCOUNT)


def _block(kind: str, body: str, said: str) -> str:
    source = f"data.cloudflare_{kind}.read"
    expression = said.format(source) if "{}" in said else f"{source}.{said}"
    output = f'output "{kind}" {{\n  value = {expression}\n}}\n'
    return f'data "cloudflare_{kind}" "read" {{\n{body}\n}}\n{output}'


def test_data_sources(account: Account, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Each reads what is there, and a second plan has nothing to do."""
    wanted = request.config.getoption("--provider")
    environment = provider_environment(wanted, account.sandbox.environment, tmp_path / "provider")
    folder = tmp_path / "code"
    folder.mkdir()
    terraform = Terraform(folder=folder, work=folder / ".work", environment=environment)
    (folder / "main.tf").write_text(MADE)
    terraform.init()
    terraform.run("apply", "-auto-approve", "-no-color")
    (folder / "read.tf").write_text("\n".join(_block(kind, body, said) for kind, body, said, _ in SOURCES))
    terraform.run("apply", "-auto-approve", "-no-color")
    outputs: dict[str, Any] = {name: output["value"] for name, output in terraform.json("output", "-json").items()}
    assert outputs == {kind: value for kind, _, _, value in SOURCES}
    terraform.run("plan", "-detailed-exitcode", "-no-color")
    strange = [entry["path"] for entry in account.sandbox.requests() if entry["unknown"]]
    assert not strange
