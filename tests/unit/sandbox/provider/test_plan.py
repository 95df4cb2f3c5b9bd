"""Plans: defaults, what only the apply will know, what replaces."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.provider.diagnostics import Diagnostics, Refused
from sandbox.provider.facts import schema
from sandbox.provider.provider import Provider
from sandbox.provider.table.resources import RESOURCES
from sandbox.provider.values import UNKNOWN


def _plan(name: str, config: dict[str, Any], state: dict[str, Any] | None = None) -> Any:
    empty = schema("resource", name).empty()
    full = {**empty, **config}
    # What Terraform proposes: the configuration, and the state where a computed attribute is not configured.
    attributes = schema("resource", name).attributes
    proposed = {
        key: (state or empty)[key] if value is None and attributes[key].computed else value
        for key, value in full.items()
    }
    return Provider({}).plan(name, state, proposed, full, {}, Diagnostics())


KV = "cloudflare_workers_kv_namespace"


def test_a_create_leaves_computed_attributes_open_and_fills_in_defaults() -> None:
    """Defaults are known, the rest comes with the apply."""
    value = _plan("cloudflare_r2_bucket", {"account_id": "a", "name": "b"}).value

    assert (value["storage_class"], value["jurisdiction"], value["location"]) == ("Standard", "default", UNKNOWN)


def test_nothing_is_open_while_nothing_changes() -> None:
    """An empty plan is the state."""
    state = {
        **schema("resource", KV).empty(),
        "account_id": "a",
        "title": "t",
        "id": "i",
        "supports_url_encoding": True,
    }

    planned = _plan(KV, {"account_id": "a", "title": "t"}, state)

    assert planned.value == state
    assert planned.replace == []


def test_a_change_opens_what_the_api_may_change() -> None:
    """The id stays known."""
    state = {
        **schema("resource", KV).empty(),
        "account_id": "a",
        "title": "t",
        "id": "i",
        "supports_url_encoding": True,
    }

    value = _plan(KV, {"account_id": "a", "title": "u"}, state).value

    assert (value["id"], value["supports_url_encoding"]) == ("i", UNKNOWN)


def test_some_changes_replace() -> None:
    """The facts say which."""
    state = {
        **schema("resource", KV).empty(),
        "account_id": "a",
        "title": "t",
        "id": "i",
        "supports_url_encoding": True,
    }

    assert _plan(KV, {"account_id": "b", "title": "t"}, state).replace == [("account_id",)]


def test_a_type_without_a_row_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be validated; a plan says that the official provider has it."""
    monkeypatch.delitem(RESOURCES, "cloudflare_list")
    with pytest.raises(Refused) as refused:
        Provider({}).plan("cloudflare_list", None, {}, {}, {}, Diagnostics())

    assert "cloudflare_list" in refused.value.diagnostic.detail
    assert "official provider" in refused.value.diagnostic.detail
