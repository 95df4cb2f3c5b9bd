"""The events that can be rehearsed, as a person names them; beside the help texts, so that it loads with every task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# What a person types, to the event's name, its action, and what becomes of the pull request.
PULLS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "opened": ("opened", {"state": "open"}),
    "synchronize": ("synchronize", {"state": "open"}),
    "reopened": ("reopened", {"state": "open"}),
    "labeled": ("labeled", {"state": "open"}),
    "closed": ("closed", {"state": "closed"}),
    "merged": ("closed", {"state": "closed", "merged": True}),
    "fork": ("opened", {"state": "open", "head": {"fork": True}}),
}
_OTHERS: Final = ("push", "comment", "schedule", "workflow_dispatch")
EVENTS: Final = (*PULLS, *_OTHERS)
