"""The policies at AWS that let the jobs of an environment read its secrets: who may take the role, and what it may do.

Rendered from templates/aws and the inventory, to be put into AWS by whoever administers it: no job of ours can give
itself rights.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deployer.errors import ConfigError
from deployer.inventory.base import SecretRef
from deployer.inventory.ci import Roles
from deployer.playbooks.environments import written_out
from deployer.playbooks.github_wiring import repository_of

if TYPE_CHECKING:
    from deployer.playbooks.wiring import Wiring

PLAN_SUFFIX: Final = "-plan"
SAMPLE_ACCOUNT: Final = "123456789012"
"""AWS's own example: for hints, and for rehearsals of an inventory that names none."""
_UNCHOSEN: Final = "??????"


@dataclass(frozen=True, kw_only=True)
class Role:
    """One role: its name, the GitHub environment whose jobs may take it, and its two policies."""

    name: str
    github_environment: str
    trust: dict[str, Any]
    permissions: dict[str, Any]


def roles_of(wiring: Wiring) -> tuple[Role, ...]:
    """The roles of an environment: one for its plans and one for what changes it; a preview has one for both."""
    roles = wiring.loaded.inventory.ci.roles
    if roles is None:
        raise ConfigError(
            "the inventory does not say in which account the roles are",
            place=f"{wiring.loaded.file}, table [ci]",
            hint=f'roles = {{ account_id = "{SAMPLE_ACCOUNT}" }}',
        )
    environment = wiring.environment
    names: tuple[str, ...]
    if environment.number is not None:
        names = (wiring.loaded.inventory.ci.previews.environment,)
    else:
        names = (environment.name, f"{environment.name}{PLAN_SUFFIX}")
    return tuple(_role(wiring, roles, name) for name in names)


def all_subjects(wiring: Wiring) -> tuple[str, ...]:
    """The subjects of the jobs of all environments of the inventory."""
    roles = wiring.loaded.inventory.ci.roles or Roles(account_id=SAMPLE_ACCOUNT)
    loaded = wiring.loaded
    names = [name for entry in written_out(loaded) for name in (entry, f"{entry}{PLAN_SUFFIX}")]
    names.append(loaded.inventory.ci.previews.environment)
    repository = _repository(wiring)
    return tuple(subject for name in names for subject in subjects_of(repository, name, roles))


def _role(wiring: Wiring, roles: Roles, github_environment: str) -> Role:
    subjects = list(subjects_of(_repository(wiring), github_environment, roles))
    trust = wiring.templates.render("aws/trust-policy.json.j2", {"account": roles.account_id, "subjects": subjects})
    permissions = wiring.templates.render("aws/permission-policy.json.j2", {"secrets": list(_secrets(wiring, roles))})
    return Role(
        name=f"{wiring.loaded.inventory.project.name}-{github_environment}",
        github_environment=github_environment,
        trust=json.loads(trust),
        permissions=json.loads(permissions),
    )


def subjects_of(repository: str, github_environment: str, roles: Roles) -> Iterator[str]:
    """The subjects that GitHub gives to jobs of an environment, in the forms that the inventory says are in force."""
    owner, _, name = repository.partition("/")
    if roles.subjects in ("ids", "both"):
        yield f"repo:{owner}@{roles.owner_id}/{name}@{roles.repository_id}:environment:{github_environment}"
    if roles.subjects in ("names", "both"):
        yield f"repo:{repository}:environment:{github_environment}"


def _repository(wiring: Wiring) -> str:
    found = repository_of(wiring.target, loaded=wiring.loaded)
    if found is None:
        raise ConfigError(
            "nothing says which repository on GitHub the jobs are of",
            place=f"{wiring.loaded.file}, table [project]",
            hint='repository = "owner/name"',
        )
    return found


def _secrets(wiring: Wiring, roles: Roles) -> Iterator[str]:
    """The secrets of the environment at AWS; of all pull requests where it is made for one."""
    region = wiring.loaded.inventory.project.aws_region
    for identifier in sorted({reference.aws for reference in _references(wiring) if reference.aws}):
        name = identifier
        number = wiring.environment.number
        if number is not None:
            name = re.sub(rf"(?<!\d){number}(?!\d)", "*", identifier)
        yield f"arn:aws:secretsmanager:{region}:{roles.account_id}:secret:{name}-{_UNCHOSEN}"


def _references(wiring: Wiring) -> Iterator[SecretRef]:
    yield from wiring.references.values()
    e2e = wiring.loaded.inventory.app.e2e
    if e2e is not None:
        yield from e2e.bypass.values()
