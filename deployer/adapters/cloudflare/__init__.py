"""The few calls to Cloudflare's API that the deployer makes itself."""

from __future__ import annotations

from deployer.adapters.cloudflare.api import CloudflareApi, LiveVersion
from deployer.adapters.cloudflare.existing import FINDABLE, import_id

__all__ = ["FINDABLE", "CloudflareApi", "LiveVersion", "import_id"]
