"""Terraform's `removed`, `import` and `moved` blocks, end to end: shown, counted, guarded and applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deployer.inventory.load import load
from sandbox.home import Home
from tests.support.account import Account
from tests.support.rehearsal import Ran, Rehearsal, replace
from tests.support.sandbox import Running

BUCKET = 'site:module.storage.cloudflare_r2_bucket.this["UPLOADS"]'
REMOVED = """\
removed {
  from = module.storage.cloudflare_r2_bucket.this
  lifecycle { destroy = false }
}
"""
FOUND = """\
import {
  to = cloudflare_workers_kv_namespace.found
  id = "%s"
}
resource "cloudflare_workers_kv_namespace" "found" {
  account_id = var.account_id
  title      = "%s"
}
"""
MOVED = """\
moved {
  from = cloudflare_workers_kv_namespace.found
  to   = cloudflare_workers_kv_namespace.kept
}
resource "cloudflare_workers_kv_namespace" "kept" {
  account_id = var.account_id
  title      = "found"
}
"""
NOTHING = {"create": 0, "update": 0, "replace": 0, "delete": 0, "forget": 0, "run": 0}


@pytest.fixture(name="deployed")
def _deployed(stage: Rehearsal) -> Iterator[Rehearsal]:
    """Development, deployed from nothing; what a test writes into the checkout is taken back."""
    stage.reset()
    terraform = stage.root / "terraform"
    kept = {path: path.read_bytes() for path in (*terraform.rglob("*.tf"), stage.root / "environments.toml")}
    assert stage.deploy().code == 0
    yield stage
    for path in terraform.rglob("*.tf"):
        if path not in kept:
            path.unlink()
    for path, body in kept.items():
        path.write_bytes(body)


def account(stage: Rehearsal) -> Account:
    """The Cloudflare account of the sandbox."""
    return Account(Running(Home(stage.home)), load(stage.root).inventory.project.account_id)


def plan(stage: Rehearsal, *more: str) -> Ran:
    """`inv plan --env dev`."""
    return stage.inv("plan", "--env", "dev", "--sandbox", "--json", *more)


def told(planned: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Action, address and summary of every change of a plan but the build."""
    changes = [change for step in planned["steps"] for change in step["changes"]]
    return [(each["action"], each["address"], each["summary"]) for each in changes if not each["local"]]


def counts(planned: dict[str, Any], **more: int) -> bool:
    """Whether these alone are counted."""
    return {name: number for name, number in planned["counts"].items() if name != "unchanged"} == {**NOTHING, **more}


def write(stage: Rehearsal, text: str, name: str = "blocks.tf") -> None:
    """A file of the site's root."""
    (stage.root / "terraform" / "roots" / "site" / name).write_text(text)


def held(stage: Rehearsal) -> str:
    """The addresses in the site's state."""
    return stage.inv("state.list", "--env", "dev", "--sandbox", "--stack", "site").out


def forget_the_bucket(stage: Rehearsal) -> None:
    """Take the bucket out of the module, and have its state forget it."""
    module = stage.root / "terraform" / "modules" / "storage"
    code = (module / "main.tf").read_text()
    (module / "main.tf").write_text(code[: code.index("# The location is a hint")])
    replace(
        module / "outputs.tf",
        "{ for binding, bucket in cloudflare_r2_bucket.this : binding => bucket.name }",
        "var.r2",
    )
    write(stage, REMOVED, "removed.tf")


def test_what_is_protected_is_not_forgotten(deployed: Rehearsal) -> None:
    """Neither by a plan nor by a deploy; the state goes on holding it."""
    replace(
        deployed.root / "environments.toml",
        "protected = false ",
        'never_destroy = ["*.cloudflare_r2_bucket.*"]\nprotected = false ',
    )
    forget_the_bucket(deployed)
    ran = plan(deployed)
    assert ran.code == 11, ran.err
    assert told(ran.document) == [("forget", BUCKET, "r2 bucket (stays, and leaves the state)")]
    assert ran.document["risk"] == "destroy"
    assert f"would forget {BUCKET}" in ran.err
    refused = deployed.deploy()
    assert refused.code == 11, refused.err
    assert any(f"would forget {BUCKET}" in line for line in refused.document["error"]["details"])
    assert "cloudflare_r2_bucket" in held(deployed)


