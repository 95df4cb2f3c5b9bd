"""Approvals of production, end to end: who has to agree, whose agreement counts, and that nothing goes without it."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from deployer.review.approval import Record, statement_for
from deployer.steps.bundle import read_bundle
from tests.support import reviews
from tests.support.kills import git, repository
from tests.support.planned import ENVIRONMENTS, recorded, reduced
from tests.support.rehearsal import Ran, Rehearsal, replace
from tests.support.reviews import apply, written
from tests.support.signing import public, ssh_key, ssh_signing

INVENTORY = "environments.toml"
PEOPLE = ("mira", "tom", "ada")
VARIABLES = '[defaults.convex.variables]\nSITE_URL = "https://{host}"\n'


@pytest.fixture(name="office", scope="module")
def _office(stage: Rehearsal) -> Rehearsal:
    """A checkout whose inventory lists three people; eve has a key and is not listed."""
    tables = []
    for name in (*PEOPLE, "eve"):
        key = ssh_key(stage.root.parent / "keys", name)
        if name in PEOPLE:
            tables.append(f'[project.approvers.{name}]\nssh = ["{public(key)}"]\nemails = ["{name}@example.org"]\n')
    replace(stage.root / INVENTORY, "[app]", "\n".join([*tables, "[app]"]))
    repository(stage.root)
    plan(stage)
    return stage


@pytest.fixture(name="deployed")
def _deployed(office: Rehearsal) -> Iterator[Rehearsal]:
    """Production with two variables, one of which can be removed."""
    git(office.root, "reset", "-q", "--hard")
    base = git(office.root, "rev-parse", "HEAD")
    replace(office.root / INVENTORY, VARIABLES, f'{VARIABLES}EXTRA = "one"\n')
    git(office.root, "commit", "-q", "-a", "-m", "one more variable")
    assert office.deploy(env="production").code == 0
    yield office
    git(office.root, "reset", "-q", "--hard", base)


plan = partial(reviews.plan, env="production")


def approve(stage: Rehearsal, person: str, *more: str, plan: str = "plan") -> Ran:
    """`inv approve` with a person's key."""
    key = str(stage.root.parent / "keys" / person)
    return stage.inv("approve", "--plan", plan, "--sandbox", "--json", "--yes", "--key", key, *more)


def missing(ran: Ran) -> str:
    """What was said of a refusal for want of approvals; nothing may have been changed."""
    assert ran.code == 12, ran.err
    error = ran.document["error"]
    assert error["reason"] == "approval-missing"
    assert error["place"].startswith("environments.toml:")
    assert "inv approve --plan" in error["hint"]
    return "\n".join([error["message"], *error["details"]])


def last_run(stage: Rehearsal) -> dict[str, Any]:
    """The newest run in the ledger."""
    ran = stage.inv("history", "--env", "production", "--sandbox", "--json", "--limit", "1")
    return dict(ran.document["runs"][0])


def destroying(stage: Rehearsal) -> dict[str, Any]:
    """A plan that deletes a variable of the functions."""
    replace(stage.root / INVENTORY, 'EXTRA = "one"\n', "")
    git(stage.root, "commit", "-q", "-a", "-m", "one variable less")
    planned = plan(stage)
    assert (planned["risk"], planned["approvals"]["needed"]) == ("destroy", 2)
    return planned


def test_production_is_applied_with_an_approval_and_not_without(office: Rehearsal) -> None:
    """From nothing, so that everything is created: one person is enough, and the ledger names that one."""
    office.reset()
    planned = plan(office)
    assert (planned["risk"], planned["approvals"]["needed"]) == ("additive", 1)
    assert "nobody has approved it" in missing(apply(office))
    assert written(office) == []
    ran = approve(office, "mira", "--comment", "looked at it")
    assert ran.code == 0, ran.err
    assert (ran.document["approver"], ran.document["changed"]) == ("mira", True)
    path = office.root / "plan" / "approvals" / "mira.json"
    assert path.stat().st_mode & 0o777 == 0o600
    shown = office.inv("approvals", "--plan", "plan", "--sandbox")
    said = " ".join(shown.out.split())
    assert said.startswith(f"plan {planned['id']}, risk additive: 1 of 1 approvals, 0 missing approved by mira")
    assert ": looked at it" in said
    assert all(len(line) <= 80 for line in shown.out.splitlines())
    done = apply(office)
    assert done.code == 0, done.err
    assert last_run(office)["approvals"] == ["mira"]
    refused = approve(office, "tom")
    assert (refused.code, refused.document["error"]["reason"]) == (6, "plan-applied")


