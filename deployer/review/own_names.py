"""Whether every name of an ephemeral environment is its own: made from its number, and nobody else's.

The inventory is checked with one sample number. A written-out environment may still be called, or answer, like some
other number of a template; that is found here, before anything is touched. Lengths are the inventory's to check: it
does so with the largest number.
"""

from __future__ import annotations

from collections.abc import Iterator

from deployer.errors import ConfigError
from deployer.inventory.checks import unique_things
from deployer.inventory.load import LoadedInventory
from deployer.inventory.model import Environment
from deployer.inventory.names import NUMBER, match_template
from deployer.review.naming import naming_of


def refuse_foreign_names(loaded: LoadedInventory, environment: Environment) -> None:
    """Raise for the first name that does not bear the environment's, or is another environment's as well."""
    place = f"{loaded.file}, environment `{environment.name}`"
    naming = naming_of(loaded, environment)
    theirs = dict(_of_others(loaded, environment))
    for what, name in things_of(environment):
        if (what, name.lower()) in theirs:
            raise ConfigError(
                f"{what} `{name}` of `{environment.name}` belongs to `{theirs[(what, name.lower())]}` as well",
                place=place,
                hint="rename the one that is written out; nothing was touched",
            )
        if not naming.is_own(name):
            raise ConfigError(
                f"{what} `{name}` does not bear the name `{environment.name}`, so nobody could tell whose it is",
                place=place,
                hint="put {environment} into the name; nothing was touched",
            )


def things_of(environment: Environment) -> Iterator[tuple[str, str]]:
    """Everything of it that Cloudflare knows by its name, as (what, name)."""
    return ((what, name) for what, name, path in unique_things(environment) if path[0] in ("host", "worker"))


def _of_others(loaded: LoadedInventory, environment: Environment) -> Iterator[tuple[tuple[str, str], str]]:
    for entry in loaded.entries:
        if NUMBER not in entry:
            other = loaded.sample(entry).environment
        elif match_template(entry, environment.name) is None:
            other = _of_template(loaded, entry, environment)
        else:
            continue
        for what, name in things_of(other):
            yield (what, name.lower()), other.name
    # Two templates that make one name of two numbers.
    matching = [entry for entry in loaded.entries if match_template(entry, environment.name) is not None]
    for entry in matching[1:]:
        yield ("host", environment.host.lower()), entry


def _of_template(loaded: LoadedInventory, entry: str, environment: Environment) -> Environment:
    """The environment of another template with the same number."""
    return loaded.environment(entry.replace(NUMBER, str(environment.number)))
