"""Reading requests: JSON bodies and their fields, with the refusals that belong to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request

from sandbox.convex.answers import bad_request
from sandbox.convex.state import SHORTEST_EXPIRY, now


def body_of(request: Request) -> dict[str, Any]:
    """The JSON object that was sent."""
    try:
        value = json.loads(request.get_data() or b"{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise bad_request("BadJsonBody", "Failed to parse the request body as a JSON object")
    return value


def only(body: Mapping[str, Any], *known: str) -> None:
    """Fail on fields that the API does not have."""
    strange = sorted(set(body) - set(known))
    if strange:
        raise bad_request("BadJsonBody", f"unknown field `{strange[0]}`, expected one of {', '.join(known)}")


def text_of(body: Mapping[str, Any], name: str) -> str:
    """A text that must be there."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise bad_request("BadJsonBody", f"`{name}` is required and must be a text")
    return value


def expiry_of(body: Mapping[str, Any], longest: int | None = None) -> int | None:
    """`expiresAt`: at least half an hour ahead, at most `longest` milliseconds."""
    value = body.get("expiresAt")
    if value is None:
        return None
    if not isinstance(value, int) or value < now() + SHORTEST_EXPIRY:
        raise bad_request("InvalidExpiration", "`expiresAt` must be at least 30 minutes in the future")
    if longest is not None and value > now() + longest:
        raise bad_request("InvalidExpiration", "`expiresAt` exceeds the retention of preview deployments of this plan")
    return value
