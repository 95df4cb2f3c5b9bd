"""Terraform's own judgement of every module and root: it initialises, is valid without a warning, and is formatted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.provider import attached_provider
from tests.support.terraform import MODULES, REPOSITORY, ROOTS, Terraform

FOLDERS = sorted([*MODULES.iterdir(), *ROOTS.iterdir()])


@pytest.fixture(scope="module")
def attached() -> Iterator[dict[str, str]]:
    """Give the variables that attach Terraform to the embedded provider."""
    with attached_provider() as environment:
        yield environment


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_folder_is_valid(folder: Path, attached: dict[str, str], tmp_path: Path) -> None:
    """Validation finds neither an error nor a warning, and init leaves no file and no changed lock behind."""
    before = _files(folder)
    terraform = Terraform(folder=folder, work=tmp_path, environment=attached)
    terraform.init("-backend=false")
    result = terraform.json("validate", "-json")
    assert result["valid"], result["diagnostics"]
    assert result["diagnostics"] == []
    assert _files(folder) == before


def test_everything_is_formatted(tmp_path: Path) -> None:
    """`terraform fmt` would change nothing, tests included."""
    terraform = Terraform(folder=REPOSITORY / "terraform", work=tmp_path, environment={})
    assert terraform.run("fmt", "-recursive", "-check", "-diff", ok=(0, 3)).stdout == ""


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
