"""The zone's table: everything that Terraform takes can be said in environments.toml, and nothing that it refuses."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from deployer.adapters.templates import Templates
from deployer.errors import ConfigError
from deployer.inventory import model
from tests.support.inventory import ROOT, inventory, text

MODULES = ROOT / "terraform" / "modules"
HSTS = "hsts = { max_age = 31536000, include_subdomains = true, preload = true }\n"
MANAGED = 'managed_rules = ["cloudflare_managed", "owasp_core"]\n'
LIMIT = 'rate_limit = { path = "/api/", requests = 100, period = 60, timeout = 60 }\n'
CACHE = 'cache = [{ path = "/assets/", edge_ttl = 31536000, browser_ttl = 31536000 }]\n'
SETTINGS = next(line for line in text().splitlines(keepends=True) if line.startswith("settings = "))


def tfvars(*pairs: tuple[str, str]) -> dict[str, Any]:
    """What Terraform is given for production."""
    loaded = inventory(*pairs)
    values = {"inventory": loaded.inventory, "environment": loaded.environment("production")}
    return dict(json.loads(Templates(ROOT / "templates").render_json("terraform/zone.tfvars.json.j2", values)))


@pytest.mark.parametrize(
    ("line", "instead", "key", "given"),
    [
        (HSTS, "", "hsts", None),
        (LIMIT, "", "rate_limit", None),
        (MANAGED, "", "managed_rules", []),
        (CACHE, "", "cache", []),
        (SETTINGS, "", "settings", {}),
        (
            MANAGED,
            'managed_rules = ["cloudflare_free", "exposed_credentials", "0123456789abcdef0123456789abcdef"]\n',
            "managed_rules",
            ["cloudflare_free", "exposed_credentials", "0123456789abcdef0123456789abcdef"],
        ),
        (
            LIMIT,
            'rate_limit = { path = "/", requests = 1, period = 45, timeout = 0 }\n',
            "rate_limit",
            {"path": "/", "requests": 1, "period": 45, "timeout": 0},
        ),
        (CACHE, 'cache = [{ path = "/a" }]\n', "cache", [{"path": "/a", "edge_ttl": None, "browser_ttl": None}]),
        (
            CACHE,
            'cache = [{ path = "/a", edge_ttl = 5 }]\n',
            "cache",
            [{"path": "/a", "edge_ttl": 5, "browser_ttl": None}],
        ),
        (
            HSTS,
            "hsts = { max_age = 0, include_subdomains = false, preload = false, nosniff = false }\n",
            "hsts",
            {"max_age": 0, "include_subdomains": False, "preload": False, "nosniff": False},
        ),
    ],
)
def test_what_terraform_takes_can_be_said(line: str, instead: str, key: str, given: object) -> None:
    """Each optional form reaches Terraform without anybody editing Python."""
    assert tfvars((line, instead))[key] == given


@pytest.mark.parametrize(
    ("line", "instead", "message"),
    [
        (MANAGED, 'managed_rules = ["owasp"]\n', "or a ruleset's id"),
        (MANAGED, 'managed_rules = ["owasp_core", "owasp_core"]\n', "managed_rules names `owasp_core` twice"),
        (CACHE, 'cache = [{ path = "/a" }, { path = "/a" }]\n', "two cache rules have the path `/a`"),
        (CACHE, 'cache = [{ path = "/a", edge_ttl = 31536001 }]\n', "zone.cache[0].edge_ttl"),
        (CACHE, 'cache = [{ path = "/a\\" or true" }]\n', "letters, digits and . _ ~ / - only"),
        (LIMIT, 'rate_limit = { path = "/", requests = 1, period = 9, timeout = 0 }\n', "zone.rate_limit.period"),
        (HSTS, HSTS.replace("31536000", "31535999"), "`preload` needs include_subdomains"),
        (SETTINGS, "settings = { security_header = 1 }\n", "set by the table hsts"),
    ],
)
def test_what_terraform_refuses_is_refused_before_anything_starts(line: str, instead: str, message: str) -> None:
    """The same rules as the modules', with the place in the file."""
    with pytest.raises(ConfigError) as caught:
        inventory((line, instead)).environment("production")

    assert message in caught.value.message
    assert (caught.value.place or "").startswith("environments.toml:")


@pytest.mark.parametrize(
    ("module", "pattern"),
    [
        ("zone_security", model._ZONE_PATH),
        ("cache_rules", model._ZONE_PATH),
        ("zone_settings", model._SETTING),
    ],
)
def test_forms_are_those_of_the_modules(module: str, pattern: str) -> None:
    """A pattern that only one side changes is found here and not in the middle of a deploy."""
    assert f'regex("{pattern}"' in (MODULES / module / "variables.tf").read_text(encoding="utf-8")


def test_known_rulesets_are_those_of_the_module() -> None:
    """A ruleset that the module knows by name can be named in the inventory, and no other."""
    known = re.search(r"known_rulesets = \{(.*?)\}", (MODULES / "zone_security" / "main.tf").read_text(), re.DOTALL)
    assert known is not None
    names = re.findall(r"^\s*(\w+)\s*=", known.group(1), re.MULTILINE)

    assert names
    assert f"^({'|'.join(sorted(names))}|[0-9a-f]{{32}})$" == model._RULESET
