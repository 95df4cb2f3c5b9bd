"""Who gets a guard at the doors of the services: runs for ephemeral environments, each for its own number.

Production and development have other rails: reviewed plans, approvals, keys of their own.
"""

from __future__ import annotations

from deployer.inventory.load import LoadedInventory
from deployer.inventory.model import Environment
from deployer.review.name_guard import NameGuard
from deployer.review.naming import naming_of


def guard_of(loaded: LoadedInventory, environment: Environment) -> NameGuard | None:
    """The guard of an environment that is made from a template; None for one that is written out."""
    if environment.number is None:
        return None
    return NameGuard(naming=naming_of(loaded, environment), state_bucket=loaded.inventory.project.state_bucket)
