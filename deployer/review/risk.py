"""How dangerous a plan is, in four grades; approvals are asked for by grade."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Final

from deployer.engine.change import Action, Change
from deployer.inventory.review import Approvals


class Risk(enum.StrEnum):
    """From harmless to what cannot be taken back. A plan is as risky as its riskiest change."""

    NONE = "none"
    ADDITIVE = "additive"
    UPDATE = "update"
    DESTROY = "destroy"

    @property
    def rank(self) -> int:
        """Position in the order of danger."""
        return list(Risk).index(self)


_OF: Final = {
    Action.CREATE: Risk.ADDITIVE,
    Action.UPDATE: Risk.UPDATE,
    # What is pushed replaces what runs.
    Action.RUN: Risk.UPDATE,
    Action.REPLACE: Risk.DESTROY,
    Action.DELETE: Risk.DESTROY,
    # Nothing holds it any longer, and what it was can only be found by hand.
    Action.FORGET: Risk.DESTROY,
}


def risk_of(change: Change) -> Risk:
    """The risk of one change; what stays on this machine has none, a first push replaces nothing."""
    if change.local:
        return Risk.NONE
    if change.action is Action.RUN and not change.over:
        return Risk.ADDITIVE
    return _OF[change.action]


def risk_of_all(changes: Iterable[Change]) -> Risk:
    """The risk of a plan."""
    return max((risk_of(change) for change in changes), key=lambda risk: risk.rank, default=Risk.NONE)


def needed(risk: Risk, approvals: Approvals) -> int:
    """How many different people have to approve a plan of this risk."""
    counts = {
        Risk.NONE: 0,
        Risk.ADDITIVE: approvals.additive,
        Risk.UPDATE: approvals.update,
        Risk.DESTROY: approvals.destroy,
    }
    return counts[risk]
