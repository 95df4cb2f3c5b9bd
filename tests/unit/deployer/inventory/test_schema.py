"""The JSON Schema for editors: regenerated, true to the file, and as strict as it can be."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from deployer.inventory.schema import FILE_NAME, schema, schema_text
from tests.support.inventory import ROOT, replaced, text


def errors(document: str) -> list[Any]:
    """What an editor would underline."""
    return list(Draft202012Validator(schema()).iter_errors(tomllib.loads(document)))


def test_the_file_in_the_repository_is_what_the_models_say() -> None:
    """`inv schema` was run after the last change of the models."""
    assert (ROOT / FILE_NAME).read_text(encoding="utf-8") == schema_text()


def test_it_is_a_valid_schema_that_our_inventory_fulfils() -> None:
    """Editors accept it and show no error in our own file."""
    Draft202012Validator.check_schema(schema())

    assert errors(text()) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("parallel_steps = 4", 'parallel_steps = "4"'),
        ("sampling_rate = 1.0", "sampling_rat = 1.0"),
        ('location = "weur"', 'location = "mars"'),
        ("[defaults.worker.kv]\nCACHE", "[defaults.worker.kv]\nCA-CHE"),
        ('kind = "development"', ""),
        ('account_id = "023e', 'account_id = "023E'),
        ("[kinds.development]", '[kinds.development]\nname = "x"'),
    ],
)
def test_it_finds_what_the_loader_finds(old: str, new: str) -> None:
    """Wrong types, unknown keys, wrong words and missing keys are seen while typing."""
    assert errors(replaced((old, new)))


def test_every_key_is_described() -> None:
    """Hovering over any key of ours says what it means."""

    def properties(value: Any) -> list[tuple[str, Any]]:
        found = []
        if isinstance(value, dict):
            for name, item in value.get("properties", {}).items():
                found.append((name, item))
            for item in value.values():
                found += properties(item)
        return found

    without = {name for name, item in properties(json.loads(schema_text())) if "description" not in item}

    assert without <= {"project", "app", "defaults", "kinds", "environments"}
