"""Whether a freeze of the inventory forbids a run now, and the override that is named and recorded."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from deployer.errors import Frozen, UsageError

if TYPE_CHECKING:
    from deployer.inventory.load import LoadedInventory
    from deployer.inventory.model import Environment


def refuse_frozen(loaded: LoadedInventory, environment: Environment, *, override: str, reason: str) -> None:
    """Hold up a run while a freeze is open, unless exactly that one is overridden with a reason.

    An override that overrides nothing is refused too: it would be in the ledger and mean nothing.
    """
    from deployer.review.freeze import open_freezes
    from deployer.steps.policy import place_of

    if bool(override) != bool(reason.strip()):
        raise UsageError(
            "a freeze is overridden by name and with a reason",
            hint="give both: --override-freeze NAME --reason 'why it cannot wait'",
        )
    found = open_freezes(environment.freezes, dt.datetime.now(dt.UTC))
    if override and override not in [freeze.name for freeze in found]:
        known = ", ".join(f"`{freeze.name}`" for freeze in found) or "none"
        raise UsageError(f"no freeze `{override}` is open now", hint=f"open: {known}; leave out --override-freeze")
    left = [freeze for freeze in found if freeze.name != override]
    if left:
        raise Frozen(
            f"`{environment.name}` is frozen",
            place=place_of(loaded, environment, "freezes", left[0].name, "reason"),
            details=[freeze.text for freeze in left],
            hint=f"wait; if it cannot: `--override-freeze {left[0].name} --reason 'why'`, which the ledger keeps",
        )
