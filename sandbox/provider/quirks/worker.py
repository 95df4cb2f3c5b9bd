"""The Worker as a named thing: what is only recorded about it stays known while nothing is really changed.

The API does not always tell the propagation policy; it stays what it was, and an import takes the documented default.
"""

from __future__ import annotations

from typing import Any

from ..hooks import Call, Hooks, Value
from ..plan import Plan
from ..values import UNKNOWN, equal, is_set

_CONFIGURABLE = ("name", "logpush", "tags", "observability", "subdomain", "tail_consumers")
_POLICY = "propagation_policy"
_DEFAULT_POLICY = "authenticated"


def _plan(plan: Plan) -> None:
    if plan.state is None:
        return
    for name in _CONFIGURABLE:
        planned = plan.value[name]
        if planned is not UNKNOWN and not equal(planned, plan.state[name]):
            return
    for name in ("updated_on", "references"):
        plan.value[name] = plan.state[name]


def _traces(value: Value) -> Any:
    observability = value.get("observability")
    return observability["traces"] if is_set(observability) else None


def _value(call: Call, value: Value, _node: Any) -> Value:
    new, before = _traces(value), _traces(call.plan)
    if call.operation in ("read", "import") and is_set(new) and not is_set(new[_POLICY]):
        if call.operation == "import":
            new[_POLICY] = _DEFAULT_POLICY
        elif is_set(before) and is_set(before[_POLICY]):
            new[_POLICY] = before[_POLICY]
    return value


HOOKS = Hooks(plan=_plan, value=_value)
