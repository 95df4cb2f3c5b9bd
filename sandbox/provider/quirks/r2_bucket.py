"""R2 buckets: other field names in requests, an update without a body, a place that is chosen once."""

from __future__ import annotations

from typing import Any

from ..hooks import Call, Hooks, Request
from ..plan import Plan
from ..values import is_set


def _plan(plan: Plan) -> None:
    if plan.state is None:
        return
    if is_set(plan.state["location"]):
        plan.value["location"] = plan.state["location"]
    plan.value["creation_date"] = plan.state["creation_date"]


_FIELDS = {"location": "locationHint", "name": "name", "storage_class": "storageClass"}


def _body(call: Call, body: Any) -> Any:
    if call.operation == "update":
        return None
    return {_FIELDS[key]: value for key, value in body.items() if key in _FIELDS}


def _request(call: Call, request: Request) -> Request:
    if call.operation == "update":
        request.headers["cf-r2-storage-class"] = call.plan["storage_class"]
    return request


HOOKS = Hooks(plan=_plan, body=_body, request=_request)
