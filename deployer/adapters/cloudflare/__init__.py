"""The few calls to Cloudflare's API that the deployer makes itself."""

from __future__ import annotations

from deployer.adapters.cloudflare.api import CloudflareApi, LiveVersion

__all__ = ["CloudflareApi", "LiveVersion"]
