"""Hyperdrive configurations: passwords are never read back, and defaults of the API are no changes."""

from __future__ import annotations

from typing import Any

from ..hooks import Call, Hooks, Value
from ..plan import Plan
from ..values import UNKNOWN, equal, is_set

_SECRETS = ("password", "access_client_secret")
_SHOWN = ("database", "host", "port", "scheme", "user", "access_client_id")


def _value(call: Call, value: Value, _node: Any) -> Value:
    before = call.plan
    origin, known = value["origin"], before.get("origin")
    if is_set(origin) and is_set(known):
        for name in _SECRETS:
            if is_set(known[name]):
                origin[name] = known[name]
    if call.operation == "import":
        return value
    mtls = value["mtls"]
    if before["mtls"] is None and is_set(mtls) and not any(is_set(item) for item in mtls.values()):
        value["mtls"] = None
    if before["origin_connection_limit"] is None:
        value["origin_connection_limit"] = None
    caching, cached = value["caching"], before["caching"]
    if is_set(caching) and is_set(cached):
        for name in ("max_age", "stale_while_revalidate"):
            caching[name] = cached[name] if caching[name] is None else caching[name]
    return value


def _plan(plan: Plan) -> None:
    value, state = plan.value, plan.state
    if state is None:
        return
    if value["created_on"] is UNKNOWN and state["created_on"] is not None:
        value["created_on"] = state["created_on"]
    if value["modified_on"] is UNKNOWN and state["modified_on"] is not None and not _changes(value, state):
        value["modified_on"] = state["modified_on"]


def _changes(value: Value, state: Value) -> bool:
    if any(not equal(value[name], state[name]) for name in ("name", "caching", "mtls", "origin_connection_limit")):
        return True
    wanted, before = value["origin"], state["origin"]
    if not is_set(wanted) or not is_set(before):
        return wanted is not before
    return any(not equal(wanted[name], before[name]) for name in _SHOWN)


HOOKS = Hooks(plan=_plan, value=_value)
