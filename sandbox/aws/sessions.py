"""Temporary access keys that STS gave out, as the other AWS stand-ins look them up: in STS's file in the home."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sandbox.home import Home, read_json


def find(home: Home, key_id: str | None, token: str) -> Mapping[str, Any] | None:
    """The session of a key that is used with its own session token and has not expired."""
    known = (read_json(home.folder("sts") / "state.json") or {}).get("sessions", {})
    session: Mapping[str, Any] | None = known.get(key_id or "")
    if session is None or session["token"] != token or datetime.fromisoformat(session["expires"]) < datetime.now(UTC):
        return None
    return session
