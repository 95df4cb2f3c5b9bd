"""What a run promises to machines, as a JSON Schema written from the design and not from the code."""

from __future__ import annotations

from typing import Any

import jsonschema

_COUNT = {"type": "integer", "minimum": 0}
_TEXT = {"type": "string", "minLength": 1}

RUN: dict[str, Any] = {
    "type": "object",
    "required": ["schema", "command", "environment", "target", "outcome", "recap", "url", "steps"],
    "properties": {
        "schema": {"const": 1},
        "command": {"enum": ["deploy", "destroy"]},
        "environment": _TEXT,
        "target": {"enum": ["sandbox", "cloudflare"]},
        "outcome": {"enum": ["ok", "changes", "failed"]},
        "recap": {
            "type": "object",
            "required": ["ok", "changed", "skipped", "failed"],
            "properties": {"ok": _COUNT, "changed": _COUNT, "skipped": _COUNT, "failed": _COUNT},
            "additionalProperties": False,
        },
        "url": {"type": ["string", "null"]},
        "steps": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "status", "seconds", "changes"],
                "properties": {
                    "name": _TEXT,
                    "status": {"enum": ["ok", "changed", "skipped", "failed"]},
                    "seconds": {"type": "number", "minimum": 0},
                    "changes": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["action", "address", "summary"],
                            "properties": {
                                "action": {"enum": ["create", "update", "replace", "delete", "run"]},
                                "address": _TEXT,
                                "summary": _TEXT,
                            },
                        },
                    },
                },
            },
        },
    },
}

REQUESTS: dict[str, Any] = {
    "type": "object",
    "required": ["requests"],
    "properties": {
        "requests": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["time", "service", "method", "path", "status", "client", "mutating"],
                "properties": {
                    "time": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$"},
                    "service": _TEXT,
                    "method": _TEXT,
                    "path": {"type": "string", "pattern": "^/"},
                    "status": _COUNT,
                    "client": {"type": "string"},
                    "mutating": {"type": "boolean"},
                },
            },
        }
    },
}


def valid(document: Any, schema: dict[str, Any]) -> Any:
    """Return the document, if it keeps the promise."""
    jsonschema.validate(document, schema)
    if schema is RUN:
        statuses = [step["status"] for step in document["steps"]]
        assert {status: statuses.count(status) for status in document["recap"]} == document["recap"]
    return document
