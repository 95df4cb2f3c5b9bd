"""What exists in the Convex account: one team, its project, deployments, keys, default variables. One JSON document.

Holds the account's rules (names, quota, expiry, defaults); knows neither HTTP nor the process that runs deployments.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Any

from sandbox.convex import keys
from sandbox.convex.answers import bad_request, not_found
from sandbox.store import Snapshot

PREVIEW_DAYS = 5  # of the Free and Starter plans; so is the quota
QUOTA = 40
SHORTEST_EXPIRY = 30 * 60 * 1000
TYPES = ("dev", "prod", "preview", "custom")

_ADJECTIVES = (
    "amiable",
    "brisk",
    "calm",
    "deft",
    "eager",
    "fabled",
    "gentle",
    "hardy",
    "jolly",
    "keen",
    "lively",
    "mellow",
    "nimble",
    "patient",
    "quick",
    "steady",
    "tidy",
    "vivid",
)
_ANIMALS = (
    "badger",
    "cormorant",
    "dolphin",
    "ermine",
    "falcon",
    "gecko",
    "heron",
    "ibis",
    "jackal",
    "kestrel",
    "lemur",
    "marten",
    "narwhal",
    "otter",
    "puffin",
    "quail",
    "tern",
)


def now() -> int:
    """Milliseconds since the epoch, as all of Convex's APIs count."""
    return int(time.time() * 1000)


def empty() -> dict[str, Any]:
    """The document of an account in which nothing exists."""
    return {"number": 1000, "team": None, "project": None, "deployments": {}, "keys": [], "tokens": [], "defaults": {}}


