"""Finds the repository on GitHub that a run may ask and tell things.

On the real target the process environment says it, on the sandbox its connection.json alone, so that a rehearsal never
writes to a real pull request. Without a token there is none: who only wants to check something goes on without.
"""

from __future__ import annotations

import re
import urllib.parse
from typing import TYPE_CHECKING, Final

from deployer.adapters.github import GitHub
from deployer.errors import ConfigError, CredentialsMissing
from deployer.inventory.model import REPOSITORY_FORM

if TYPE_CHECKING:
    from deployer.adapters.http import Http
    from deployer.adapters.target import Target
    from deployer.inventory.load import LoadedInventory
    from deployer.playbooks.wiring import Wiring

PUBLIC: Final = "https://api.github.com"
TOKENS: Final = ("GITHUB_TOKEN", "GH_TOKEN")
API_URL: Final = "GITHUB_API_URL"
REPOSITORY: Final = "GITHUB_REPOSITORY"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
# What comes from the environment is held to the form that the inventory asks for.
_NAME: Final = re.compile(REPOSITORY_FORM)


def github_of(target: Target, *, loaded: LoadedInventory, http: Http) -> GitHub | None:
    """The repository, as the target's token sees it; None without a token, or if nothing says which repository."""
    values = target.credentials
    token = next((values[name] for name in TOKENS if values.get(name)), None)
    repository = repository_of(target, loaded=loaded)
    base = values.get(API_URL) or (PUBLIC if target.name != "sandbox" else None)
    if token is None or repository is None or base is None:
        return None
    http.redactor.add(token)
    return GitHub(http, _checked(base, target).rstrip("/"), token, repository)


def repository_of(target: Target, *, loaded: LoadedInventory) -> str | None:
    """`owner/name` of the repository; None if neither the environment nor the inventory says it."""
    found = target.credentials.get(REPOSITORY) or loaded.inventory.project.repository
    if found and not _NAME.fullmatch(found):
        raise ConfigError(f"`{found}` is no repository on GitHub", place=REPOSITORY, hint="it has the form owner/name")
    return found or None


def hub_of(wiring: Wiring) -> GitHub | None:
    """`github_of` for a wiring."""
    return github_of(wiring.target, loaded=wiring.loaded, http=wiring.http)


def why_not_asked(target: Target, *, loaded: LoadedInventory) -> str:
    """What `github_of` has missed, where it gave None."""
    if not any(target.credentials.get(name) for name in TOKENS):
        lacking = " or ".join(TOKENS)
    else:
        lacking = API_URL if repository_of(target, loaded=loaded) else REPOSITORY
    return f"GitHub is not asked: no {lacking}"


def require_hub(wiring: Wiring, *, purpose: str) -> GitHub:
    """The same for what cannot be done without; `purpose` says what for."""
    found = hub_of(wiring)
    if found is None:
        raise missing(wiring.target, loaded=wiring.loaded, purpose=purpose)
    return found


def missing(target: Target, *, loaded: LoadedInventory, purpose: str) -> CredentialsMissing:
    """The error that names what is not there."""
    absent: dict[str, str] = {}
    if not any(target.credentials.get(name) for name in TOKENS):
        absent[TOKENS[0]] = f"{purpose} (or {TOKENS[1]})"
    if repository_of(target, loaded=loaded) is None:
        absent[REPOSITORY] = "says which repository (or `repository` in [project] of environments.toml)"
    if target.name == "sandbox" and not target.credentials.get(API_URL):
        absent[API_URL] = purpose
    return target.missing(absent)


def _checked(base: str, target: Target) -> str:
    """A token goes only where it belongs: the stand-in is on this machine, everybody else has a certificate."""
    parts = urllib.parse.urlsplit(base)
    here = parts.hostname in _LOOPBACK
    if (target.name == "sandbox" and not here) or not (here or parts.scheme == "https"):
        raise ConfigError(
            f"GitHub's address `{base}` {'is not on this machine' if target.name == 'sandbox' else 'is not https'}",
            place=f"{API_URL} in {target.place}",
            hint="the token is sent to no such address",
        )
    return base
