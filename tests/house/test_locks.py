"""The lock files agree with what asks for them, on every platform and without naming a registry."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PACKAGE_LOCKS = ["package-lock.json", "example/package-lock.json"]


def pins(lock: str) -> dict[str, set[str]]:
    """Return the versions that a lock file pins, by package (several where markers choose)."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.\-]+)==([\w.]+)", (ROOT / "requirements" / lock).read_text(), re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def wanted() -> dict[str, list[Requirement]]:
    """Return what pyproject.toml asks for, by lock file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime = [Requirement(text) for text in project["project"]["dependencies"]]
    groups = [Requirement(text) for group in project["dependency-groups"].values() for text in group]
    return {"runtime.lock": runtime, "all.lock": runtime + groups}


@pytest.mark.parametrize("lock", ["runtime.lock", "all.lock"])
def test_the_lock_pins_what_pyproject_asks_for(lock: str) -> None:
    """Every requirement has a pin that satisfies it; otherwise `nox -s lock` was forgotten."""
    locked = pins(lock)
    missing = [
        str(requirement)
        for requirement in wanted()[lock]
        if not any(requirement.specifier.contains(v) for v in locked.get(canonicalize_name(requirement.name), ()))
    ]

    assert missing == []


def test_the_runtime_lock_is_a_part_of_the_whole() -> None:
    """A job that only deploys runs the very versions that the tests ran."""
    whole = pins("all.lock")

    assert {name: versions for name, versions in pins("runtime.lock").items() if whole.get(name) != versions} == {}


def test_the_runtime_group_stays_small() -> None:
    """Neither the sandbox nor development tools reach a job that only deploys."""
    assert not {"moto", "tf", "grpcio", "pytest", "mypy", "nox", "flask"} & set(pins("runtime.lock"))


@pytest.mark.parametrize("lock", ["all.lock", "runtime.lock", "go.lock"])
def test_every_pin_has_hashes(lock: str) -> None:
    """Pip refuses a file whose hash is not listed, so every pin needs some."""
    text = (ROOT / "requirements" / lock).read_text()
    entries = re.split(r"^(?=[\w.\-]+==)", text, flags=re.MULTILINE)[1:]

    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("path", PACKAGE_LOCKS)
def test_the_package_lock_is_complete_and_names_no_registry(path: str) -> None:
    """`npm ci` works on every platform and takes packages from whatever registry is configured."""
    packages = json.loads((ROOT / path).read_text())["packages"]
    absent = {
        name
        for package in packages.values()
        for name in package.get("optionalDependencies", {})
        if not any(key == f"node_modules/{name}" or key.endswith(f"/node_modules/{name}") for key in packages)
    }

    assert absent == set()
    assert [name for name, package in packages.items() if "resolved" in package] == []


@pytest.mark.parametrize("path", ["package.json", "example/package.json"])
def test_javascript_tools_are_pinned_exactly(path: str) -> None:
    """Their command lines and records are contracts; a range would let them change by themselves."""
    package = json.loads((ROOT / path).read_text())
    tools = {"wrangler", "convex", "convex-test"} & (
        (asked := {**package.get("dependencies", {}), **package.get("devDependencies", {})}).keys()
    )

    assert {name: asked[name] for name in tools if not re.fullmatch(r"[\d.]+", asked[name])} == {}
