"""The rules of this repository: each is silent on what the repository plans, and fires on what it is there for."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from deployer.engine.change import Action, Change
from deployer.review.view import Finding
from deployer.steps.policy import find_violations
from tests.support.inventory import inventory
from tests.support.planned import ENVIRONMENTS, recorded

LOADED = inventory()
Plan = dict[str, dict[str, Any]]
Edit = Callable[[Plan], None]


def findings(environment: str, shown: Plan, changes: tuple[Change, ...] = ()) -> tuple[Finding, ...]:
    """What the repository's rules say of a plan."""
    return find_violations(LOADED, LOADED.environment(environment), shown=shown, changes=changes)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_the_repository_plans_breaks_no_rule(environment: str) -> None:
    """Every resource of every stack, as it is created; nor does any rule meet a value that it cannot know yet."""
    assert findings(environment, recorded(environment)) == ()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nor_does_removing_a_few_things(environment: str) -> None:
    """A setting that is no longer managed and a binding that is no longer used are ordinary."""
    shown = recorded(environment)
    for plan in shown.values():
        for resource in plan["resource_changes"]:
            if resource["type"] == "cloudflare_workers_kv_namespace" or "websockets" in resource["address"]:
                _delete(resource)
    protected = [finding.rule for finding in findings(environment, shown) if finding.rule != "never_destroy"]

    assert protected == []


def added(stack: str, kind: str, **values: Any) -> Edit:
    """Plan one more resource."""

    def edit(shown: Plan) -> None:
        change = {"actions": ["create"], "after": values, "after_unknown": {"id": True}}
        entry = {"address": f"{kind}.more", "mode": "managed", "type": kind, "change": change}
        shown[stack]["resource_changes"].append(entry)

    return edit


def changed(part: str, **values: Any) -> Edit:
    """Give the resource with this in its address other values."""

    def edit(shown: Plan) -> None:
        _one(shown, part)["change"]["after"].update(values)

    return edit


def in_rules(part: str, **values: Any) -> Edit:
    """Give the last rule of a rule set other values."""

    def edit(shown: Plan) -> None:
        _one(shown, part)["change"]["after"]["rules"][-1].update(values)

    return edit


def deleted(part: str) -> Edit:
    """Delete the resource with this in its address."""
    return lambda shown: _delete(_one(shown, part))


def _one(shown: Plan, part: str) -> dict[str, Any]:
    found = [each for plan in shown.values() for each in plan["resource_changes"] if part in each["address"]]
    assert len(found) == 1, part
    entry: dict[str, Any] = found[0]
    return entry


def _delete(resource: dict[str, Any]) -> None:
    change = resource["change"]
    resource["change"] = {"actions": ["delete"], "before": change["after"], "after": None, "after_unknown": {}}


