"""The table agrees with the schema facts: every attribute that a path names exists, every rule can be loaded."""

from __future__ import annotations

import re

import pytest

from sandbox.provider import checks, facts
from sandbox.provider.hooks import hooks
from sandbox.provider.modifiers import MODIFIERS
from sandbox.provider.plan import walk
from sandbox.provider.table.datasources import DATA_SOURCES
from sandbox.provider.table.resources import RESOURCES


def _attributes(path: str | None) -> set[str]:
    return {match[1] or match[0] for match in re.findall(r"\{(\w+)(?:=(\w+))?\}", path or "")} - {"scope"}


@pytest.mark.parametrize("name", sorted(RESOURCES))
def test_resource(name: str) -> None:
    """Paths, import ids and copies name attributes of the type; its quirk exists."""
    row, attributes = RESOURCES[name], facts.schema("resource", name).attributes
    calls = [call for call in (row.create, row.read, row.update, row.delete) if call]

    assert set().union(*(_attributes(call) for call in calls)) <= attributes.keys()
    assert set(row.import_to) - {"scope"} <= attributes.keys()
    assert {*row.headers.values(), *([row.id_from, "id"] if row.id_from else [])} <= attributes.keys()
    assert all(re.fullmatch(r"(GET|POST|PUT|PATCH|DELETE) \S+", call) for call in calls)
    assert hooks(row.quirk) is not None
    if row.import_id:
        spoken = row.import_id.removeprefix("<{accounts|zones}/{account_id|zone_id}>/").count("/") + 1
        assert spoken == len([each for each in row.import_to if each != "scope"])


@pytest.mark.parametrize("name", sorted(DATA_SOURCES))
def test_data_source(name: str) -> None:
    """The same for what only reads."""
    source, attributes = DATA_SOURCES[name], facts.schema("data", name).attributes

    assert _attributes(source.read) | _attributes(source.find) <= attributes.keys()
    assert {each for each in (source.id_from, source.items) if each} <= attributes.keys()
    assert not source.find or {"filter", source.found_to} <= attributes.keys()


@pytest.mark.parametrize("kind", ["resource", "data"])
def test_the_facts_name_only_rules_that_exist(kind: str) -> None:
    """Every modifier can run; a check of an unknown kind would be skipped without a word."""
    unknown = set()
    known = {*checks._OF_OTHERS, *checks._OF_VALUE}
    for name in facts.names(kind):
        for attribute in _all(facts.schema(kind, name).attributes):
            unknown |= {rule for rule in attribute.modifiers if rule.partition(":")[0] not in MODIFIERS}
            unknown |= {check[0] for check in attribute.checks if check[0] not in known}

    # Left to the API: an address, a URL, and text that any string passes.
    assert unknown <= {"ip", "url", "string"}


def _all(attributes: dict[str, facts.Attribute]) -> list[facts.Attribute]:
    return [each for top in attributes.values() for each in (top, *_all(top.attributes))]


def test_a_nested_value_is_walked_with_its_place() -> None:
    """Messages point at what they are about."""
    schema = facts.schema("resource", "cloudflare_r2_bucket_lock")
    rule = dict.fromkeys(schema.attributes["rules"].attributes)

    places = [path for _, _, path in walk(schema.attributes, {**schema.empty(), "rules": [rule]})]

    assert ("rules", 0, "enabled") in places
