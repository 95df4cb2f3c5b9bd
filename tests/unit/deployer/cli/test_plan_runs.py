"""Which environments `inv plan --env` means, and what is said if there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.cli import plan_runs
from deployer.cli.plan_runs import Planned
from tests.support.cli import Checkout, make_checkout


@pytest.fixture
def checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout without any pull request, in which nothing is planned."""
    monkeypatch.setattr(plan_runs, "_known", lambda *_: ["production", "development"])
    monkeypatch.setattr(plan_runs, "_plan", lambda _, __, name, **___: Planned(environment=name))
    return make_checkout(tmp_path, capsys)


def test_a_pattern_that_fits_nothing_is_said_once(checkout: Checkout) -> None:
    """As the error, with what there is."""
    ran = checkout.inv("plan", "--env", "pr-*")

    assert ran.code == 2
    assert ran.err.count("no environment is called like `pr-*`") == 1
    assert "production, development" in ran.err


def test_a_pattern_that_fits_nothing_beside_others_is_noted(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are planned."""
    monkeypatch.setattr(plan_runs, "_show", lambda *_: None)
    ran = checkout.inv("plan", "--env", "dev,pr-*")

    assert ran.code == 0
    assert ran.err.count("note: no environment is called like `pr-*`") == 1
    assert "error" not in ran.err
