"""The published JSON Schemas of a plan: of its document and of its bundle's manifest.

Generated from the models and never edited: `inv schema` writes them, a test regenerates them. Keys may be added without
a new version, so the document's schema allows what it does not know; the manifest is sealed and has no others.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from deployer.review.document import PlanDocument
from deployer.review.manifest import Manifest

FOLDER: Final = "docs/schemas"
_TITLES: Final = {"plan": "A plan, as `inv plan --json` prints it", "manifest": "The manifest of a plan bundle"}


def schema_texts() -> dict[str, str]:
    """The schemas by the files in which they stand."""
    return {
        f"{FOLDER}/{name}.schema.json": json.dumps(schema, indent=2) + "\n"
        for name, schema in {"plan": plan_schema(), "manifest": manifest_schema()}.items()
    }


def plan_schema() -> dict[str, Any]:
    """The schema of plan.json."""
    return _published("plan", PlanDocument.model_json_schema())


def manifest_schema() -> dict[str, Any]:
    """The schema of manifest.json, in which every key is written."""
    return _published("manifest", Manifest.model_json_schema(mode="serialization"))


def _published(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: item for key, item in _without_titles(schema).items() if key != "description"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": _TITLES[name], **rest}


def _without_titles(value: Any) -> Any:
    """Titles only repeat the names of the keys."""
    if isinstance(value, list):
        return [_without_titles(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {key: _without_titles(item) for key, item in value.items() if not (key == "title" and isinstance(item, str))}
