"""Ways out of the deployer's package that no import shows: each has one door, and only that module may use it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# The runner is a program of its own that Terraform's library runs in: its process is nobody else's.
RUNNER = "deployer/adapters/terraform/runner.py"
DOORS = [
    pytest.param(
        {"os.environ", "os.environb", "os.getenv", "os.putenv"},
        {"deployer/adapters/environ.py"},
        id="the process environment",
    ),
    pytest.param(
        {"sys.exit", "os._exit", "os.abort", "SystemExit", "exit", "quit", "invoke.exceptions.Exit"},
        # A command line that names no task never reaches the boundary.
        {"deployer/cli/boundary.py", "deployer/cli/parsing.py", RUNNER},
        id="the end of the process",
    ),
    pytest.param({"signal.signal"}, {"deployer/cli/signals.py", RUNNER}, id="signal handlers"),
    pytest.param({"print"}, set(), id="printing past the sink"),
    pytest.param({"os.system", "os.popen", "os.execv", "os.execve", "os.fork", "os.posix_spawn"}, set(), id="programs"),
]


def used(path: Path) -> Iterator[str]:
    """Full names of what a module uses of other modules and of the built-ins."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update({alias.asname or alias.name: alias.name for alias in node.names})
        elif isinstance(node, ast.ImportFrom):
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield names.get(node.id, node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{names.get(node.value.id, node.value.id)}.{node.attr}"


@pytest.mark.parametrize(("what", "doors"), DOORS)
def test_each_way_out_has_one_door(what: set[str], doors: set[str]) -> None:
    """A second place that reads the environment, exits or catches signals is found by its name."""
    found = {
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "deployer").rglob("*.py"))
        if what.intersection(used(path))
    }

    assert found == doors
