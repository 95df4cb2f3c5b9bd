"""Which claims a role's trust policy lets in."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.aws.trust import admits

PROVIDER, ACCOUNT = "token.actions.githubusercontent.com", "123456789012"
CLAIMS = {"sub": "repo:acme/shop:environment:pr-12", "aud": "sts.amazonaws.com", "repository_id": "7"}


def statement(condition: dict[str, Any], **more: Any) -> dict[str, Any]:
    """One that allows jobs of GitHub under a condition."""
    return {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{PROVIDER}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
        **more,
    }


def lets_in(*statements: dict[str, Any]) -> bool:
    """With these statements."""
    return admits({"Statement": list(statements)}, CLAIMS, provider=PROVIDER, account=ACCOUNT)


def sub(operator: str, *wanted: str) -> dict[str, Any]:
    """A condition on the subject."""
    return {operator: {f"{PROVIDER}:sub": list(wanted) if len(wanted) > 1 else wanted[0]}}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (sub("StringEquals", CLAIMS["sub"]), True),
        (sub("StringEquals", "repo:acme/shop:environment:pr-1"), False),
        (sub("StringEquals", "other", CLAIMS["sub"]), True),
        (sub("StringEquals", "repo:acme/shop:environment:*"), False),
        (sub("StringEquals", CLAIMS["sub"].upper()), False),
        (sub("StringEqualsIgnoreCase", CLAIMS["sub"].upper()), True),
        (sub("StringLike", "repo:acme/shop:environment:pr-*"), True),
        (sub("StringLike", "repo:acme/shop:environment:pr-1"), False),
        (sub("StringLike", "repo:acme/shop:environment:pr-[0-9]*"), False),
        (sub("StringNotLike", "repo:acme/shop:environment:pr-*"), False),
        (sub("ForAnyValue:StringLike", "repo:acme/*"), True),
        ({"StringEquals": {f"{PROVIDER}:repository_id": "7"}}, True),
        ({"StringEquals": {f"{PROVIDER}:actor": "mira"}}, False),
        ({"StringEqualsIfExists": {f"{PROVIDER}:actor": "mira"}}, True),
        ({"StringEquals": {f"{PROVIDER}:sub": CLAIMS["sub"], f"{PROVIDER}:aud": "elsewhere"}}, False),
        ({"Bool": {f"{PROVIDER}:sub": "true"}}, False),
        ({}, True),
    ],
)
def test_conditions(condition: dict[str, Any], expected: bool) -> None:
    """All of them have to hold; an operator that is not known lets nobody in."""
    assert lets_in(statement(condition)) is expected


def test_principal_and_action_count() -> None:
    """Another provider, another account or another action is not meant."""
    elsewhere = f"arn:aws:iam::999999999999:oidc-provider/{PROVIDER}"
    assert not lets_in(statement({}, Principal={"Federated": elsewhere}))
    assert not lets_in(statement({}, Principal={"AWS": "*"}))
    assert not lets_in(statement({}, Action="sts:AssumeRole"))
    assert lets_in(statement({}, Action=["sts:TagSession", "sts:AssumeRoleWith*"]))
    assert not lets_in()


def test_a_denial_wins() -> None:
    """Wherever it stands."""
    denied = statement(sub("StringLike", "*:environment:pr-12"), Effect="Deny")
    assert not lets_in(statement({}), denied)
    assert not lets_in(denied, statement({}))
    assert lets_in(statement({}), statement(sub("StringLike", "*:environment:pr-1"), Effect="Deny"))
