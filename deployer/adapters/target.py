"""The world that a run acts on: the real clouds or the sandbox.

A target answers four questions: which credentials there are, at which addresses the services answer, what a tool must
have in its environment, and how a host is reached. The target `cloudflare` looks only into the process environment,
`sandbox` only into what the sandbox wrote down; neither ever falls back on the other.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from deployer.adapters.environ import inherited
from deployer.errors import ConfigError, CredentialsMissing

TargetName = Literal["cloudflare", "sandbox"]

CLOUDFLARE_TOKEN = "CLOUDFLARE_API_TOKEN"  # noqa: S105 -- the name of a variable
R2_KEYS = ("R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY")
AWS_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
# Any of these lets boto3 find credentials for Secrets Manager by itself.
_OTHER_AWS_SOURCES = (
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_AWS_FILES = (".aws/credentials", ".aws/config")
# Variables by which tools find the stand-ins; they are no credentials.
_ADDRESSES = (
    "CLOUDFLARE_BASE_URL",
    "CLOUDFLARE_API_BASE_URL",
    "CONVEX_PROVISION_HOST",
    "CONVEX_VERSION_API_ORIGIN",
    "TF_REATTACH_PROVIDERS",
)
_SANDBOX_SERVICES = ("cloudflare", "s3", "secretsmanager", "edge", "convex", "github", "sts")


@dataclass(frozen=True, kw_only=True)
class Target:
    """Made by `cloudflare_target` or `sandbox_target`. `place` says where credentials are looked for."""

    name: TargetName
    place: str
    cloudflare_url: str
    s3_url: str
    secrets_url: str | None
    sts_url: str | None
    convex_url: str
    edge_url: str | None
    credentials: Mapping[str, str] = field(repr=False)
    process_environment: Mapping[str, str] = field(repr=False)
    # What tools need besides credentials to find the stand-ins.
    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)

    def credential(self, name: str) -> str:
        """One credential; a missing one is the same error that `require` raises."""
        self.require({name: "this step"})
        return self.credentials[name]

    def require(self, purposes: Mapping[str, str]) -> None:
        """Check that all these credentials are there; one error lists every missing one with its purpose."""
        missing = [name for name in purposes if not self.credentials.get(name)]
        if missing:
            raise self.missing({name: purposes[name] for name in missing})

    def missing(self, purposes: Mapping[str, str]) -> CredentialsMissing:
        """The error that lists `purposes` (name to what it is for) as missing."""
        width = max(len(name) for name in purposes)
        listed = [f"{name:<{width}}  {purpose}; looked for in {self.place}" for name, purpose in purposes.items()]
        count = len(purposes)
        if self.name == "sandbox":
            hint = "restart the sandbox, which makes them: `inv sandbox.down`, then the same command again"
        else:
            hint = "set them in the environment, or add `--sandbox` to run against the embedded stand-ins"
        return CredentialsMissing(
            f"{count} credential{'s are' if count > 1 else ' is'} missing: {', '.join(purposes)}",
            place=self.place,
            hint=hint,
            details=listed,
        )

    def missing_aws(self) -> dict[str, str]:
        """What is missing to read AWS Secrets Manager, as `require` wants it; empty if something is there."""
        purpose = "reads secrets from AWS Secrets Manager"
        keys = {name: purpose for name in AWS_KEYS if not self.credentials.get(name)}
        if not keys or self.name == "sandbox":
            return keys
        if any(self.credentials.get(name) for name in _OTHER_AWS_SOURCES):
            return {}
        home = Path(self.process_environment.get("HOME", "~")).expanduser()
        if any((home / name).is_file() for name in _AWS_FILES):
            return {}
        return {name: f"{purpose} (or one of {', '.join(_OTHER_AWS_SOURCES[:2])}, ~/.aws)" for name in keys}

    def tool_environment(
        self, *, credentials: Iterable[str] = (), extra: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """What a child process may see: how to find programs, the named credentials, and nothing else."""
        environment = inherited(self.process_environment)
        if self.name == "sandbox":
            environment["NO_PROXY"] = environment["no_proxy"] = "127.0.0.1,localhost,.localhost"
        for name in credentials:
            environment[name] = self.credential(name)
        return {**environment, **(extra or {})}

    def public_url(self, host: str) -> str:
        """The address at which a person opens `host`."""
        if self.edge_url is None:
            return f"https://{host}"
        parts = urllib.parse.urlsplit(self.edge_url)
        return f"{parts.scheme}://{host}.localhost:{parts.port}"

    def reach(self, host: str) -> tuple[str, dict[str, str]]:
        """Base address and headers by which we ask `host` ourselves, without relying on a resolver for the sandbox."""
        if self.edge_url is None:
            return f"https://{host}", {}
        return self.edge_url, {"Host": host}


def cloudflare_target(environment: Mapping[str, str], *, account_id: str) -> Target:
    """The real clouds, with the credentials that are in the process environment."""
    return Target(
        name="cloudflare",
        place="the process environment",
        cloudflare_url="https://api.cloudflare.com/client/v4",
        s3_url=f"https://{account_id}.r2.cloudflarestorage.com",
        secrets_url=None,
        sts_url=None,
        convex_url="https://api.convex.dev",
        edge_url=None,
        credentials=environment,
        process_environment=environment,
    )


def sandbox_target(connection: Path, environment: Mapping[str, str]) -> Target:
    """The sandbox that wrote `connection` (its connection.json)."""
    data = _read_connection(connection)
    services, made = data["services"], data["environment"]
    for name, address in {**services, "control": data.get("control", "")}.items():
        if urllib.parse.urlsplit(address).hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ConfigError(
                f"the sandbox's {name} address `{address}` is not on this machine",
                place=str(connection),
                hint="start it afresh: `inv sandbox.down`, `inv sandbox.up`",
            )
    addresses: dict[str, str] = {name: made[name] for name in _ADDRESSES if name in made}
    return Target(
        name="sandbox",
        place=str(connection),
        cloudflare_url=services["cloudflare"].rstrip("/"),
        s3_url=services["s3"].rstrip("/"),
        secrets_url=services["secretsmanager"].rstrip("/"),
        sts_url=services["sts"].rstrip("/"),
        convex_url=services["convex"].rstrip("/"),
        edge_url=services["edge"].rstrip("/"),
        credentials=made,
        process_environment=environment,
        addresses=addresses,
    )


def _read_connection(path: Path) -> dict[str, Any]:
    hint = "start it: `inv sandbox.up`"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError("the sandbox is not running", place=str(path), hint=hint) from None
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"the sandbox's connection file cannot be read: {error}", place=str(path), hint=hint
        ) from None
    services = data.get("services") if isinstance(data, dict) else None
    if not isinstance(services, dict) or not isinstance(data.get("environment"), dict):
        raise ConfigError("the sandbox's connection file has no services", place=str(path), hint=hint)
    absent = [name for name in _SANDBOX_SERVICES if name not in services]
    if absent:
        raise ConfigError(f"the sandbox does not serve: {', '.join(absent)}", place=str(path), hint=hint)
    connection: dict[str, Any] = data
    return connection
