"""The JSON Schema by which editors complete and check environments.toml.

Generated from the models and never edited: `inv schema` writes it, a test regenerates it. Layers of the cascade are the
model of an environment with nothing required, because what one layer leaves out another may hold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from deployer.inventory.ci import Ci
from deployer.inventory.model import App, Environment, Project

FILE_NAME: Final = "environments.schema.json"
_COMPLETE: Final = frozenset({"SecretRef"})
"""Models that the cascade takes whole, so that what they require stays required."""


def schema_text() -> str:
    """Return the schema as it stands in the file."""
    return json.dumps(schema(), indent=2) + "\n"


def schema() -> dict[str, Any]:
    """Return the schema of the whole file."""
    definitions: dict[str, Any] = {}
    project = _definition(Project, definitions)
    app = _definition(App, definitions)
    ci = _definition(Ci, definitions)
    layer = _partial(_definition(Environment, definitions))
    for name in ("name", "number"):
        del layer["properties"][name]
    for name, definition in definitions.items():
        definitions[name] = definition if name in _COMPLETE else _partial(definition)
    definitions["Layer"] = _without(layer, "kind", "aliases", "host")
    definitions["Environment"] = {**layer, "required": ["kind", "host"]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "environments.toml",
        "description": "The inventory. Later wins: defaults < kinds.<kind> < environments.<name> < --set.",
        "type": "object",
        "additionalProperties": False,
        "required": ["project", "app", "kinds", "environments"],
        "properties": {
            "project": project,
            "app": app,
            "ci": ci,
            "defaults": {"$ref": "#/$defs/Layer"},
            "kinds": {"type": "object", "additionalProperties": {"$ref": "#/$defs/Layer"}},
            "environments": {
                "type": "object",
                "propertyNames": {"pattern": r"^[a-z0-9-]*(\{number\})?[a-z0-9-]*$"},
                "additionalProperties": {"$ref": "#/$defs/Environment"},
            },
        },
        "$defs": dict(sorted(definitions.items())),
    }


def _definition(model: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return a model's schema and move what it refers to into `definitions`."""
    found = _as_written(model.model_json_schema(mode="validation"))
    definitions.update(found.pop("$defs", {}))
    return dict(found)


def _as_written(value: Any) -> Any:
    """Allow for placeholders: a text in the file need not have the form that it has once they are filled in."""
    if isinstance(value, list):
        return [_as_written(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    dropped = {"title"} if isinstance(value.get("title"), str) else set()
    if value.get("type") == "string":
        dropped |= {"maxLength", "minLength"}
        if "pattern" in value:
            placeholder = r"\{[A-Za-z_]\w*\}"
            return {
                **{key: item for key, item in value.items() if key not in {*dropped, "pattern"}},
                "anyOf": [{"pattern": value["pattern"]}, {"pattern": placeholder}],
            }
    if "patternProperties" in value:
        # Keys have no placeholders, and editors explain an unknown key better than a pattern.
        (pattern, item), *_ = value["patternProperties"].items()
        rest = {key: _as_written(part) for key, part in value.items() if key not in {*dropped, "patternProperties"}}
        return {**rest, "propertyNames": {"pattern": pattern}, "additionalProperties": _as_written(item)}
    return {key: _as_written(item) for key, item in value.items() if key not in dropped}


def _partial(definition: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in definition.items() if key != "required"}


def _without(definition: Mapping[str, Any], *names: str) -> dict[str, Any]:
    properties = {key: value for key, value in definition["properties"].items() if key not in names}
    return {**definition, "properties": properties}
