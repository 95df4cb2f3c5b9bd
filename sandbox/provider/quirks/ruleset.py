"""Rulesets: rules keep their identity by `ref` through reordering; an old form of query strings is understood."""

from __future__ import annotations

from typing import Any

from ..hooks import Call, Hooks
from ..plan import Plan
from ..values import UNKNOWN, is_set


def _plan(plan: Plan) -> None:
    if plan.state is None or not is_set(plan.state["rules"]) or not is_set(plan.value["rules"]):
        return
    by_ref = {rule["ref"]: rule for rule in plan.state["rules"] if is_set(rule["ref"]) and rule["ref"]}
    for rule in plan.value["rules"]:
        before = by_ref.get(rule["ref"]) if is_set(rule["ref"]) else None
        if before is None:
            continue
        if rule["id"] is UNKNOWN:
            rule["id"] = before["id"]
        if rule["logging"] is UNKNOWN and rule["action"] == before["action"]:
            rule["logging"] = before["logging"]


def _node(_call: Call, node: Any) -> Any:
    for rule in (node or {}).get("rules") or []:
        parameters = rule.get("action_parameters") or {}
        query = ((parameters.get("cache_key") or {}).get("custom_key") or {}).get("query_string")
        if not isinstance(query, dict):
            continue
        for side in ("include", "exclude"):
            listed = query.get(side)
            if isinstance(listed, list):
                query[side] = {"all": True} if side == "include" and listed == ["*"] else {"list": listed}
    return node


HOOKS = Hooks(plan=_plan, node=_node)
