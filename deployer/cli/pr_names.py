"""From a pull request's number to the environment's name: by the inventory's template, or by one of several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployer.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from deployer.cli.session import Session
    from deployer.inventory.load import LoadedInventory


def environment_of(session: Session, *, number: str, env: str) -> str:
    """The name; every name of the environment is checked before anything is asked or touched."""
    from deployer.review.own_names import refuse_foreign_names

    loaded = session.inventory()
    name = name_of(loaded, number=number, env=env, command=session.command)
    session.environment = name
    refuse_foreign_names(loaded, loaded.environment(name))
    return name


def name_of(loaded: LoadedInventory, *, number: str, env: str, command: str) -> str:
    """`--number 12`, with `--env` naming the template where there are several, or `--env pr-12` alone."""
    from deployer.inventory.names import LARGEST_NUMBER, NUMBER, match_template

    templates = [entry for entry in loaded.entries if NUMBER in entry]
    if not templates:
        raise ConfigError(
            "the inventory has no template, so there are no ephemeral environments",
            place=loaded.file,
            hint=f'add a table such as [environments."pr-{NUMBER}"]',
        )
    if not number:
        named = [entry for entry in templates if env and match_template(entry, env) is not None]
        if named:
            return env
        raise UsageError(f"`{command}` needs --number", hint="the pull request's number, e.g. `--number 12`")
    if not (number.isascii() and number.isdecimal()) or not 1 <= int(number) <= LARGEST_NUMBER:
        raise UsageError(f"`--number {number}` is not a number from 1 to {LARGEST_NUMBER}", hint="e.g. `--number 12`")
    fitting = [entry for entry in templates if not env or env in _said_as(entry, int(number))]
    listed = ", ".join(f"`{_short(entry)}`" for entry in templates)
    if not fitting:
        raise UsageError(f"no template is called `{env}` for number {int(number)}", hint=f"--env takes {listed}")
    if len(fitting) > 1:
        raise UsageError("the inventory has several templates, and --env does not say which", hint=f"add one: {listed}")
    return fitting[0].replace(NUMBER, str(int(number)))


def _said_as(entry: str, number: int) -> tuple[str, ...]:
    from deployer.inventory.names import NUMBER

    return (entry, _short(entry), entry.replace(NUMBER, str(number)))


def _short(entry: str) -> str:
    """A template without its number: `pr` for `pr-{number}`."""
    from deployer.inventory.names import NUMBER

    return entry.replace(NUMBER, "").strip("-")
