"""Whether a role's trust policy lets the claims of a web identity token in. Knows policies and claims, no HTTP.

What it cannot judge (an operator, a kind of principal) lets nobody in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

ACTION = "sts:AssumeRoleWithWebIdentity"


def _equals(value: str, wanted: str) -> bool:
    return value == wanted


def _like(value: str, wanted: str) -> bool:
    """`*` and `?` as in AWS: brackets mean nothing there."""
    return fnmatchcase(value, wanted.replace("[", "[[]"))


def _equals_in_any_case(value: str, wanted: str) -> bool:
    return value.lower() == wanted.lower()


# Operator to its comparison, and whether it is to hold or not.
_OPERATORS: Mapping[str, tuple[Callable[[str, str], bool], bool]] = {
    "StringEquals": (_equals, True),
    "StringNotEquals": (_equals, False),
    "StringEqualsIgnoreCase": (_equals_in_any_case, True),
    "StringNotEqualsIgnoreCase": (_equals_in_any_case, False),
    "StringLike": (_like, True),
    "StringNotLike": (_like, False),
}


def admits(policy: Mapping[str, Any], claims: Mapping[str, Any], *, provider: str, account: str) -> bool:
    """True when a statement allows the token and none denies it. `provider` is the issuer without its scheme."""
    arn = f"arn:aws:iam::{account}:oidc-provider/{provider}"
    keys = {f"{provider}:{name}".lower(): str(value) for name, value in claims.items()}
    fitting = [
        statement.get("Effect") for statement in _listed(policy.get("Statement")) if _applies(statement, arn, keys)
    ]
    return "Allow" in fitting and "Deny" not in fitting


def _applies(statement: Mapping[str, Any], arn: str, keys: Mapping[str, str]) -> bool:
    principal = statement.get("Principal")
    federated = _listed(principal.get("Federated")) if isinstance(principal, Mapping) else []
    actions = [str(action).lower() for action in _listed(statement.get("Action"))]
    if arn not in federated or not any(fnmatchcase(ACTION.lower(), action) for action in actions):
        return False
    conditions = statement.get("Condition") or {}
    return all(
        _holds(operator, keys.get(key.lower()), [str(each) for each in _listed(wanted)])
        for operator, tests in conditions.items()
        for key, wanted in tests.items()
    )


def _holds(operator: str, value: str | None, wanted: list[str]) -> bool:
    name = operator.removeprefix("ForAnyValue:").removesuffix("IfExists")
    if name not in _OPERATORS:
        return False
    compare, positive = _OPERATORS[name]
    if value is None:
        return operator.endswith("IfExists") or not positive
    return any(compare(value, each) for each in wanted) == positive


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