MANAGED = "ruleset.managed"
CASES: list[tuple[str, str, Edit]] = [
    ("routes-stay-home", "production", added("hosts", "cloudflare_workers_route", pattern="*.vibechecc.app/*")),
    ("routes-stay-home", "development", added("hosts", "cloudflare_workers_route", pattern="dev.vibechecc.app*")),
    ("routes-stay-home", "pr-12", added("hosts", "cloudflare_workers_route", pattern="*/*")),
    ("hosts-stay-home", "development", changed("custom_domain", hostname="www.vibechecc.app")),
    ("hosts-stay-home", "production", changed("custom_domain", hostname="*.vibechecc.app")),
    ("tls-version", "production", changed('"min_tls_version"', value="1.1")),
    (
        "tls-version",
        "production",
        added("zone", "cloudflare_hostname_tls_setting", setting_id="min_tls_version", value="1.0"),
    ),
    (
        "tls-version-of-buckets",
        "production",
        added("site", "cloudflare_r2_custom_domain", domain="files.vibechecc.app", enabled=False, min_tls="1.0"),
    ),
    (
        "tls-version-of-buckets",
        "production",
        added("site", "cloudflare_r2_custom_domain", domain="files.vibechecc.app", enabled=False),
    ),
    ("tls-on", "production", changed('"ssl"', value="flexible")),
    ("waf-rules-on", "production", in_rules(MANAGED, enabled=False)),
    ("waf-rules-on", "production", changed(MANAGED, rules=[])),
    ("waf-rules-on", "production", changed(MANAGED, rules=None)),
    ("waf-rules-on", "production", in_rules(MANAGED, action_parameters={"overrides": {"enabled": False}})),
    ("waf-rules-on", "production", in_rules(MANAGED, action_parameters={"overrides": {"action": "log"}})),
    ("waf-rules-apply", "production", in_rules(MANAGED, expression="false")),
    (
        "waf-not-skipped",
        "production",
        in_rules("rate_limit", action_parameters={"phases": ["http_request_firewall_managed"]}),
    ),
    ("waf-stays", "production", deleted(MANAGED)),
    ("security-level", "production", changed('"security_level"', value="essentially_off")),
    ("no-weak-spots", "production", added("zone", "cloudflare_page_rule", actions={"disable_security": True})),
    ("no-weak-spots", "production", in_rules("cache", action_parameters={"ssl": "off"})),
    (
        "no-public-bucket",
        "development",
        added("site", "cloudflare_r2_managed_domain", bucket_name="vibechecc-development-uploads", enabled=True),
    ),
    (
        "no-public-bucket",
        "pr-12",
        added("site", "cloudflare_r2_custom_domain", domain="pr-12.vibechecc.app", enabled=True, min_tls="1.2"),
    ),
    ("no-foreign-names", "development", changed("kv_namespace", title="vibechecc-production-cache")),
    ("no-foreign-names", "production", changed("r2_bucket", name="vibechecc-development-uploads")),
    ("no-foreign-names", "pr-12", changed("custom_domain", service="vibechecc-pr-1")),
    ("no-foreign-names", "development", changed("custom_domain", hostname="vibechecc.app")),
    ("names-of-the-number", "pr-12", changed("cloudflare_worker.", name="vibechecc-preview")),
    ("names-of-the-number", "pr-12", changed("kv_namespace", title="vibechecc-pr-120-cache")),
    ("names-of-the-number", "pr-12", added("hosts", "cloudflare_dns_record", name="preview.vibechecc.app")),
    ("zone-has-one-owner", "pr-12", added("site", "cloudflare_zone_setting", setting_id="websockets", value="off")),
    ("zone-has-one-owner", "development", added("site", "cloudflare_ruleset", name="mine", phase="http_ratelimit")),
]


@pytest.mark.parametrize(("rule", "environment", "edit"), CASES, ids=[f"{rule}-{env}" for rule, env, _ in CASES])
def test_a_rule_fires(rule: str, environment: str, edit: Edit) -> None:
    """On what it is there for; the finding is an error, and tells where in the inventory the rule stands."""
    shown = copy.deepcopy(recorded(environment))
    edit(shown)
    found = [finding for finding in findings(environment, shown) if finding.rule == rule]

    assert [finding.severity for finding in found] == ["error"] * max(1, len(found))
    lines = inventory_lines()
    number = int(found[0].place.removeprefix("environments.toml:"))
    assert lines[number - 2] == f"[defaults.policy.{rule}]"
    assert lines[number - 1].startswith("reason")


def inventory_lines() -> list[str]:
    """The lines of environments.toml."""
    from tests.support.inventory import text

    return text().splitlines()


@pytest.mark.parametrize(
    ("environment", "most", "severity"), [("development", 5, "warning"), ("production", 10, "error")]
)
def test_few_deletions(environment: str, most: int, severity: str) -> None:
    """As many as the inventory allows pass; one more is said, and stops production."""
    gone = tuple(Change(action=Action.DELETE, address=f"convex:V{number}", summary="") for number in range(most + 1))

    assert findings(environment, {}, gone[:-1]) == ()
    assert [(found.rule, found.severity) for found in findings(environment, {}, gone)] == [("few-deletions", severity)]


def test_every_rule_of_the_inventory_is_tried() -> None:
    """A rule that nobody has seen fire is none."""
    rules = {rule for name in ENVIRONMENTS for rule in LOADED.environment(name).policy}

    assert rules == {rule for rule, _, _ in CASES} | {"few-deletions"}


@pytest.mark.parametrize(
    "part", ['r2_bucket.this["UPLOADS"]', 'kv_namespace.this["CACHE"]', "zone_dnssec", "ruleset.managed"]
)
def test_production_keeps_what_is_protected(part: str) -> None:
    """Data and the zone: a plan that deletes one has a finding that no approval takes away."""
    shown = recorded("production")
    stack = next(
        name for name, plan in shown.items() if any(part in each["address"] for each in plan["resource_changes"])
    )
    address = f"{stack}:{_one(shown, part)['address']}"
    change = Change(action=Action.REPLACE, address=address, summary="")

    found = [finding for finding in findings("production", shown, (change,)) if finding.rule == "never_destroy"]
    assert [finding.where for finding in found] == [address]
    assert findings("development", recorded("development"), (change,)) == ()