class Account:
    """The document with its rules. Every method that changes something calls `changed()`."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.lock = snapshot.lock

    @property
    def data(self) -> dict[str, Any]:
        """The document."""
        return self._snapshot.data

    def changed(self) -> None:
        """The document is to be written."""
        self._snapshot.changed()

    def clear(self) -> None:
        """Forget everything."""
        self._snapshot.clear()

    def flush(self) -> None:
        """Write it."""
        self._snapshot.flush()

    def number(self) -> int:
        """The next id."""
        self.data["number"] += 1
        self.changed()
        return int(self.data["number"])

    # -- team and project

    def ensure_project(self, team: str, project: str) -> None:
        """The one team with the one project."""
        if self.data["team"] is None or self.data["team"]["slug"] != team:
            self.data["team"] = {"id": self.number(), "slug": team, "name": team}
        if self.data["project"] is None or self.data["project"]["slug"] != project:
            self.data["project"] = {"id": self.number(), "slug": project, "name": project, "createTime": now()}
        self.changed()

    @property
    def team(self) -> dict[str, Any]:
        """The team."""
        return dict(self.data["team"] or {"id": 0, "slug": "", "name": ""})

    @property
    def project(self) -> dict[str, Any]:
        """The project."""
        return dict(self.data["project"] or {"id": 0, "slug": "", "name": "", "createTime": 0})

    def require_project(self, team: str | int, project: str) -> None:
        """Fail unless that is the project."""
        if str(team) not in {str(self.team["id"]), self.team["slug"]} or project != self.project["slug"]:
            raise not_found("ProjectNotFound", f"There is no project `{project}` in the team `{team}`.")

    # -- deployments

    def deployments(self) -> Iterator[dict[str, Any]]:
        """All, oldest first."""
        return iter(list(self.data["deployments"].values()))

    def deployment(self, name: str) -> dict[str, Any]:
        """One by name."""
        found = self.data["deployments"].get(name)
        if found is None:
            raise not_found("DeploymentNotFound", f"There is no deployment named `{name}`.")
        return dict(found)

    def find(self, **fields: Any) -> dict[str, Any] | None:
        """The first deployment with these values, or None."""
        for one in self.deployments():
            if all(one.get(field) == value for field, value in fields.items()):
                return one
        return None

    def add(
        self,
        kind: str,
        *,
        name: str | None = None,
        reference: str | None = None,
        identifier: str | None = None,
        expires: int | None = None,
        default: bool | None = None,
    ) -> dict[str, Any]:
        """Make a deployment; its quota, reference and expiry follow the plan's rules."""
        if len(self.data["deployments"]) >= QUOTA:
            message = f"You have reached the quota of {QUOTA} deployments for this team."
            raise bad_request("DeploymentQuotaReached", message)
        chosen = name or self._new_name()
        reference = reference or (f"preview/{identifier}" if kind == "preview" else None) or _reference(kind, chosen)
        if self.find(reference=reference):
            message = f"A deployment with the reference `{reference}` exists already."
            raise bad_request("DeploymentReferenceTaken", message)
        first = kind in {"dev", "prod"} and self.find(type=kind, isDefault=True) is None
        if kind == "preview" and expires is None:
            expires = now() + PREVIEW_DAYS * 24 * 3600 * 1000
        deployment = {
            "id": self.number(),
            "name": chosen,
            "type": kind,
            "createTime": now(),
            "reference": reference,
            "previewIdentifier": identifier,
            "expiresAt": expires,
            "isDefault": first if default is None else default,
            "class": "s16",
            "region": "aws-us-east-1",
            "sendLogsToClient": None,
            "dashboardEditConfirmation": None,
        }
        self.data["deployments"][chosen] = deployment
        self.changed()
        return dict(deployment)

    def update(self, name: str, **fields: Any) -> None:
        """Change fields of a deployment."""
        self.deployment(name)
        self.data["deployments"][name].update(fields)
        self.changed()

    def remove(self, name: str) -> None:
        """Delete a deployment and its keys."""
        self.deployment(name)
        del self.data["deployments"][name]
        self.data["keys"] = [key for key in self.data["keys"] if key["deployment"] != name]
        self.changed()

    def expired(self) -> list[str]:
        """Names of deployments whose time is over."""
        return [one["name"] for one in self.deployments() if one["expiresAt"] is not None and one["expiresAt"] <= now()]

    # -- keys and tokens

    def add_key(
        self,
        name: str,
        secret: str,
        *,
        deployment: str | None,
        actions: list[str] | None = None,
        expires: int | None = None,
        managed: bool = False,
    ) -> dict[str, Any]:
        """Keep a key of a deployment, or (without one) of the project's previews; never the same secret twice."""
        secret_digest = keys.digest(secret)
        for known in self.data["keys"]:
            if known["sha256"] == secret_digest and known["deployment"] == deployment:
                return dict(known)
        key = {
            "id": self.number(),
            "name": name,
            "deployment": deployment,
            "sha256": secret_digest,
            "creationTime": now(),
            "lastUsedTime": None,
            "expiresAt": expires,
            "allowedActions": actions,
            # The control plane must be able to hand out a preview's own key again.
            "secret": secret if managed else None,
        }
        self.data["keys"].append(key)
        self.changed()
        return dict(key)

    def keys_of(self, deployment: str | None) -> list[dict[str, Any]]:
        """Keys of a deployment, or of the project's previews."""
        return [dict(key) for key in self.data["keys"] if key["deployment"] == deployment]

    def find_key(self, secret_digest: str, deployment: str | None) -> dict[str, Any] | None:
        """A key that is valid now."""
        for key in self.data["keys"]:
            expired = key["expiresAt"] is not None and key["expiresAt"] <= now()
            if key["sha256"] == secret_digest and key["deployment"] == deployment and not expired:
                return dict(key)
        return None

    def remove_key(self, identifier: str, deployment: str | None) -> None:
        """Delete a key by the whole key, its secret part, or its name."""
        wanted = {keys.digest(keys.secret_of(identifier)), keys.digest(identifier)}
        for key in self.data["keys"]:
            if key["deployment"] == deployment and (key["sha256"] in wanted or key["name"] == identifier):
                self.data["keys"].remove(key)
                self.changed()
                return
        raise not_found("DeployKeyNotFound", "There is no such deploy key.")

    def managed_key(self, deployment: dict[str, Any]) -> str:
        """The key by which the control plane lets a client into a deployment; made the first time."""
        for key in self.data["keys"]:
            if key["deployment"] == deployment["name"] and key["secret"]:
                return keys.deployment_key(deployment["type"], deployment["name"], key["secret"])
        secret = keys.new_secret()
        self.add_key("managed by the control plane", secret, deployment=deployment["name"], managed=True)
        return keys.deployment_key(deployment["type"], deployment["name"], secret)

    def set_tokens(self, tokens: dict[str, str]) -> None:
        """The team's access tokens, by name."""
        known = {token["name"]: token for token in self.data["tokens"]}
        self.data["tokens"] = [
            known.get(name) or {"id": self.number(), "name": name, "sha256": keys.digest(secret), "createTime": now()}
            for name, secret in tokens.items()
        ]
        self.changed()

    def find_token(self, secret: str) -> dict[str, Any] | None:
        """A team token, or None."""
        wanted = keys.digest(secret)
        return next((dict(token) for token in self.data["tokens"] if token["sha256"] == wanted), None)

    # -- default environment variables

    def defaults(self, kind: str) -> dict[str, str]:
        """What a new deployment of that type starts with."""
        return dict(self.data["defaults"].get(kind, {}))

    def set_default(self, kind: str, name: str, value: str | None) -> None:
        """Set or (None) remove a default variable."""
        values = self.data["defaults"].setdefault(kind, {})
        if value is None:
            values.pop(name, None)
        else:
            values[name] = value
        self.changed()

    def _new_name(self) -> str:
        while True:
            name = f"{secrets.choice(_ADJECTIVES)}-{secrets.choice(_ANIMALS)}-{secrets.randbelow(900) + 100}"
            if name not in self.data["deployments"]:
                return name


def _reference(kind: str, name: str) -> str:
    return f"{kind}/{name}"
