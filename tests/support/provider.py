"""Which provider Terraform gets in a test: the embedded one alone, or the official one where Terraform finds it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.terraform import REPOSITORY, Terraform


@contextmanager
def attached_provider(base_url: str = "http://127.0.0.1:9/client/v4") -> Iterator[dict[str, str]]:
    """Run the provider and give the variables by which Terraform finds it; by default nobody answers its requests."""
    # Not pytest's folder: its path may be longer than a unix socket's may be.
    with tempfile.TemporaryDirectory(prefix="provider-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.provider", "--socket", str(Path(folder) / "socket")],
            cwd=REPOSITORY,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), "CLOUDFLARE_BASE_URL": base_url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, "the embedded provider ended before it was ready"
            yield {"TF_REATTACH_PROVIDERS": line.strip()}
        finally:
            # It ends with its standard input.
            process.stdin.close()
            process.wait(timeout=10)
            process.stdout.close()


def official_provider(root: Path, folder: Path) -> dict[str, str]:
    """Give the variables of a person's own Terraform set-up; skip the test, and say so, if it has no such provider."""
    # A mirror or a development override is named in that person's configuration.
    environment = {
        name: os.environ[name] for name in ("TF_CLI_CONFIG_FILE", "TF_PLUGIN_CACHE_DIR") if name in os.environ
    }
    terraform = Terraform(folder=root, work=folder, environment=environment)
    found = terraform.run("init", "-backend=false", "-lockfile=readonly", "-no-color", ok=(0, 1))
    if found.returncode:
        pytest.skip("the official half did not run: Terraform finds no cloudflare/cloudflare provider")
    return environment
