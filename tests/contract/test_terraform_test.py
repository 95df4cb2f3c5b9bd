"""The modules' and roots' own tests (*.tftest.hcl), each run by Terraform against the provider's schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.provider import attached_provider
from tests.support.terraform import MODULES, ROOTS, Terraform

FOLDERS = sorted([*MODULES.iterdir(), *ROOTS.iterdir()])


@pytest.fixture(scope="module")
def attached() -> Iterator[dict[str, str]]:
    """Give the variables that attach Terraform to the embedded provider."""
    with attached_provider() as environment:
        yield environment


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_terraform_tests_pass(folder: Path, attached: dict[str, str], tmp_path: Path) -> None:
    """Every run that the files declare is run and passes; none is skipped."""
    declared = sorted(
        name
        for file in (folder / "tests").glob("*.tftest.hcl")
        for name in re.findall(r'^run "(\w+)"', file.read_text(), re.MULTILINE)
    )
    terraform = Terraform(folder=folder, work=tmp_path, environment=attached)
    terraform.init("-backend=false")
    completed = terraform.run("test", "-json", ok=(0, 1))
    events = [json.loads(line) for line in completed.stdout.splitlines() if line.startswith("{")]
    runs = [
        event["test_run"]
        for event in events
        if event["type"] == "test_run" and event["test_run"]["progress"] == "complete"
    ]
    problems = [
        event["@message"] + json.dumps(event.get("diagnostic")) for event in events if event["@level"] == "error"
    ]
    assert [run["run"] for run in runs if run["status"] != "pass"] == [], "\n".join(problems)
    assert sorted(run["run"] for run in runs) == declared
    assert completed.returncode == 0
