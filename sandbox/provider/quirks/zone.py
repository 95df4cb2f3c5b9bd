"""Zones: a state without an id must not replace everything that belongs to the zone."""

from __future__ import annotations

from ..hooks import Hooks
from ..plan import Plan

_DETAIL = (
    "The cloudflare_zone resource has an empty or null ID in its Terraform state. This can occur when state becomes "
    "corrupted or a zone is removed from state manually.\n\n"
    "Proceeding with an empty or null zone ID could allow dependent zone-scoped resources to be incorrectly replaced "
    "or destroyed.\n\n"
    "The provider is halting intentionally to avoid unsafe changes to dependent resources.\n\n"
    "To recover, re-import the zone:\n"
    "  terraform import cloudflare_zone.<name> <zone_id>\n"
    "then run terraform plan again."
)


def _plan(plan: Plan) -> None:
    if plan.state is not None and not plan.state["id"]:
        plan.diagnostics.error("Invalid zone state: empty or null zone ID", _DETAIL)


HOOKS = Hooks(plan=_plan)