def test_a_destroy_needs_two_different_people(deployed: Rehearsal) -> None:
    """The same person twice is said and changes nothing."""
    destroying(deployed)
    assert approve(deployed, "mira").code == 0
    assert "1 more person has to approve" in missing(apply(deployed))
    before = sorted((deployed.root / "plan").rglob("*"))
    again = approve(deployed, "mira")
    assert (again.code, again.document["changed"]) == (0, False)
    assert "`mira` has approved this plan already; nothing was written" in again.err
    assert sorted((deployed.root / "plan").rglob("*")) == before
    assert "1 more person has to approve" in missing(apply(deployed))
    assert approve(deployed, "tom").document["approvals"]["missing"] == 0
    done = apply(deployed)
    assert done.code == 0, done.err
    assert last_run(deployed)["approvals"] == ["mira", "tom"]


def test_whose_key_is_not_listed_is_told_how_it_would_be(deployed: Rehearsal) -> None:
    """The very lines; a record that was signed all the same counts for nobody."""
    destroying(deployed)
    ran = approve(deployed, "eve", "--as", "eve")
    assert (ran.code, ran.document["error"]["reason"]) == (11, "guard-refused")
    key = public(deployed.root.parent / "keys" / "eve").split(" eve")[0]
    assert f'ssh = ["{key}"]' in ran.document["error"]["details"]
    assert not (deployed.root / "plan" / "approvals").exists()
    forge(deployed, "eve", name="eve")
    forge(deployed, "eve", name="mira")
    said = missing(apply(deployed))
    assert said.count("the key that signed it is none of those that the inventory lists") == 2
    assert approve(deployed, "mira", "--as", "tom").code == 11


def forge(stage: Rehearsal, signer: str, *, name: str, age: dt.timedelta = dt.timedelta()) -> None:
    """Put an approval into the bundle that `signer` has made without us: in `name`'s name, some time ago."""
    manifest = read_bundle(stage.root / "plan").manifest
    now = dt.datetime.now(dt.UTC) - age
    statement = statement_for(manifest, approver=name, now=now, valid=dt.timedelta(days=1))
    signature = ssh_signing(stage.root.parent).sign(statement.text, key=stage.root.parent / "keys" / signer)
    record = Record(method="ssh", statement=statement.text, signature=signature, key="")
    folder = stage.root / "plan" / "approvals"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(record.text)


def test_an_approval_of_another_bundle_or_of_long_ago_does_not_count(deployed: Rehearsal) -> None:
    """Whatever changes a plan voids what was said of it; so does time, in both directions."""
    destroying(deployed)
    assert approve(deployed, "mira").code == 0
    kept = (deployed.root / "plan" / "approvals" / "mira.json").read_bytes()
    plan(deployed)
    assert not (deployed.root / "plan" / "approvals").exists()
    (deployed.root / "plan" / "approvals").mkdir()
    (deployed.root / "plan" / "approvals" / "mira.json").write_bytes(kept)
    assert "not counted, mira: it is for plan `production-" in missing(apply(deployed))
    forge(deployed, "mira", name="mira", age=dt.timedelta(days=2))
    assert "not counted, mira: it expired at 20" in missing(apply(deployed))
    forge(deployed, "mira", name="mira", age=-dt.timedelta(minutes=10))
    assert "which is yet to come: a clock is wrong" in missing(apply(deployed))
    (deployed.root / "plan" / "approvals" / "tom.json").write_bytes(kept[:100])
    assert "not counted, tom: it cannot be read" in missing(apply(deployed))
    # One that does not count stays, and keeps nobody from approving anew.
    assert approve(deployed, "mira").code == 0
    assert approve(deployed, "tom").code == 0
    names = sorted(path.name for path in (deployed.root / "plan" / "approvals").iterdir())
    assert names == ["mira-2.json", "mira.json", "tom-2.json", "tom.json"]
    assert apply(deployed).code == 0


def test_whoever_planned_is_not_asked(deployed: Rehearsal) -> None:
    """Told by git's address; where one is enough, that may be the same person."""
    git(deployed.root, "config", "user.email", "mira@example.org")
    try:
        destroying(deployed)
        ran = approve(deployed, "mira")
        assert (ran.code, ran.document["error"]["reason"]) == (11, "guard-refused")
        assert "`mira` made this plan" in ran.document["error"]["message"]
        forge(deployed, "mira", name="mira")
        assert approve(deployed, "tom").code == 0
        assert "not counted, mira: `mira` made the plan" in missing(apply(deployed))
        assert approve(deployed, "ada").code == 0
        assert apply(deployed).code == 0
        plan(deployed, "--set", "worker.logs.sampling_rate=0.2")
        assert approve(deployed, "mira").document["approvals"]["missing"] == 0
    finally:
        git(deployed.root, "config", "--unset", "user.email")


