"""Cron triggers: the body is the bare list of schedules."""

from __future__ import annotations

from typing import Any

from ..hooks import Call, Hooks


def _body(_call: Call, body: Any) -> Any:
    return body.get("schedules", [])


HOOKS = Hooks(body=_body)
