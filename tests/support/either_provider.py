"""Terraform with the embedded provider attached, or with the official one where Terraform finds it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.terraform import Terraform

REQUIRED = """
terraform {
  required_providers {
    cloudflare = { source = "cloudflare/cloudflare", version = "~> 5.0" }
  }
}
"""
_MISSING = "the official half did not run: Terraform finds no cloudflare/cloudflare provider"


def provider_environment(wanted: str, sandbox: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Give what Terraform is started with; skips the test where the official provider is wanted and not there."""
    environment = {name: value for name, value in sandbox.items() if name.startswith(("CLOUDFLARE_", "TF_"))}
    if wanted == "official":
        del environment["TF_REATTACH_PROVIDERS"]
        # A mirror or a development override is named in the person's own configuration.
        for name in ("TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR"):
            if os.environ.get(name):
                environment[name] = os.environ[name]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "main.tf").write_text(REQUIRED)
        tried = Terraform(folder=folder, work=folder / ".work", environment=environment)
        if tried.run("init", "-no-color", ok=(0, 1)).returncode:
            pytest.skip(_MISSING)
    return environment