def test_what_is_no_bundle_for_here_is_not_approved(deployed: Rehearsal) -> None:
    """Damaged, of another target, of another environment: told before any key is looked for; and nobody confirms."""
    plan(deployed, "--set", "worker.logs.sampling_rate=0.2")
    key = str(deployed.root.parent / "keys" / "mira")
    nobody = deployed.inv("approve", "--plan", "plan", "--sandbox", "--json", "--key", key)
    assert (nobody.code, nobody.document["error"]["hint"]) == (11, "add --yes, if you have read it")
    assert approve(deployed, "mira", "--env", "dev").document["error"]["reason"] == "plan-changed"
    elsewhere = deployed.inv("approve", "--plan", "plan", "--json", "--yes", "--key", key)
    assert "for target sandbox, not cloudflare" in elsewhere.document["error"]["details"][0]
    document = deployed.root / "plan" / "plan.json"
    document.write_text(document.read_text().replace("update", "create", 1))
    ran = approve(deployed, "mira")
    assert (ran.code, ran.document["error"]["reason"]) == (6, "plan-unusable")
    assert not (deployed.root / "plan" / "approvals").exists()


def test_a_stored_plan_gathers_approvals_from_everywhere(deployed: Rehearsal) -> None:
    """Two people, each in a checkout of their own; a third one applies."""
    replace(deployed.root / INVENTORY, 'EXTRA = "one"\n', "")
    git(deployed.root, "commit", "-q", "-a", "-m", "one variable less")
    stored = deployed.inv("plan", "--env", "production", "--sandbox", "--store", "--json")
    assert stored.code == 10, stored.err
    identifier = stored.document["id"]
    for person, left in (("mira", 1), ("tom", 0)):
        beside = deployed.beside(f"of-{person}")
        ran = approve(beside, person, plan=identifier)
        assert ran.code == 0, ran.err
        assert ran.document["approvals"]["missing"] == left
        again = approve(beside, person, plan=identifier)
        assert again.document["changed"] is False
        beside.forget_work()
    keys = [each["path"] for each in deployed.requests() if each["method"] == "PUT" and "/approvals/" in each["path"]]
    assert [key.rpartition("/")[2] for key in keys] == ["mira.json", "tom.json"]
    done = apply(deployed, plan=identifier)
    assert done.code == 0, done.err
    assert last_run(deployed)["approvals"] == ["mira", "tom"]


def test_policy_tells_before_anybody_plans(deployed: Rehearsal) -> None:
    """Alone, over a fresh plan or a bundle: what breaks which rule, where it stands; exit code 11."""
    good = deployed.inv("policy", "--env", "production", "--sandbox", "--json")
    assert (good.code, good.document["findings"]) == (0, [])
    plan(deployed, "--set", "worker.logs.sampling_rate=0.2")
    of_bundle = deployed.inv("policy", "--plan", "plan", "--sandbox", "--json")
    assert (of_bundle.code, of_bundle.document["resources"]) == (0, 1)
    assert deployed.inv("policy", "--plan", "plan", "--env", "dev", "--sandbox", "--json").code == 6
    replace(deployed.root / INVENTORY, 'min_tls_version = "1.2"', 'min_tls_version = "1.1"')
    before = written(deployed)
    bad = deployed.inv("policy", "--env", "production", "--sandbox", "--json")
    assert (bad.code, bad.document["error"]["reason"]) == (11, "policy-violated")
    (finding,) = bad.document["findings"]
    assert (finding["rule"], finding["severity"]) == ("tls-version", "error")
    assert finding["message"] == "`value` is `1.1`, must be `1.2` or `1.3`"
    assert finding["place"] in "\n".join(bad.document["error"]["details"])
    assert written(deployed) == before
    rules = deployed.inv("policy", "--env", "production", "--list", "--json").document["rules"]
    assert finding["place"] in [each["place"] for each in rules if each["rule"] == "tls-version"]


def test_what_the_recordings_say_is_what_terraform_plans(office: Rehearsal, tmp_path: Path) -> None:
    """By tests/golden/plans the rules are tried without Terraform."""
    import os

    from tests.support.planned import FOLDER, recording

    git(office.root, "reset", "-q", "--hard")
    office.reset()
    for name in ENVIRONMENTS:
        folder = tmp_path / name
        ran = office.inv("plan", "--env", name, "--sandbox", "--out", str(folder), "--json")
        assert ran.code == 10, ran.err
        stacks = json.loads((folder / "manifest.json").read_text())["stacks"]
        order = [stack for stack in ("zone", "site", "hosts") if stack in stacks]
        shown = {stack: json.loads((folder / "private" / f"{stack}.json").read_text()) for stack in order}
        if os.environ.get("UPDATE_GOLDEN"):
            (FOLDER / f"{name}.json").write_text(recording(shown))
        assert reduced(shown) == recorded(name), name
        shutil.rmtree(folder)
