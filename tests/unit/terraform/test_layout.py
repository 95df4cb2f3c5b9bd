"""Rules of the Terraform code that Terraform does not check: what every module and root must say about itself."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TERRAFORM = ROOT / "terraform"
ROOTS = sorted((TERRAFORM / "roots").iterdir())
FOLDERS = sorted((TERRAFORM / "modules").iterdir()) + ROOTS
PROVIDER = "~> 5.22.0"


def _name(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=_name)
each_root = pytest.mark.parametrize("folder", ROOTS, ids=_name)


def _blocks(path: Path, kind: str) -> Iterator[tuple[str, str]]:
    """Name and body of every top-level block; `terraform fmt` keeps closing braces of others away from column 1."""
    for match in re.finditer(rf'^{kind} "(\w+)" {{\n(.*?)^}}', path.read_text(), re.MULTILINE | re.DOTALL):
        yield match[1], match[2]


def _description(body: str) -> str | None:
    found = re.search(r'^  description = "(.+)"$', body, re.MULTILINE)
    return found[1].replace('\\"', '"') if found else None


@each_folder
def test_folder_has_the_same_parts(folder: Path) -> None:
    """A module or root has main, variables, outputs, versions, a README and tests."""
    present = {path.name for path in folder.iterdir()}
    assert {"main.tf", "variables.tf", "outputs.tf", "versions.tf", "README.md", "tests"} <= present
    assert list((folder / "tests").glob("*.tftest.hcl"))


@each_folder
def test_variables_are_typed_described_and_checked(folder: Path) -> None:
    """Every variable has a type, a description and a check: its own, or that of the module it goes to."""
    main = (folder / "main.tf").read_text()
    for name, body in _blocks(folder / "variables.tf", "variable"):
        assert re.search(r"^  type +=", body, re.MULTILINE), f"variable {name} has no type"
        assert _description(body), f"variable {name} has no description"
        nullable = "nullable    = false" in body or "nullable = false" in body or "nullable  = false" in body
        assert nullable or re.search(r"^  default += null$", body, re.MULTILINE), f"variable {name} may be null"
        if re.search(r"^  type +=\s*bool$", body, re.MULTILINE) or "validation {" in body:
            continue
        assert _checked_by_a_module(folder, main, name), f"nobody checks variable {name}"


def _checked_by_a_module(folder: Path, main: str, variable: str) -> bool:
    for _, body in _blocks_of_modules(main):
        source = re.search(r'source = "(.+)"', body)
        received = re.search(rf"^  (\w+) += var\.{variable}$", body, re.MULTILINE)
        if source and received:
            inner = dict(_blocks((folder / source[1]).resolve() / "variables.tf", "variable"))
            if "validation {" in inner[received[1]]:
                return True
    return False


def _blocks_of_modules(main: str) -> Iterator[tuple[str, str]]:
    for match in re.finditer(r'^module "(\w+)" {\n(.*?)^}', main, re.MULTILINE | re.DOTALL):
        yield match[1], match[2]


@each_folder
def test_every_check_is_tried(folder: Path) -> None:
    """Each variable with a check of its own is made to fail by a test."""
    tests = "".join(path.read_text() for path in (folder / "tests").glob("*.tftest.hcl"))
    for name, body in _blocks(folder / "variables.tf", "variable"):
        if "validation {" in body:
            failures = len(re.findall(rf"expect_failures = \[var\.{name}\]", tests))
            checks = body.count("validation {")
            assert failures >= checks, f"variable {name}: {checks} checks, {failures} tests that they refuse something"


@each_folder
def test_readme_says_what_the_code_says(folder: Path) -> None:
    """The README's tables list every variable and output with its description, and no others."""
    readme = (folder / "README.md").read_text()
    said = dict(re.findall(r"^\| `(\w+)` \|.*?([^|]+) \|$", readme, re.MULTILINE))
    declared = {
        name: _description(body)
        for kind, file in (("variable", "variables.tf"), ("output", "outputs.tf"))
        for name, body in _blocks(folder / file, kind)
    }
    assert {name: text.strip() for name, text in said.items()} == declared


@each_folder
def test_versions_agree(folder: Path) -> None:
    """One constraint everywhere, or the lock file's union of constraints would change with the next init."""
    text = (folder / "versions.tf").read_text()
    assert f'version = "{PROVIDER}"' in text
    assert 'required_version = ">= 1.11.0, < 2.0.0"' in text


@each_root
def test_lock_file_pins_the_official_provider(folder: Path) -> None:
    """Every root has the same lock file: the official provider, its constraint, hashes for every platform."""
    lock = (folder / ".terraform.lock.hcl").read_text()
    assert lock == (ROOTS[0] / ".terraform.lock.hcl").read_text()
    assert 'provider "registry.terraform.io/cloudflare/cloudflare"' in lock
    assert f'constraints = "{PROVIDER}"' in lock
    assert len(re.findall(r'"zh:[0-9a-f]{64}"', lock)) == 9


@each_root
def test_backend_is_partial(folder: Path) -> None:
    """A root says how it locks; where the state is, and with which keys, is not in the code."""
    backend = re.search(r'backend "s3" {\n(.*?)\n  }', (folder / "versions.tf").read_text(), re.DOTALL)
    assert backend
    assert backend[1].split() == ["use_lockfile", "=", "true"]


def test_no_environment_is_named() -> None:
    """Environments, kinds, aliases and hosts are data: neither Terraform nor a template names one."""
    inventory = tomllib.loads((ROOT / "environments.toml").read_text())
    project = inventory["project"]
    words = {*inventory["kinds"], *inventory["environments"], project["name"], project["zone"], project["account_id"]}
    words |= {alias for table in inventory["environments"].values() for alias in table.get("aliases", ())}
    words.discard("pr-{number}")
    pattern = re.compile(rf"(?<![\w.-])({'|'.join(map(re.escape, sorted(words)))})(?![\w-])")
    code = [*TERRAFORM.rglob("*.tf"), *(ROOT / "templates").rglob("*.j2")]
    found = [f"{path.name}: {match[0]}" for path in code for match in pattern.finditer(path.read_text())]
    assert not found


def test_no_variable_or_output_is_a_secret() -> None:
    """Secrets never pass through Terraform: state and plan files keep every value."""
    names = [
        name
        for folder in FOLDERS
        for kind, file in (("variable", "variables.tf"), ("output", "outputs.tf"))
        for name, _ in _blocks(folder / file, kind)
    ]
    assert names
    assert not [name for name in names if re.search(r"secret|token|password|api_key|private", name)]
