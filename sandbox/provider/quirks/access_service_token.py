"""Service tokens: the secret changes with its version and is never read back."""

from __future__ import annotations

from ..hooks import Hooks
from ..plan import Plan
from ..values import UNKNOWN, equal


def _plan(plan: Plan) -> None:
    if plan.state is None:
        return
    if not equal(plan.value["client_secret_version"], plan.state["client_secret_version"]):
        plan.value["client_secret"] = UNKNOWN
    elif plan.state["client_secret"] is None and plan.value["client_secret"] is UNKNOWN:
        plan.value["client_secret"] = None


HOOKS = Hooks(plan=_plan)
