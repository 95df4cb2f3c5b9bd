"""What must not reach the tests of their surroundings: a person's credentials and settings, a job's own words."""

from __future__ import annotations

from typing import Final

FOREIGN: Final = (
    "CLOUDFLARE_", "CF_", "AWS_", "R2_", "CONVEX_", "TF_", "WRANGLER_", "GH_", "GITHUB_", "ACTIONS_", "DEPLOYER_",
)  # fmt: skip
"""How the names of such variables begin."""
