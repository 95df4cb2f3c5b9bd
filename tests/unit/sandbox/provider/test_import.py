"""Import ids, as users type them."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.provider.diagnostics import Refused
from sandbox.provider.facts import schema
from sandbox.provider.hooks import Call
from sandbox.provider.http import Client
from sandbox.provider.operations import import_id, path_of
from sandbox.provider.table.resources import RESOURCES


def _import(name: str, text: str) -> dict[str, Any]:
    client = Client("http://127.0.0.1:9", {})
    return import_id(Call(RESOURCES[name], schema("resource", name), client, "import", {}), text)


@pytest.mark.parametrize(
    ("name", "text", "attributes"),
    [
        ("cloudflare_dns_record", "z/r", {"zone_id": "z", "id": "r"}),
        ("cloudflare_r2_bucket", "a/b/eu", {"account_id": "a", "name": "b", "jurisdiction": "eu"}),
        ("cloudflare_ruleset", "accounts/a/r", {"account_id": "a", "id": "r"}),
        ("cloudflare_ruleset", "zones/z/r", {"zone_id": "z", "id": "r"}),
        ("cloudflare_logpush_job", "zones/z/7", {"zone_id": "z", "id": 7}),
        ("cloudflare_workers_kv", "a/n/k%2F1", {"account_id": "a", "namespace_id": "n", "key_name": "k/1"}),
        ("cloudflare_zone_dnssec", "z", {"zone_id": "z"}),
    ],
)
def test_an_id_sets_attributes(name: str, text: str, attributes: dict[str, Any]) -> None:
    """Parts are separated by slashes and may be escaped."""
    assert _import(name, text) == attributes


@pytest.mark.parametrize(
    ("name", "text", "summary"),
    [
        ("cloudflare_dns_record", "r", "invalid ID"),
        ("cloudflare_ruleset", "z/r", "invalid ID"),
        ("cloudflare_ruleset", "users/u/r", "invalid discriminator segment"),
        ("cloudflare_r2_bucket_lock", "a/b", "Resource Import Not Implemented"),
    ],
)
def test_a_wrong_id_is_refused(name: str, text: str, summary: str) -> None:
    """In the official words."""
    with pytest.raises(Refused) as refused:
        _import(name, text)

    assert refused.value.diagnostic.summary.startswith(summary)


def test_an_empty_part_of_a_path_is_refused_before_any_request() -> None:
    """It would ask for something else."""
    with pytest.raises(Refused, match="missing required dns_record_id parameter"):
        path_of("zones/{zone_id}/dns_records/{dns_record_id=id}", {"zone_id": "z", "id": ""})


def test_a_path_escapes_what_would_end_a_part() -> None:
    """A slash in a key stays in its part."""
    assert path_of("values/{key_name}", {"key_name": "a/b c?"}) == "values/a%2Fb%20c%3F"
