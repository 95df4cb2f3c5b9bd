"""Reviewed changes, end to end: what was shown is what is applied, or it is refused with what differs."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.kills import git, killed_at, moments, repository
from tests.support.rehearsal import Ran, Rehearsal, replace
from tests.support.reviews import apply, plan, refused, written
from tests.support.waiting import wait_for

INVENTORY = "environments.toml"
WORKERS = "*/workers/workers"


@pytest.fixture(scope="module", autouse=True)
def _repository(stage: Rehearsal) -> None:
    repository(stage.root)


def test_what_was_planned_is_applied_and_nothing_is_left(stage: Rehearsal) -> None:
    """From nothing: no bucket, no state. Planning writes to no service; the second plan is empty; twice is refused."""
    stage.reset()
    planned = plan(stage)
    assert written(stage) == []
    assert planned["commit"] == git(stage.root, "rev-parse", "HEAD")
    assert planned["dirty"] is False
    ran = apply(stage)
    assert ran.code == 0, ran.err
    expected = [each for step in planned["steps"] for each in step["changes"]]
    assert sorted(ran.changes) == sorted((each["action"], each["address"], each["summary"]) for each in expected)
    assert plan(stage, code=0)["outcome"] == "ok"
    shutil.rmtree(stage.root / "plan")


def test_a_plan_is_applied_once(deployed: Rehearsal) -> None:
    """The second time says when and by whom."""
    plan(deployed, "--set", "worker.variables.ROUND=once")
    assert apply(deployed).code == 0
    before = written(deployed)
    said = refused(apply(deployed), "plan-applied")
    assert "applied already, 20" in said
    assert " by " in said
    assert written(deployed) == before


def test_planning_twice_means_the_same(deployed: Rehearsal) -> None:
    """The digest is the same though ids and times are not; another value gives another one."""
    value = ("--set", "worker.variables.ROUND=twice")
    first, second = plan(deployed, *value), plan(deployed, *value)
    assert first["id"] != second["id"]
    assert first["digest"] == second["digest"]
    assert plan(deployed, "--set", "worker.variables.ROUND=thrice")["digest"] != first["digest"]


def test_a_damaged_bundle_is_refused_with_what_differs(deployed: Rehearsal) -> None:
    """Any file, with another byte in the middle; and a manifest that was edited by somebody who knows its form."""
    plan(deployed, "--set", "worker.variables.ROUND=damage")
    folder = deployed.root / "plan"
    before = written(deployed)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        body = path.read_bytes()
        middle = len(body) // 2
        path.write_bytes(body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :])
        said = refused(apply(deployed), "plan-unusable")
        assert path.name in said or "manifest" in said
        path.write_bytes(body)
    manifest = folder / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text.replace('"dirty": false', '"dirty": true'))
    assert refused(apply(deployed), "plan-unusable").endswith("sealed with another key: dirty")
    manifest.write_text(text)
    assert written(deployed) == before
    assert apply(deployed).code == 0


def test_a_changed_input_is_refused(deployed: Rehearsal) -> None:
    """The inventory, the application, Terraform's code, another commit: each by name, all at once."""
    plan(deployed, "--set", "worker.variables.ROUND=input")
    inventory, before = deployed.root / INVENTORY, written(deployed)
    replace(inventory, "sampling_rate = 1.0", "sampling_rate = 0.9")
    said = refused(apply(deployed))
    assert "input inventory.worker" in said
    assert "input site.tfvars.json" in said
    assert "with uncommitted changes" in said or "without uncommitted changes" in said
    git(deployed.root, "commit", "-q", "-a", "-m", "another rate")
    try:
        assert "it was made from commit" in refused(apply(deployed))
        assert "it was made from commit" in refused(apply(deployed, "--check"))
    finally:
        git(deployed.root, "reset", "-q", "--hard", "HEAD~1")
    assert written(deployed) == before
    assert apply(deployed, "--check").code == 0
    assert written(deployed) == before


