"""The few calls to Cloudflare's API that the deployer makes itself."""

from __future__ import annotations

from deployer.adapters.cloudflare.api import CloudflareApi, LiveVersion
from deployer.adapters.cloudflare.existing import FINDABLE, CustomDomain, custom_domain, import_id

__all__ = ["FINDABLE", "CloudflareApi", "CustomDomain", "LiveVersion", "custom_domain", "import_id"]
