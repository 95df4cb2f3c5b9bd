"""Wrangler: uploads a Worker with its assets and secrets."""

from __future__ import annotations

from deployer.adapters.wrangler.cli import Upload, Wrangler

__all__ = ["Upload", "Wrangler"]
