"""Deployments as a whole: the account's entry, its ports, and the process that serves it, always changed together."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

from sandbox.convex.node_host import NodeHost
from sandbox.convex.state import Account
from sandbox.ports import HOST
from sandbox.service import Context


class Deployments:
    """Adds, changes and removes deployments so that account and process agree."""

    def __init__(self, context: Context, account: Account) -> None:
        self._context = context
        self.account = account
        self.host = NodeHost(context, self.configuration)

    def configuration(self) -> Sequence[dict[str, Any]]:
        """What the process must hold."""
        with self.account.lock:
            return [self._configured(deployment) for deployment in self.account.deployments()]

    def url(self, deployment: dict[str, Any]) -> str:
        """The cloud origin."""
        return f"http://{HOST}:{self._port(deployment['name'])}"

    def add(self, kind: str, **options: Any) -> dict[str, Any]:
        """Make a deployment that answers."""
        deployment = self.account.add(kind, **options)
        self.host.apply()
        return deployment

    def managed_key(self, deployment: dict[str, Any]) -> str:
        """The control plane's own key for it, usable at once."""
        before = len(self.account.data["keys"])
        key = self.account.managed_key(deployment)
        if len(self.account.data["keys"]) != before:
            self.host.apply()
        return key

    def remove(self, name: str) -> None:
        """Delete a deployment with its data."""
        self.account.remove(name)
        self.host.apply()
        # The process does it too; this covers the moment in which it is being started again.
        shutil.rmtree(self._context.folder / name, ignore_errors=True)
        for port in (f"convex/{name}", f"convex/{name}/site"):
            self._context.ports.forget(port)

    def clear(self) -> None:
        """Delete all; ports stay, so that a deployment that is made again answers where built pages look for it."""
        self.account.clear()
        self.host.apply()

    def remove_expired(self) -> None:
        """Delete what has expired."""
        for name in self.account.expired():
            self.remove(name)

    def _configured(self, deployment: dict[str, Any]) -> dict[str, Any]:
        name = deployment["name"]
        keys = [
            {"id": key["id"], "sha256": key["sha256"], "actions": key["allowedActions"], "expiresAt": key["expiresAt"]}
            for key in self.account.keys_of(name)
        ]
        return {
            "name": name,
            "type": deployment["type"],
            "id": deployment["id"],
            "reference": deployment["reference"],
            "expiresAt": deployment["expiresAt"],
            "teamId": self.account.team["id"],
            "projectId": self.account.project["id"],
            "projectName": self.account.project["name"],
            "projectSlug": self.account.project["slug"],
            "port": self._port(name),
            "sitePort": self._context.ports.get(f"convex/{name}/site"),
            "keys": keys,
            "environment": self.account.defaults(deployment["type"]),
        }

    def _port(self, name: str) -> int:
        return self._context.ports.get(f"convex/{name}")
