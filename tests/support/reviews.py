"""`inv plan` and `inv apply` as the tests of reviewed changes use them."""

from __future__ import annotations

from typing import Any

from tests.support.rehearsal import Ran, Rehearsal


def plan(stage: Rehearsal, *more: str, code: int = 10, env: str = "dev") -> dict[str, Any]:
    """`inv plan --env dev --out plan`, with its document."""
    ran = stage.inv("plan", "--env", env, "--sandbox", "--out", "plan", "--json", *more)
    assert ran.code == code, ran.err
    return ran.document


def apply(stage: Rehearsal, *more: str, plan: str = "plan") -> Ran:
    """`inv apply --plan plan`."""
    return stage.inv("apply", "--plan", plan, "--sandbox", "--json", *more)


def refused(ran: Ran, reason: str = "plan-changed", code: int = 6) -> str:
    """What was said of a refusal; it must have changed nothing and shown no traceback."""
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err
    error = ran.document["error"]
    assert error["reason"] == reason
    assert error["hint"]
    return "\n".join([error["message"], *error["details"]])


def written(stage: Rehearsal) -> list[str]:
    """Every request that changed something, so far."""
    return [f"{each['method']} {each['path']}" for each in stage.requests() if each["mutating"]]
