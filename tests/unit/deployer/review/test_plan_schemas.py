"""The published schemas of a plan: regenerated, valid, and as strict as they promise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from deployer.review.schema import manifest_schema, plan_schema, schema_texts
from tests.support import plans
from tests.support.cli import ROOT

VIEWS = [plans.empty, plans.additive, plans.mixed, plans.violations]


@pytest.mark.parametrize("name", sorted(schema_texts()))
def test_the_files_are_what_the_models_say(name: str) -> None:
    """`inv schema` was run after the last change of the models."""
    assert (ROOT / name).read_text(encoding="utf-8") == schema_texts()[name]


@pytest.mark.parametrize("schema", [plan_schema(), manifest_schema()], ids=["plan", "manifest"])
def test_they_are_valid_and_describe_every_key(schema: dict[str, Any]) -> None:
    """Whoever reads the schema learns what each key means."""
    Draft202012Validator.check_schema(schema)
    models = [schema, *schema["$defs"].values()]
    silent = [
        name
        for model in models
        for name, item in model.get("properties", {}).items()
        if not {"description", "const"} & item.keys()
    ]

    assert silent == []


@pytest.mark.parametrize("make", VIEWS)
def test_every_manifest_is_valid(make: Any) -> None:
    """What a bundle's manifest.json holds."""
    found = json.loads(make().manifest.text)

    assert list(Draft202012Validator(manifest_schema()).iter_errors(found)) == []


def test_the_schema_of_a_manifest_refuses_another_key() -> None:
    """The manifest is sealed: what is not known in it was not sealed."""
    found = {**json.loads(plans.mixed().manifest.text), "more": 1}

    assert list(Draft202012Validator(manifest_schema()).iter_errors(found))