def test_a_moved_state_is_refused_and_a_fresh_plan_that_means_the_same_is_not(deployed: Rehearsal) -> None:
    """Another run has written the state: said with its author. The change means the same still, so --replan applies."""
    plan(deployed, "--set", "worker.logs.sampling_rate=0.5")
    bump(deployed)
    said = refused(apply(deployed))
    assert "the state of stack site has moved: serial" in said
    ran = apply(deployed, "--replan")
    assert ran.code == 0, ran.err
    assert ("update", "site:module.worker.cloudflare_worker.this", "worker") in ran.changes


def test_a_fresh_plan_that_means_something_else_is_refused(deployed: Rehearsal) -> None:
    """Somebody has made the change, or another one, meanwhile: nothing is touched."""
    plan(deployed, "--set", "worker.logs.sampling_rate=0.5")
    assert deployed.deploy("--set", "worker.logs.sampling_rate=0.5").code == 0
    before = written(deployed)
    said = refused(apply(deployed, "--replan"))
    assert "would no longer update site:module.worker.cloudflare_worker.this" in said
    assert written(deployed) == before


def test_who_moved_the_state_is_said(deployed: Rehearsal) -> None:
    """The ledger knows the run."""
    plan(deployed, "--set", "worker.logs.sampling_rate=0.5")
    assert deployed.deploy("--set", "worker.logs.sampling_rate=0.25").code == 0
    said = refused(apply(deployed))
    assert "`inv deploy --env dev --sandbox --set worker.logs.sampling_rate`" in said
    assert "another Worker version is live" in said


def bump(stage: Rehearsal) -> None:
    """Write the state anew with the next serial, as an apply without a difference does."""
    import boto3

    made = stage.connection["environment"]
    client: Any = boto3.client(
        "s3", region_name="auto", endpoint_url=made["AWS_ENDPOINT_URL_S3"],
        aws_access_key_id=made["R2_ACCESS_KEY_ID"], aws_secret_access_key=made["R2_SECRET_ACCESS_KEY"],
    )  # fmt: skip
    where = {"Bucket": "vibechecc-terraform-state", "Key": "terraform/development/site.tfstate"}
    state = json.loads(client.get_object(**where)["Body"].read())
    client.put_object(**where, Body=json.dumps({**state, "serial": state["serial"] + 1}).encode())


def test_another_environment_target_or_project_is_refused_at_once(deployed: Rehearsal) -> None:
    """Before any credential is asked for."""
    plan(deployed, "--set", "worker.variables.ROUND=place")
    assert "for environment `development`, not `production`" in refused(apply(deployed, "--env", "prod"))
    elsewhere = deployed.inv("apply", "--plan", "plan", "--json")
    assert "for target sandbox, not cloudflare: run it with `--sandbox`" in refused(elsewhere)
    replace(deployed.root / INVENTORY, 'name = "vibechecc"', 'name = "other"')
    assert "for another project: name vibechecc, here other" in refused(apply(deployed))


@pytest.mark.parametrize(
    ("given", "reason", "code"),
    [
        ("absent", "plan-unusable", 6),
        ("empty", "plan-unusable", 6),
        ("development-20260101T000000Z-0123456789ab", "plan-unusable", 6),
        ("", "usage", 2),
    ],
)
def test_a_plan_that_is_not_there(deployed: Rehearsal, given: str, reason: str, code: int) -> None:
    """A folder, an empty folder, a stored id, nothing at all."""
    (deployed.root / "empty").mkdir(exist_ok=True)
    refused(apply(deployed, plan=given), reason, code)


def test_a_stored_plan_is_applied_from_another_checkout(deployed: Rehearsal, tmp_path: Path) -> None:
    """The bundle travels through the state bucket, and nothing of it needs the folder where it was made."""
    stored = deployed.inv(
        "plan", "--env", "dev", "--sandbox", "--store", "--json", "--set", "worker.logs.sampling_rate=0.3"
    )
    assert stored.code == 10, stored.err
    identifier = stored.document["id"]
    other = Rehearsal(tmp_path / "other", deployed.home)
    shutil.copytree(deployed.root, other.root, symlinks=True, ignore=shutil.ignore_patterns(".work", "plan"))
    ran = apply(other, plan=identifier)
    assert ran.code == 0, ran.err
    assert ("update", "site:module.worker.cloudflare_worker.this", "worker") in ran.changes
    other.forget_work()


