"""What the deployer wants to find in a fresh world: an account, zones, secrets, Convex deployments, a repository.

Parsed once into frozen values. Secret values are never part of a seed; the sandbox invents and keeps them (`vault.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeVar

from sandbox.errors import UsageError

_T = TypeVar("_T")
_DEFAULT_ACCOUNT = "0" * 31 + "1"


@dataclass(frozen=True)
class Account:
    """The one Cloudflare account."""

    id: str = _DEFAULT_ACCOUNT
    name: str = "sandbox"


@dataclass(frozen=True)
class Reference:
    """Where a secret value is looked for by clients: `env`, or `aws` (secret id) with `key` (JSON key)."""

    env: str | None = None
    aws: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class Secret:
    """One secret of AWS Secrets Manager whose value is a JSON object."""

    id: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Deployment:
    """One Convex deployment that exists from the start."""

    name: str
    type: str
    deploy_key: Reference | None


@dataclass(frozen=True)
class Convex:
    """The Convex side of the world."""

    team: str = "sandbox"
    project: str = "sandbox"
    deployments: tuple[Deployment, ...] = ()
    preview_keys: tuple[Reference, ...] = ()


@dataclass(frozen=True)
class GitHubEnvironment:
    """An environment of the repository. Reviewers by login; without `branches` a deployment may come from any."""

    name: str
    reviewers: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()
    prevent_self_review: bool = False
    wait_timer: int = 0


@dataclass(frozen=True)
class GitHubToken:
    """A token of an account, handed to clients under a variable's name."""

    env: str
    user: str
    permissions: Mapping[str, str]


@dataclass(frozen=True)
class GitHub:
    """The GitHub side of the world. `permissions` are those of GITHUB_TOKEN; none named: all."""

    repository: str = "sandbox/sandbox"
    default_branch: str = "main"
    environments: tuple[GitHubEnvironment, ...] = ()
    labels: tuple[str, ...] = ()
    permissions: Mapping[str, str] | None = None
    tokens: tuple[GitHubToken, ...] = ()


@dataclass(frozen=True)
class Seed:
    """The parsed seed and the digest of the text it came from."""

    account: Account = Account()
    zones: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()
    environment: tuple[str, ...] = ()
    convex: Convex = Convex()
    github: GitHub = GitHub()
    digest: str = field(default="", compare=False)


def parse(text: str) -> Seed:
    """Read a seed's JSON text; a wrong one is a `UsageError` that names the key."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise UsageError(f"the seed is not JSON: {error}", "the deployer writes one: `inv sandbox.up`") from None
    reader = _Reader(raw, "seed")
    if reader.value("schema", int) != 1:
        raise UsageError("the seed has a schema other than 1", "deployer and sandbox must be from one checkout")
    account = reader.optional("account")
    convex = reader.optional("convex")
    github = reader.optional("github")
    return Seed(
        account=_account(account) if account else Account(),
        zones=tuple(reader.texts("zones")),
        secrets=tuple(
            Secret(entry.value("id", str), tuple(entry.texts("keys"))) for entry in reader.entries("secrets")
        ),
        environment=tuple(reader.texts("environment")),
        convex=_convex(convex) if convex else Convex(),
        github=_github(github) if github else GitHub(),
        digest=sha256(text.encode()).hexdigest(),
    )


def _account(reader: _Reader) -> Account:
    identifier = reader.value("id", str)
    if not re.fullmatch(r"[0-9a-f]{32}", identifier):
        raise UsageError(f"{reader.place}.id is not 32 hexadecimal digits", "`account_id` in environments.toml")
    return Account(identifier, reader.value("name", str))


def _convex(reader: _Reader) -> Convex:
    deployments = []
    for entry in reader.entries("deployments"):
        key = entry.optional("deploy_key")
        deployments.append(
            Deployment(entry.value("name", str), entry.value("type", str), _reference(key) if key else None)
        )
    return Convex(
        team=reader.value("team", str),
        project=reader.value("project", str),
        deployments=tuple(deployments),
        preview_keys=tuple(_reference(entry) for entry in reader.entries("preview_keys")),
    )


def _github(reader: _Reader) -> GitHub:
    repository = reader.value("repository", str)
    if not re.fullmatch(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", repository):
        raise UsageError(f"{reader.place}.repository is not of the form owner/name", "`repository` in [project]")
    permissions = reader.optional("permissions")
    return GitHub(
        repository=repository,
        default_branch=reader.value("default_branch", str) if "default_branch" in reader.raw else "main",
        environments=tuple(_github_environment(entry) for entry in reader.entries("environments")),
        labels=tuple(reader.texts("labels")),
        permissions=permissions.levels() if permissions else None,
        tokens=tuple(_github_token(entry) for entry in reader.entries("tokens")),
    )


def _github_environment(reader: _Reader) -> GitHubEnvironment:
    return GitHubEnvironment(
        name=reader.value("name", str),
        reviewers=tuple(reader.texts("reviewers")),
        branches=tuple(reader.texts("branches")),
        prevent_self_review=reader.value("prevent_self_review", bool) if "prevent_self_review" in reader.raw else False,
        wait_timer=reader.value("wait_timer", int) if "wait_timer" in reader.raw else 0,
    )


def _github_token(reader: _Reader) -> GitHubToken:
    permissions = _Reader(reader.raw.get("permissions"), f"{reader.place}.permissions").levels()
    return GitHubToken(reader.value("env", str), reader.value("user", str), permissions)


def _reference(reader: _Reader) -> Reference:
    if "env" in reader.raw:
        return Reference(env=reader.value("env", str))
    return Reference(aws=reader.value("aws", str), key=reader.value("key", str))


class _Reader:
    """A JSON object that knows where it stands, so that an error can say so."""

    def __init__(self, raw: Any, place: str) -> None:
        if not isinstance(raw, Mapping):
            raise UsageError(f"{place} is not a JSON object")
        self.raw: Mapping[str, Any] = raw
        self.place = place

    def value(self, key: str, kind: type[_T]) -> _T:
        """A key that must be there."""
        found = self.raw.get(key)
        if not isinstance(found, kind):
            raise UsageError(f"{self.place}.{key} is missing or not {kind.__name__}")
        return found

    def optional(self, key: str) -> _Reader | None:
        """An object that may be missing."""
        return None if self.raw.get(key) is None else _Reader(self.raw[key], f"{self.place}.{key}")

    def texts(self, key: str) -> list[str]:
        """A list of texts, empty when missing."""
        found = self.raw.get(key, [])
        if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
            raise UsageError(f"{self.place}.{key} is not a list of texts")
        return found

    def levels(self) -> dict[str, str]:
        """The object itself, permissions by name."""
        for name, level in self.raw.items():
            if level not in ("read", "write", "none"):
                raise UsageError(f"{self.place}.{name} is neither read, write nor none")
        return dict(self.raw)

    def entries(self, key: str) -> list[_Reader]:
        """A list of objects, empty when missing."""
        found = self.raw.get(key, [])
        if not isinstance(found, list):
            raise UsageError(f"{self.place}.{key} is not a list")
        return [_Reader(item, f"{self.place}.{key}[{index}]") for index, item in enumerate(found)]
