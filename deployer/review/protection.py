"""What no plan may destroy, whoever approves it: the inventory's `guards.never_destroy`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from deployer.engine.change import Action, Change
from deployer.review.patterns import fits
from deployer.review.view import Finding

RULE: Final = "never_destroy"
REASON: Final = "the inventory protects it, whoever approves"
_WORDS: Final = {Action.DELETE: "delete", Action.REPLACE: "replace"}


def check_protected(patterns: Sequence[str], changes: Iterable[Change], *, place: str) -> tuple[Finding, ...]:
    """A finding for each deletion or replacement of something that a pattern describes."""
    return tuple(
        Finding(
            rule=RULE,
            severity="error",
            reason=REASON,
            message=f"would {_WORDS[change.action]} {change.address}, which `{pattern}` protects",
            where=change.address,
            place=place,
        )
        for change in changes
        if change.action in _WORDS and not change.local
        if (pattern := next((each for each in patterns if fits(each, change.address)), None)) is not None
    )
