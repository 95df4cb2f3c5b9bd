"""The embedded provider alone, for tests that need its schema and no account behind it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.terraform import REPOSITORY


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