def test_several_environments_are_planned_side_by_side(deployed: Rehearsal) -> None:
    """Each with its own plan; what one has to change decides over the exit code; an unknown name stops it."""
    ran = deployed.inv("plan", "--env", "all", "--sandbox", "--json", "--out", "plans")
    assert ran.code == 10, ran.err
    found = {each["environment"]: each["outcome"] for each in ran.document["plans"]}
    assert found == {"production": "changes", "development": "ok"}
    assert {path.name for path in (deployed.root / "plans").iterdir()} == set(found)
    assert deployed.inv("plan", "--env", "dev,nope", "--sandbox", "--json").code == 2
    shutil.rmtree(deployed.root / "plans")


def test_killed_between_any_two_steps_an_apply_goes_on(deployed: Rehearsal) -> None:
    """Kill -9 before and after each step; the same command again brings it to its end, and the ledger tells it."""
    for moment in moments():
        value = f"worker.variables.ROUND=round-{moment}"
        plan(deployed, "--set", value, "--set", f"worker.logs.sampling_rate=0.{moment:02d}")
        if not killed_at(deployed, moment, "apply", "--plan", "plan", "--sandbox"):
            break
        again = apply(deployed)
        done = again.code == 6 and again.document["error"]["reason"] == "plan-applied"
        assert again.code == 0 or done, f"killed at moment {moment}: {again.err}"
        rest = deployed.inv(
            "plan", "--env", "dev", "--sandbox", "--set", value, "--set", f"worker.logs.sampling_rate=0.{moment:02d}"
        )
        assert rest.code == 0, f"killed at moment {moment}: {rest.out}"
    assert moment > 10
    verified = deployed.inv("history", "--env", "dev", "--sandbox", "--verify")
    assert verified.code == 0, verified.err


def test_killed_with_its_terraform_an_apply_takes_over_what_was_made(stage: Rehearsal) -> None:
    """From nothing, Terraform killed as well: what it made and did not write down is part of what was reviewed."""
    stage.reset()
    plan(stage)
    stage.fault(service="cloudflare", path=WORKERS, method="POST", delay_ms=3000, count=1)
    run = stage.start("apply", "--plan", "plan", "--sandbox")
    wait_for(lambda: not stage.armed() and any(each.endswith("/r2/buckets") for each in written(stage)), run=run)
    run.kill()
    run.communicate()
    for note in (stage.root / ".work").glob("*/*/processes/*.json"):
        pid = json.loads(note.read_text())["pid"]
        if pid:
            os.kill(pid, signal.SIGKILL)
    # The stand-in is still making the Worker whose answer nobody will read.
    wait_for(lambda: stage.carried_out("POST", WORKERS))
    ran = apply(stage)
    assert ran.code == 0, ran.err
    assert any("taken into the state" in summary for _, _, summary in ran.changes)
    assert plan(stage, code=0)["outcome"] == "ok"


def test_two_applies_of_one_bundle_at_the_same_time(deployed: Rehearsal, tmp_path: Path) -> None:
    """From two checkouts: one applies it, the other leaves with the reason; nothing is done twice."""
    plan(deployed, "--set", "worker.logs.sampling_rate=0.4")
    other = Rehearsal(tmp_path / "other", deployed.home)
    shutil.copytree(deployed.root, other.root, symlinks=True, ignore=shutil.ignore_patterns(".work"))
    first, second = (each.start("apply", "--plan", "plan", "--sandbox", "--json") for each in (deployed, other))
    said = [run.communicate() for run in (first, second)]
    ended = [Ran(run.returncode, *texts) for run, texts in zip((first, second), said, strict=True)]
    codes = sorted(ran.code for ran in ended)
    assert codes[0] == 0, [ran.err for ran in ended]
    assert codes[1] in {6, 7}, [ran.err for ran in ended]
    loser = next(ran for ran in ended if ran.code)
    assert loser.document["error"]["reason"] in {"plan-applied", "environment-locked", "plan-changed"}
    assert deployed.inv("plan", "--env", "dev", "--sandbox", "--set", "worker.logs.sampling_rate=0.4").code == 0
    other.forget_work()


