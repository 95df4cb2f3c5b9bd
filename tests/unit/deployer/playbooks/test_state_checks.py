"""Whether the inventory knows the environments whose states lie in the bucket."""

from __future__ import annotations

import pytest

from deployer.errors import ConfigError
from deployer.inventory.load import LoadedInventory
from deployer.playbooks.state_checks import environments_in
from deployer.steps.state_check import Kept, Look
from tests.support.inventory import inventory


def look(*names: str) -> Look:
    """A bucket with a state of each."""
    states = {(name, "site"): Kept(environment=name, stack="site", key="", state=None) for name in names}
    return Look(states=states, locks={}, strangers=())


def test_environments_are_those_that_the_inventory_knows() -> None:
    """Written out or of a template; neither a stranger nor an alias is one."""
    found = environments_in(inventory(), look("pr-12", "dev", "elsewhere", "pr-0"))
    assert "pr-12" in found
    assert not {"dev", "elsewhere", "pr-0"} & set(found)


def test_a_mistake_in_the_inventory_makes_no_environment_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is told that nothing knows a state may remove it."""

    def mistaken(_loaded: LoadedInventory, name: str) -> None:
        raise ConfigError(f"host of `{name}`: not a name", place="environments.toml:1")

    monkeypatch.setattr(LoadedInventory, "environment", mistaken)
    with pytest.raises(ConfigError, match="host of `pr-12`"):
        environments_in(inventory(), look("pr-12"))
