"""Service tokens: the secret changes with its version and is never read back."""

from __future__ import annotations

from typing import Any

from ..hooks import Call, Hooks, Value
from ..plan import Plan
from ..values import UNKNOWN, equal


def _plan(plan: Plan) -> None:
    if plan.state is None:
        return
    if not equal(plan.value["client_secret_version"], plan.state["client_secret_version"]):
        plan.value["client_secret"] = UNKNOWN
    elif plan.state["client_secret"] is None and plan.value["client_secret"] is UNKNOWN:
        plan.value["client_secret"] = None


def _value(call: Call, value: Value, _node: Any) -> Value:
    if call.operation == "update" and value["client_secret"] is None:
        value["client_secret"] = (call.state or {}).get("client_secret")
    return value


HOOKS = Hooks(plan=_plan, value=_value)