def test_what_is_not_protected_is_shown_and_forgotten(deployed: Rehearsal) -> None:
    """It is in the plan, it goes out of the state when that is applied, and the bucket stands where it stood."""
    forget_the_bucket(deployed)
    ran = plan(deployed, "--out", "plan")
    assert ran.code == 10, ran.err
    assert told(ran.document) == [("forget", BUCKET, "r2 bucket (stays, and leaves the state)")]
    assert counts(ran.document, forget=1)
    assert ran.document["risk"] == "destroy"
    applied = deployed.inv("apply", "--plan", "plan", "--sandbox", "--json")
    assert applied.code == 0, applied.err
    assert "cloudflare_r2_bucket" not in held(deployed)
    buckets = account(deployed).get("/accounts/{account}/r2/buckets")["buckets"]
    assert "vibechecc-development-uploads" in {bucket["name"] for bucket in buckets}
    assert plan(deployed).code == 0


@pytest.mark.parametrize("how", ["deploy", "apply"])
def test_what_is_imported_and_then_moved_is_shown_and_applied(deployed: Rehearsal, how: str) -> None:
    """A plan of nothing else is not empty, whichever command carries it out; afterwards it is."""
    act: Callable[[], Ran] = {
        "deploy": deployed.deploy,
        "apply": lambda: deployed.inv("apply", "--plan", "plan", "--sandbox", "--json"),
    }[how]
    owner = account(deployed)
    made = owner.call("POST", "/accounts/{account}/storage/kv/namespaces", {"title": "found"})
    identifier = f"{owner.id}/{made['id']}"
    address = "site:cloudflare_workers_kv_namespace"

    write(deployed, FOUND % (identifier, "found"))
    imported = [("update", f"{address}.found", f"workers kv namespace (import of {identifier})")]
    carried_out(deployed, imported, act)
    assert "cloudflare_workers_kv_namespace.found" in held(deployed)

    write(deployed, MOVED)
    summary = "workers kv namespace (move from cloudflare_workers_kv_namespace.found)"
    carried_out(deployed, [("update", f"{address}.kept", summary)], act)
    assert "cloudflare_workers_kv_namespace.kept" in held(deployed)
    assert "cloudflare_workers_kv_namespace.found" not in held(deployed)
    assert [each["id"] for each in namespaces(owner) if each["title"] == "found"] == [made["id"]]


def test_an_import_that_also_updates_says_both(deployed: Rehearsal) -> None:
    """One change: it is taken into the state, and then made what the code says."""
    owner = account(deployed)
    made = owner.call("POST", "/accounts/{account}/storage/kv/namespaces", {"title": "found"})
    identifier = f"{owner.id}/{made['id']}"
    write(deployed, FOUND % (identifier, "renamed"))
    summary = f"workers kv namespace (import of {identifier}, and update)"
    carried_out(deployed, [("update", "site:cloudflare_workers_kv_namespace.found", summary)], deployed.deploy)
    assert [each["title"] for each in namespaces(owner) if each["id"] == made["id"]] == ["renamed"]


def carried_out(stage: Rehearsal, expected: list[tuple[str, str, str]], act: Callable[[], Ran]) -> None:
    """The plan shows these changes, `act` makes them and no others, and the next plan is empty."""
    ran = plan(stage, "--out", "plan")
    assert ran.code == 10, ran.err
    assert told(ran.document) == expected
    assert counts(ran.document, update=len(expected))
    assert ran.document["risk"] == "update"
    done = act()
    assert done.code == 0, done.err
    assert done.changes == expected
    assert plan(stage).code == 0


def namespaces(owner: Account) -> list[dict[str, Any]]:
    """Every KV namespace of the account."""
    return list(owner.get("/accounts/{account}/storage/kv/namespaces"))
