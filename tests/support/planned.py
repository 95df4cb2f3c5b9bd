"""What Terraform plans for the environments of the repository: recorded, so that rules can be tried without it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "golden" / "plans"
ENVIRONMENTS = ("production", "development", "pr-12")
# Ids that differ from one sandbox to the next.
_IDS = ("zone_id",)


def recorded(environment: str) -> dict[str, dict[str, Any]]:
    """The plans of all stacks of an environment that nobody has deployed yet."""
    found: dict[str, dict[str, Any]] = json.loads((FOLDER / f"{environment}.json").read_text(encoding="utf-8"))
    return found


def reduced(shown: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What `terraform show -json` says, without what no rule looks at: what is null, ids, how it came about."""
    return {
        stack: {
            "resource_changes": [
                {
                    "address": resource["address"],
                    "mode": resource["mode"],
                    "type": resource["type"],
                    "change": {
                        "actions": resource["change"]["actions"],
                        "after": _plain(resource["change"]["after"]),
                        "after_unknown": _true(resource["change"]["after_unknown"]),
                    },
                }
                for resource in plan["resource_changes"]
            ]
        }
        for stack, plan in shown.items()
    }


def recording(shown: Mapping[str, Mapping[str, Any]]) -> str:
    """The text of a recording."""
    return json.dumps(reduced(shown), indent=1, sort_keys=True) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None and key not in _IDS}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _true(tree: Any) -> Any:
    """The tree of what is unknown; indices stay, since they are part of a path."""
    if isinstance(tree, dict):
        return {key: found for key, item in tree.items() if (found := _true(item))}
    if isinstance(tree, list):
        found = [_true(item) for item in tree]
        return found if any(found) else []
    return tree
