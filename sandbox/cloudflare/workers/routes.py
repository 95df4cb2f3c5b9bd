"""All routes of Workers in one list."""

from __future__ import annotations

from sandbox.cloudflare.workers import assets, beta, hosts, scripts, versions

ROUTES = (*assets.ROUTES, *scripts.ROUTES, *versions.ROUTES, *beta.ROUTES, *hosts.ROUTES)
