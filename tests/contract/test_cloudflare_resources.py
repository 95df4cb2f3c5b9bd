"""Every resource type through real Terraform against the stand-in: apply, empty plan, change, import, destroy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.contract.cloudflare_account_resources import ACCOUNT_CASES
from tests.contract.cloudflare_case import Case
from tests.contract.cloudflare_zone_resources import ZONE_CASES
from tests.support.account import Account
from tests.support.either_provider import REQUIRED, provider_environment
from tests.support.sandbox import running_sandbox
from tests.support.terraform import Terraform

CASES = (*ZONE_CASES, *ACCOUNT_CASES)
ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353"
ZONE = "vibechecc.app"
SEED = {"schema": 1, "account": {"id": ACCOUNT, "name": "vibechecc"}, "zones": [ZONE]}
# What the provider talks to; the edge stays off.
SERVICES = ("cloudflare", "s3", "provider")
MAIN = (
    REQUIRED
    + """
locals {
  account = "%s"
  zone    = "%s"
}
"""
)
EMPTY, CHANGES = 0, 2  # what `plan -detailed-exitcode` answers


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """One sandbox for all types; each case leaves it as it found it."""
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), seed=SEED, only=SERVICES) as running:
        yield Account(running, ACCOUNT)


@pytest.fixture(scope="module")
def environment(
    account: Account, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What Terraform is started with."""
    wanted = request.config.getoption("--provider")
    return provider_environment(wanted, account.sandbox.environment, tmp_path_factory.mktemp("provider"))


def _objects(account: Account) -> dict[str, list[str]]:
    """What there is in the stand-in, and in S3, by table."""
    state: Mapping[str, Mapping[str, Any]] = json.loads(
        (account.sandbox.home.folder("cloudflare") / "state.json").read_text()
    )
    tables = {table: sorted(objects) for table, objects in state.items() if objects}
    buckets = account.get("/accounts/{account}/r2/buckets")["buckets"]
    return {**tables, "buckets": [bucket["name"] for bucket in buckets]}


class _Life:
    """One case in a folder of its own."""

    def __init__(self, case: Case, zone: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.case, self.zone = case, zone
        self.terraform = Terraform(folder=folder, work=folder / ".work", environment=environment)
        self.folder = folder

    def write(self, body: str) -> None:
        """Make the resource look like that."""
        block = f'resource "{self.case.type}" "this" {{\n{body}\n}}\n'
        (self.folder / "main.tf").write_text(MAIN % (ACCOUNT, self.zone) + self.case.before + block)

    def live(self) -> None:
        """From the first apply to destroy."""
        self.write(self.case.first)
        self.terraform.init()
        self.apply(self.case.first)
        self.apply(self.case.second)
        if self.case.imported != "no":
            self.forget_and_import()
        self.terraform.run("destroy", "-auto-approve", "-no-color")

    def apply(self, body: str) -> None:
        """Apply it; the plan after that must be empty."""
        self.write(body)
        self.terraform.run("apply", "-auto-approve", "-no-color")
        again = self.terraform.run("plan", "-detailed-exitcode", "-no-color", ok=(EMPTY, CHANGES))
        assert again.returncode == EMPTY, again.stdout

    def attributes(self) -> dict[str, Any]:
        """The resource in the state."""
        values = self.terraform.json("show", "-json")["values"]["root_module"]["resources"]
        found: dict[str, Any] = next(r["values"] for r in values if (r["type"], r["name"]) == (self.case.type, "this"))
        return found

    def forget_and_import(self) -> None:
        """Drop the resource from the state and bring it back by its id."""
        fields = {"account": ACCOUNT, "zone": self.zone, **self.attributes()}
        address = f"{self.case.type}.this"
        self.terraform.run("state", "rm", address)
        self.terraform.run("import", "-no-color", address, self.case.import_id.format(**fields))
        expected = EMPTY if self.case.imported == "clean" else CHANGES
        planned = self.terraform.run("plan", "-detailed-exitcode", "-no-color", ok=(EMPTY, CHANGES))
        assert planned.returncode == expected, planned.stdout
        assert "must be replaced" not in planned.stdout


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_life_of_a_resource(case: Case, account: Account, environment: dict[str, str], tmp_path: Path) -> None:
    """A resource is made, is stable, changes, is stable again, can be imported, and is gone after destroy."""
    before = _objects(account)
    life = _Life(case, account.zone(ZONE).removeprefix("/zones/"), tmp_path, environment)
    try:
        life.live()
        after = _objects(account)
        kept = {table: names for table, names in after.items() if table not in case.leaves}
        assert kept == {table: names for table, names in before.items() if table not in case.leaves}
    except BaseException:
        account.sandbox.control("POST", "/reset")  # what this case left must not fail the next one
        raise
