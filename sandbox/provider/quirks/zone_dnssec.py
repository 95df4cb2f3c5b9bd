"""DNSSEC of a zone: it must be switched off before it can be removed."""

from __future__ import annotations

from ..hooks import Call, Hooks
from ..http import json_request
from ..operations import path_of


def _disable(call: Call) -> None:
    path = path_of("zones/{zone_id}/dnssec", call.plan)
    call.client.send(json_request("PATCH", path, {"status": "disabled"}))


HOOKS = Hooks(delete=_disable)
