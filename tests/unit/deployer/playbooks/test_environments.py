"""Which environments there are, by the inventory and by the states that lie in the bucket."""

from __future__ import annotations

import pytest

from deployer.errors import ConfigError
from deployer.inventory.load import LoadedInventory
from deployer.playbooks.environments import all_environments, stacks_of, written_out
from tests.support.inventory import inventory


def keys(*names: str) -> list[str]:
    """What lies in a bucket with a state of each."""
    return [f"terraform/{name}/site.tfstate" for name in names]


def test_environments_are_those_that_the_inventory_knows() -> None:
    """Written out or of a template, by number; neither a stranger nor an alias is one, nor what is no state."""
    loaded = inventory()
    others = ["terraform/pr-7/site.tfstate.tflock", "terraform/pr-8", "pr-9/site.tfstate"]

    found = all_environments(loaded, [*keys("pr-12", "dev", "pr-3", "elsewhere", "pr-0", "pr-x"), *others])

    assert found == [*written_out(loaded), "pr-3", "pr-12"]
    assert "pr-{number}" not in found


def test_one_that_the_inventory_does_not_know_has_no_stacks() -> None:
    """An alias is no name of a folder."""
    loaded = inventory()

    assert stacks_of(loaded, "development") == loaded.environment("development").stacks
    assert stacks_of(loaded, "pr-12") is not None
    assert stacks_of(loaded, "dev") is None
    assert stacks_of(loaded, "elsewhere") is None


def test_a_mistake_in_the_inventory_makes_no_environment_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is told that nothing knows a state may remove it."""

    def mistaken(_loaded: LoadedInventory, name: str) -> None:
        raise ConfigError(f"host of `{name}`: not a name", place="environments.toml:1")

    monkeypatch.setattr(LoadedInventory, "environment", mistaken)
    with pytest.raises(ConfigError, match="host of `pr-12`"):
        stacks_of(inventory(), "pr-12")
