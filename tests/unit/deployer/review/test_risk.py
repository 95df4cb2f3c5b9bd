"""How dangerous a change is."""

from __future__ import annotations

import pytest

from deployer.engine.change import Action, Change
from deployer.review.risk import Risk, risk_of, risk_of_all


def change(action: Action, *, over: str = "", local: bool = False) -> Change:
    """A change of something."""
    return Change(action=action, address="site:a.b", summary="", over=over, local=local)


@pytest.mark.parametrize(
    ("action", "risk"),
    [
        (Action.CREATE, Risk.ADDITIVE),
        (Action.UPDATE, Risk.UPDATE),
        (Action.REPLACE, Risk.DESTROY),
        (Action.DELETE, Risk.DESTROY),
        (Action.FORGET, Risk.DESTROY),
    ],
)
def test_each_action_has_its_risk(action: Action, risk: Risk) -> None:
    """What is forgotten is as lost as what is deleted; the riskiest change makes the plan's risk."""
    assert risk_of(change(action)) is risk
    assert risk_of_all([change(Action.CREATE), change(action)]) is risk
    assert risk_of(change(action, local=True)) is Risk.NONE


def test_a_first_push_replaces_nothing() -> None:
    """Any other one replaces what runs."""
    assert risk_of(change(Action.RUN)) is Risk.ADDITIVE
    assert risk_of(change(Action.RUN, over="d0")) is Risk.UPDATE
