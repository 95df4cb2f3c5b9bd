"""Certificate packs: what the API fills in later is empty at first and then stays."""

from __future__ import annotations

from typing import Any

from ..hooks import Call, Hooks, Value
from ..plan import Plan
from ..values import UNKNOWN, is_set

_LATER = ("certificates", "dcv_delegation_records", "validation_errors", "validation_records")


def _value(call: Call, value: Value, _node: Any) -> Value:
    before = call.plan
    wanted = before.get("cloudflare_branding")
    if call.operation == "create":
        if not is_set(value["cloudflare_branding"]):
            value["cloudflare_branding"] = wanted if is_set(wanted) else None
        for name in _LATER:
            value[name] = [] if value[name] is None else value[name]
    elif call.operation == "read":
        if wanted is None or value["cloudflare_branding"] is None:
            value["cloudflare_branding"] = wanted
        for name in _LATER:
            value[name] = before[name] if value[name] is None else value[name]
    return value


def _plan(plan: Plan) -> None:
    if plan.state is None:
        return
    for name in _LATER:
        if plan.value[name] is None and plan.state[name] is not None:
            plan.value[name] = plan.state[name]
    wanted, before = plan.value["hosts"], plan.state["hosts"]
    if is_set(wanted) and is_set(before) and UNKNOWN not in wanted and set(wanted) <= set(before):
        plan.value["hosts"] = before
        plan.replace[:] = [path for path in plan.replace if path[0] != "hosts"]


HOOKS = Hooks(plan=_plan, value=_value)
