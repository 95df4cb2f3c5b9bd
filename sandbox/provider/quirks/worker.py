"""The Worker as a named thing: what is only recorded about it stays known while nothing is really changed."""

from __future__ import annotations

from ..hooks import Hooks
from ..plan import Plan
from ..values import UNKNOWN, equal

_CONFIGURABLE = ("name", "logpush", "tags", "observability", "subdomain", "tail_consumers")


def _plan(plan: Plan) -> None:
    if plan.state is None:
        return
    for name in _CONFIGURABLE:
        planned = plan.value[name]
        if planned is not UNKNOWN and not equal(planned, plan.state[name]):
            return
    for name in ("updated_on", "references"):
        plan.value[name] = plan.state[name]


HOOKS = Hooks(plan=_plan)
