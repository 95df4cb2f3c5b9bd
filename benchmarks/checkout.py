"""A scratch copy of this checkout with a sandbox of its own, so that measuring disturbs nothing that is running.

Installed packages are shared by symbolic links; the inventory gets more Worker secrets, since the sequence that is
compared with pushes ten.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import Command

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
SECRETS = 10
CLEARED = (
    "CLOUDFLARE_", "CF_", "AWS_", "R2_", "CONVEX_", "TF_", "WRANGLER_", "SANDBOX_", "GH_", "GITHUB_",
    "ACTIONS_", "DEPLOYER_",
)  # fmt: skip


@dataclass(frozen=True)
class Checkout:
    """The copy and the environment in which its commands run."""

    root: Path
    environment: Mapping[str, str]

    def command(self, *argv: str) -> Command:
        """Return one of our commands in this checkout."""
        return Command(argv=argv, cwd=self.root, environment=self.environment)

    def call(self, *argv: str) -> str:
        """Run a command that is not measured; return its standard output."""
        done = subprocess.run(
            argv, cwd=self.root, env=dict(self.environment), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"error: {' '.join(argv)} ended with {done.returncode}\n{done.stderr[-2000:]}")
        return done.stdout

    def connection(self) -> Mapping[str, Any]:
        """Return how the sandbox is reached, with its dummy credentials."""
        found: Mapping[str, Any] = json.loads((self.root / ".sandbox" / "connection.json").read_text())
        return found


@contextmanager
def scratch(folder: Path) -> Iterator[Checkout]:
    """Make the copy, start its sandbox, and end the sandbox afterwards."""
    root = folder / "checkout"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    (root / "node_modules").symlink_to(ROOT / "node_modules")
    (root / ".venv").symlink_to(BIN.parent)
    (root / "environments.toml").write_text(_with_secrets((root / "environments.toml").read_text()))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(CLEARED)}
    rc = folder / "terraform.rc"
    rc.touch()
    environment = kept | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(root),
        "CI": "1",
        "NO_COLOR": "1",
        "TF_CLI_CONFIG_FILE": str(rc),
        "CHECKPOINT_DISABLE": "1",
    }
    checkout = Checkout(root, environment)
    try:
        checkout.call("inv", "sandbox.up")
        # Both sides get the application's packages and a warm npm cache: installing them is the machine's matter.
        Checkout(root / "example", environment).call("npm", "ci")
        yield checkout
    finally:
        checkout.call("inv", "sandbox.down")


def _with_secrets(inventory: str) -> str:
    """Give the Worker as many secrets as the plain sequence puts."""
    head, mark, tail = inventory.partition("[defaults.worker.secrets]\n")
    present = tail.split("\n\n", 1)[0].count("=  {".replace("  ", " "))
    lines = "".join(
        f'BENCHMARK_{n} = {{ aws = "{{project}}/{{environment}}/worker", key = "BENCHMARK_{n}" }}\n'
        for n in range(SECRETS - present)
    )
    return head + mark + lines + tail
