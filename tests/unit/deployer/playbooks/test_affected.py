"""Which environments a change can affect, by the inventory's tables; what nobody has thought of affects all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deployer.inventory.ci import PARTS
from deployer.playbooks.affected import affected, named, names, parts_of
from tests.support.inventory import ROOT, inventory

LOADED = inventory()


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("docs/guide/running.md", []),
        ("README.md", []),
        ("tests/unit/deployer/test_words.py", []),
        (".github/workflows/sweep.yml", []),
        ("example/e2e/vibes.spec.ts", []),
        ("example/src/routes/index.tsx", ["convex", "worker"]),
        ("example/convex/vibes.ts", ["convex", "worker"]),
        ("terraform/roots/zone/main.tf", ["zone"]),
        ("terraform/modules/storage/main.tf", ["site", "worker"]),
        ("terraform/modules/host/main.tf", ["hosts"]),
        ("environments.toml", list(PARTS)),
        ("deployer/steps/worker.py", list(PARTS)),
        ("templates/wrangler.json.j2", list(PARTS)),
        ("something/new.txt", list(PARTS)),
    ],
)
def test_a_file_affects_what_its_table_says_and_everything_if_it_has_none(path: str, parts: list[str]) -> None:
    """The tables of the repository's own inventory."""
    assert sorted(parts_of(LOADED, [path])) == sorted(parts)


def test_each_part_names_the_first_file_that_affects_it() -> None:
    """Whoever wonders why something is planned is told."""
    found = parts_of(LOADED, ["docs/README.md", "example/src/a.tsx", "terraform/roots/site/main.tf"])

    assert found == {
        "convex": "example/src/a.tsx",
        "worker": "example/src/a.tsx",
        "site": "terraform/roots/site/main.tf",
    }


def test_an_environment_is_affected_by_the_stacks_that_it_has() -> None:
    """The zone is production's; templates are made per pull request and planned there."""
    assert names(affected(LOADED, ["terraform/roots/zone/main.tf"])) == ["production"]
    assert names(affected(LOADED, ["terraform/roots/site/main.tf"])) == ["production", "development"]
    assert affected(LOADED, ["docs/README.md"]) == ()


def test_what_changes_by_reviewed_plans_only_is_never_deployed_in_parts() -> None:
    """A change of the application goes to development part by part, to production by a plan."""
    found = affected(LOADED, ["example/src/a.tsx"])

    assert names(found, by_plan=True) == ["production"]
    assert names(found, by_plan=False, part="convex") == ["development"]
    assert names(found, by_plan=False, part="worker") == ["development"]


def test_a_change_of_infrastructure_goes_everywhere_by_a_plan() -> None:
    """The application's part in it too, so that nothing is deployed twice."""
    found = affected(LOADED, ["terraform/roots/site/main.tf", "example/src/a.tsx"])

    assert names(found, by_plan=True) == ["production", "development"]
    assert names(found, by_plan=False) == []


def test_an_environment_named_by_hand_is_affected_as_a_whole() -> None:
    """By an alias as well, and a preview too."""
    assert named(LOADED, "dev")[0].environment == "development"
    assert set(named(LOADED, "pr-12")[0].parts) == set(PARTS) - {"zone"}


@pytest.mark.parametrize("stack", ["zone", "site", "hosts"])
def test_a_change_of_a_module_affects_every_stack_that_uses_it(stack: str) -> None:
    """The tables agree with what Terraform's roots say of their modules."""
    root = ROOT / "terraform" / "roots" / stack
    text = "\n".join(path.read_text(encoding="utf-8") for path in root.glob("*.tf"))
    modules = re.findall(r'source\s*=\s*"\.\./\.\./(modules/\w+)"', text)

    assert modules
    for module in modules:
        assert stack in parts_of(LOADED, [str(Path("terraform") / module / "main.tf")]), module
