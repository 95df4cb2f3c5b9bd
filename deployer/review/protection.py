"""What no plan may destroy, whoever approves it: the inventory's `guards.never_destroy`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from deployer.engine.change import Action, Change
from deployer.review.patterns import fits
from deployer.review.view import Finding

RULE: Final = "never_destroy"
REASON: Final = "the inventory protects it, whoever approves"
_WORDS: Final = {Action.DELETE: "delete", Action.REPLACE: "replace", Action.FORGET: "forget"}


def check_protected(
    patterns: Sequence[str],
    changes: Iterable[Change],
    *,
    place: str,
    former: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Finding, ...]:
    """A finding for each change after which something that a pattern describes is gone, or held by nobody.

    `former` are the addresses from before of what gets another one: it is protected under both.
    """
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
        if (pattern := _protecting(patterns, change.address, former.get(change.address))) is not None
    )


def _protecting(patterns: Sequence[str], *addresses: str | None) -> str | None:
    names = [address for address in addresses if address is not None]
    return next((each for each in patterns if any(fits(each, name) for name in names)), None)
