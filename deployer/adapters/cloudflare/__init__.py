"""The few calls to Cloudflare's API that the deployer makes itself."""

from __future__ import annotations

from deployer.adapters.cloudflare.api import CloudflareApi, LiveVersion
from deployer.adapters.cloudflare.existing import FINDABLE, CustomDomain, custom_domain, import_id
from deployer.adapters.cloudflare.r2 import BucketSettings, Rule, RuleKind

__all__ = [
    "FINDABLE",
    "BucketSettings",
    "CloudflareApi",
    "CustomDomain",
    "LiveVersion",
    "Rule",
    "RuleKind",
    "custom_domain",
    "import_id",
]
