"""Which environments there are: those that are written out, and of each template those that have a state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deployer.errors import UsageError
from deployer.inventory.load import LoadedInventory
from deployer.inventory.names import NUMBER, match_template
from deployer.inventory.state_keys import owner_of


def written_out(loaded: LoadedInventory) -> list[str]:
    """Environments that have an entry of their own."""
    return [entry for entry in loaded.entries if NUMBER not in entry]


def all_environments(loaded: LoadedInventory, state_keys: Iterable[str]) -> list[str]:
    """Those that are written out, then those of the templates, by number; `state_keys` is what the bucket has."""
    owners = {owner[0] for owner in map(owner_of, state_keys) if owner is not None}
    made = []
    for entry in loaded.entries:
        numbers = {name: match_template(entry, name) for name in owners}
        made += sorted((number, name) for name, number in numbers.items() if number is not None)
    return [*written_out(loaded), *(name for _, name in made)]


def stacks_of(loaded: LoadedInventory, name: str) -> Sequence[str] | None:
    """The stacks of an environment, None for one that the inventory does not know; a mistake in it is an error."""
    try:
        environment = loaded.environment(name)
    except UsageError:
        return None
    # An alias is no name of a folder.
    return environment.stacks if environment.name == name else None
