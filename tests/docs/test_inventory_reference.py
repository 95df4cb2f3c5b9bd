"""The key reference in docs/guide/inventory.md is what the models say.

`UPDATE_GOLDEN=1 pytest tests/docs` rewrites it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from deployer.inventory.base import Model, SecretRef
from deployer.inventory.ci import Ci
from deployer.inventory.model import FORMS, App, Environment, Project
from tests.support.documents import ROOT

DOCUMENT = ROOT / "docs" / "guide" / "inventory.md"
MARK = "<!-- What follows is written by `UPDATE_GOLDEN=1 pytest tests/docs`. -->\n"

ENVIRONMENTS = """\
In `[defaults]`, `[kinds.<kind>]` or `[environments.<name>]`: "required" means that one of them has to say it. `kind`,
`aliases` and `host` belong to an environment; its `name` and `number` follow from the name of its table."""
# Where each model is written in the file, in the order of the file.
TABLES: tuple[tuple[str, type[Model], str], ...] = (
    ("[project]", Project, ""),
    ("[app]", App, ""),
    ("[ci]", Ci, ""),
    ("Environments", Environment, ENVIRONMENTS),
)
PLAIN = {"string": "text", "boolean": "true or false", "integer": "whole number", "number": "number"}


def reference() -> str:
    """All tables of the file."""
    sections = []
    for title, model, note in TABLES:
        schema = model.model_json_schema()
        text = note or schema["description"].split("\n\n")[0]
        sections += [f"### {title}", "", text, "", *table(schema)]
    sections += [
        "### Secret references",
        "",
        first(SecretRef.model_json_schema()),
        "",
        *table(SecretRef.model_json_schema()),
    ]
    return "\n" + "\n".join(sections)


def table(schema: Mapping[str, Any]) -> list[str]:
    """The rows of one model, the tables within it below their own keys."""
    lines = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    for key, part, required in keys(schema, schema.get("$defs", {}), ""):
        default = "required" if required else "none" if part.get("default") is None else shown(part["default"])
        lines.append(f"| `{key}` | {kind_of(part)} | {default} | {part.get('description', '')} |")
    return [*lines, ""]


def keys(schema: Mapping[str, Any], known: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any, bool]]:
    """Every key with its schema; a table is followed by its keys."""
    for name, part in schema["properties"].items():
        if not prefix and name in {"name", "number"} and "stacks" in schema["properties"]:
            continue
        yield prefix + name, part, name in schema.get("required", ())
        inner, many = within(part)
        if inner and inner != "SecretRef":
            yield from keys(known[inner], known, f"{prefix}{name}{many}.")


def within(part: Mapping[str, Any]) -> tuple[str | None, str]:
    """Name of the model that a key holds, and how a key within it is written if it holds several of them."""
    for choice in (part, *part.get("anyOf", ())):
        if "$ref" in choice:
            return choice["$ref"].rpartition("/")[2], ""
    items = part.get("items", {})
    if "$ref" in items:
        return items["$ref"].rpartition("/")[2], "[]"
    for item in part.get("patternProperties", {}).values():
        if "$ref" in item:
            return item["$ref"].rpartition("/")[2], ".<name>"
    return None, ""


def kind_of(part: Mapping[str, Any]) -> str:
    """The type in words."""
    name, many = within(part)
    if name is not None:
        kinds = {"": "table", "[]": "list of tables", ".<name>": "table: name to table"}
        return (
            f"{'table: name to ' if many == '.<name>' else ''}secret reference" if name == "SecretRef" else kinds[many]
        )
    if "anyOf" in part:
        return " or ".join(kind_of(choice) for choice in part["anyOf"] if choice.get("type") != "null")
    if "enum" in part:
        return "one of " + choices(part)
    if part["type"] == "array":
        return f"list of {choices(part['items']) if 'enum' in part['items'] else kind_of(part['items'])}"
    if part["type"] == "object":
        (item,) = part.get("patternProperties", {"": part.get("additionalProperties")}).values()
        return f"table: name to {kind_of(item)}"
    words = FORMS.get(part.get("pattern", ""), PLAIN[part["type"]])
    return words.removeprefix("a ").removeprefix("an ") + limits(part)


def choices(part: Mapping[str, Any]) -> str:
    """The values that are allowed."""
    return ", ".join(shown(value) for value in part["enum"])


def limits(part: Mapping[str, Any]) -> str:
    """Bounds in words."""
    low, high = part.get("minimum"), part.get("maximum")
    if low is not None:
        return f", {low} to {high}" if high is not None else f", at least {low}"
    least, most = part.get("minLength", 0), part.get("maxLength")
    if most is not None:
        return f", {least} to {most} characters" if least > 1 else f", at most {most} characters"
    return ""


def shown(value: object) -> str:
    """A value as the file would have it."""
    return f"`{json.dumps(value)}`"


def first(schema: Mapping[str, Any]) -> str:
    """A model's description, in one paragraph."""
    return " ".join(schema["description"].split())


def test_the_key_reference_is_what_the_models_say() -> None:
    """A new key, another type or another default shows here."""
    head, mark, present = DOCUMENT.read_text(encoding="utf-8").partition(MARK)
    assert mark
    wanted = reference()
    if os.environ.get("UPDATE_GOLDEN"):
        DOCUMENT.write_text(head + mark + wanted, encoding="utf-8")
        present = wanted
    assert present == wanted


def test_every_key_has_a_meaning() -> None:
    """A key without a description would be an empty cell."""
    silent = [
        key
        for _, model, _ in TABLES
        for key, part, _ in keys(model.model_json_schema(), model.model_json_schema().get("$defs", {}), "")
        if not part.get("description")
    ]

    assert silent == []