def read_id(stage: Rehearsal, plan: str) -> str:
    """The id of the bundle that `--plan` means here, read by somebody who reviews it."""
    ran = stage.inv("approvals", "--plan", plan, "--sandbox", "--json")
    assert ran.code == 0, ran.err
    return str(ran.document["plan"])


def listed(stage: Rehearsal) -> set[str]:
    """The ids of all stored bundles that are whole."""
    ran = stage.inv("plans", "--env", "dev", "--sandbox", "--json", "--limit", "0")
    assert ran.code == 0, ran.err
    return {each["id"] for each in ran.document["plans"]}


def test_killed_while_planning_the_old_bundle_or_the_new_one_is_there(deployed: Rehearsal) -> None:
    """Kill -9 between any two steps of writing it: one of the two can be reviewed, and the next plan is written."""
    newest = plan(deployed, "--set", "worker.variables.ROUND=kept")["id"]
    command = ("plan", "--env", "dev", "--sandbox", "--out", "plan", "--set")
    taken = set()
    for moment in moments():
        value = f"worker.variables.ROUND=killed-{moment}"
        if not killed_at(deployed, moment, *command, value, variable="KILLED_AT_BUNDLE", code=10):
            break
        found = read_id(deployed, "plan")
        taken.add(found == newest)
        newest = plan(deployed, "--set", "worker.variables.ROUND=kept")["id"]
        assert read_id(deployed, "plan") == newest, f"killed at moment {moment}"
        left = [path.name for path in deployed.root.iterdir() if path.name.startswith(".plan.")]
        assert not left, f"killed at moment {moment}"
    assert moment > 10
    assert taken == {True, False}, "some were killed before the new one was there, some after"


def test_killed_while_storing_a_plan_is_stored_whole_or_not_at_all(deployed: Rehearsal) -> None:
    """Kill -9 between any two steps: what is listed can be reviewed, the older one too, and the next plan is stored."""
    command = ("plan", "--env", "dev", "--sandbox", "--store", "--set", "worker.variables.ROUND=stored")
    stored = deployed.inv(*command, "--json").document["id"]
    before = listed(deployed)
    for moment in moments():
        if not killed_at(deployed, moment, *command, variable="KILLED_AT_BUNDLE", code=10):
            break
        assert listed(deployed) == before, f"killed at moment {moment}"
        assert read_id(deployed, stored) == stored, f"killed at moment {moment}"
    assert moment > 10
    (new,) = listed(deployed) - before
    assert read_id(deployed, new) == new


def test_the_store_is_out_of_reach(deployed: Rehearsal) -> None:
    """Whoever stores, lists or opens a plan is told so once, with its class; no bundle is there by halves."""
    store = ("plan", "--env", "dev", "--sandbox", "--store", "--json", "--set", "worker.variables.ROUND=store")
    stored = deployed.inv(*store).document["id"]
    before = listed(deployed)
    deployed.fault(service="s3", path="*/plans/*", method="PUT", status=500, count=200)
    failed = [deployed.inv(*store)]
    deployed.fault(service="s3", path="*", status=500, count=1000)
    failed += [
        deployed.inv(command, "--plan", stored, "--sandbox", "--json")
        for command in ("apply", "approve", "approvals", "policy")
    ]
    failed.append(deployed.inv("plans", "--env", "dev", "--sandbox", "--json"))
    for ran in failed:
        refused(ran, "service-failed", code=9)
        assert len([line for line in ran.err.splitlines() if line.startswith("error: ")]) == 1, ran.err
    deployed.inv("sandbox.fault", "--clear")
    assert listed(deployed) == before
