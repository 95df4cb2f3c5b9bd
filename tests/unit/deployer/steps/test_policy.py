"""Findings as errors: which one, in which order, with what to type next."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.errors import GuardRefused, PolicyViolated
from deployer.review.view import Finding
from deployer.steps.policy import finding_lines, refuse_violations
from deployer.words import Named

NAMED = Named("dev", "cloudflare")


def finding(rule: str = "tls", **more: Any) -> Finding:
    """A finding of some rule."""
    values = {"severity": "error", "reason": "why", "message": f"{rule} is broken", "where": "site:a.b", "place": "f:7"}
    return Finding(rule=rule, **{**values, **more})


def test_warnings_stop_nothing() -> None:
    """Neither do no findings at all."""
    refuse_violations([], named=NAMED)
    refuse_violations([finding(severity="warning")], named=NAMED)


def test_violations_are_one_error() -> None:
    """With every finding, the place of the first, and how to see the rules."""
    found = [finding(), finding(where="site:c.d"), finding("names"), finding("few", severity="warning")]
    with pytest.raises(PolicyViolated, match="breaks 2 rules of the policy of `dev`") as caught:
        refuse_violations(found, named=NAMED)

    assert caught.value.place == "f:7"
    assert caught.value.details == tuple(finding_lines(found[:3]))
    assert caught.value.details[:2] == ("tls: tls is broken (site:a.b)", "  why (f:7)")
    assert "`inv policy --env dev --list`" in str(caught.value.hint)


def test_what_is_protected_goes_first() -> None:
    """A rule can be mended; this nobody can approve."""
    with pytest.raises(GuardRefused, match="would destroy 2 protected resources of `dev`") as caught:
        refuse_violations([finding(), finding("never_destroy"), finding("never_destroy")], named=NAMED)

    assert caught.value.details == ("never_destroy is broken",) * 2
    assert "guards.never_destroy" in str(caught.value.hint)
