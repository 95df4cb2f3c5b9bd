"""The embedded Terraform provider as a service: a process of its own to which Terraform attaches.

Knows how it is started and announced, nothing of the plugin protocol.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from sandbox.children import Child
from sandbox.seed import Reference
from sandbox.service import Context, Service


class ProviderService(Service):
    """`python -m sandbox.provider`; its first line is the value of TF_REATTACH_PROVIDERS."""

    name = "provider"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._child: Child | None = None
        self._reattach: Mapping[str, Any] = {}

    def start(self) -> None:
        """Start the process."""
        # Terraform attaches to a running process, so the provider does not see Terraform's environment but this one.
        settings = {
            "CLOUDFLARE_BASE_URL": self.context.url("cloudflare") + "/client/v4",
            "CLOUDFLARE_API_TOKEN": self.context.vault.invent(Reference(env="CLOUDFLARE_API_TOKEN")),
        }
        self._child = self.context.spawn(
            self.name,
            [sys.executable, "-m", "sandbox.provider", "--socket", str(self.context.home.socket(self.name))],
            environment={**os.environ, **settings},
            on_ready=self._attachable,
        )

    def wait(self) -> None:
        """Until Terraform can attach."""
        if self._child:
            self._child.wait_ready()

    def environment(self) -> Mapping[str, str]:
        """What Terraform needs."""
        if not self._reattach:
            return {}
        return {"TF_REATTACH_PROVIDERS": json.dumps(self._reattach, separators=(",", ":"))}

    def _attachable(self, message: Mapping[str, Any]) -> None:
        self._reattach = message
        self.context.connection_changed()


def create(context: Context) -> Service:
    """See `sandbox`."""
    return ProviderService(context)
