"""Bad weather: each failure is one error with cause, place and next command, and the next deploy converges."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import boto3
import pytest
from botocore.config import Config

from tests.support.rehearsal import Ran, Rehearsal, replace
from tests.support.waiting import wait_for

STATE_BUCKET = "vibechecc-terraform-state"
LOCK = "terraform/development/site.tfstate.tflock"


@pytest.fixture(autouse=True)
def _fresh(stage: Rehearsal) -> None:
    stage.reset()


def check_failure(ran: Ran, code: int) -> None:
    """The form that every failure has."""
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err
    lines = ran.err.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1, ran.err
    assert any(line.startswith("hint: ") for line in lines), ran.err


def converges(stage: Rehearsal) -> None:
    """The next deploy brings it up, the one after has nothing to do."""
    stage.inv("sandbox.fault", "--clear")
    again = stage.deploy()
    assert again.code == 0, again.err
    assert stage.deploy().recap["changed"] == 0
    ledger = stage.inv("history", "--env", "dev", "--sandbox", "--verify", "--json")
    assert ledger.code == 0, ledger.err
    assert "open" not in {run["outcome"] for run in ledger.document["runs"]}


def fault(service: str, path: str, method: str = "", **more: Any) -> dict[str, Any]:
    """One fault; it lasts longer than any client's patience unless `count` says otherwise."""
    return {"service": service, "path": path, "count": 20, **({"method": method} if method else {}), **more}


API = "cloudflare"
FAULTS: list[tuple[str, int, dict[str, Any]]] = [
    ("terraform refused", 4, fault(API, "*/workers/workers", status=403)),
    ("terraform unknown token", 4, fault(API, "*/workers/workers", status=401)),
    ("terraform server error", 9, fault(API, "*/r2/buckets", "POST", status=500, retry_after_ms=1)),
    ("terraform throttled", 9, fault(API, "*/storage/kv/*", "POST", status=429, retry_after_ms=1)),
    ("state refused", 4, fault("s3", "*", status=403, count=50)),
    ("secrets refused", 4, fault("secretsmanager", "*", status=400, code="AccessDeniedException")),
    ("secrets failing", 9, fault("secretsmanager", "*", status=500)),
    ("convex key refused", 4, fault("convex", "*/url_for_key", status=401)),
    ("convex failing", 9, fault("convex-deployment", "*/list_environment_variables", status=500)),
    ("push fails", 9, fault("convex-deployment", "*/finish_push", status=500)),
    ("upload refused", 4, fault(API, "*/assets-upload-session", status=403, code=10000)),
    ("upload fails", 9, fault(API, "*/scripts/*/versions*", "POST", status=500)),
    ("connection dropped", 9, fault("convex", "*/url_for_key", drop="before")),
]


@pytest.mark.parametrize(("code", "weather"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS])
def test_a_service_that_fails_is_named_and_the_next_deploy_converges(
    stage: Rehearsal, code: int, weather: dict[str, Any]
) -> None:
    """Whichever service and whichever of our tools meets it."""
    stage.fault(**weather)
    ran = stage.deploy()
    check_failure(ran, code)
    if ran.recap["changed"]:
        # Half-way through: the rest must follow, and only that.
        stage.inv("sandbox.fault", "--clear")
        assert stage.deploy().code == 0


LOST: dict[str, Any] = {"drop": "after", "count": 1}
PASSING: list[tuple[str, dict[str, Any]]] = [
    ("throttled once", fault("convex", "*/url_for_key", status=429, count=1, retry_after_ms=50)),
    ("server errors", fault(API, "*/secrets", "GET", status=502, count=2)),
    ("dropped", fault("secretsmanager", "*", drop="before", count=1)),
    ("answer to variables lost", fault("convex-deployment", "*/update_environment_variables", **LOST)),
    ("answer to worker lost", fault(API, "*/workers/workers", "POST", **LOST)),
    ("answer to namespace lost", fault(API, "*/storage/kv/namespaces", "POST", **LOST)),
    ("answer to bucket lost", fault(API, "*/r2/buckets", "POST", **LOST)),
    ("answer to domain lost", fault(API, "*/workers/domains", "PUT", **LOST)),
    ("answer to state bucket lost", fault("s3", "/vibechecc-terraform-state*", "PUT", **LOST)),
]


@pytest.mark.parametrize("weather", [case[1] for case in PASSING], ids=[case[0] for case in PASSING])
def test_what_passes_does_not_fail_the_deploy(stage: Rehearsal, weather: dict[str, Any]) -> None:
    """A short outage is waited for; of a lost answer, what was made is found and kept."""
    stage.fault(**weather)
    ran = stage.deploy()
    assert ran.code == 0, ran.err
    assert stage.deploy().recap["changed"] == 0


def test_a_missing_secret_is_found_before_anything_is_touched(stage: Rehearsal) -> None:
    """With the command that would create it; nothing has changed anywhere."""
    with client(stage, "secretsmanager") as secrets:
        identifier = "vibechecc/development/worker"
        kept = secrets.get_secret_value(SecretId=identifier)["SecretString"]
        others = {key: value for key, value in json.loads(kept).items() if key != "SESSION_SECRET"}
        secrets.put_secret_value(SecretId=identifier, SecretString=json.dumps(others))
        ran = stage.deploy()
        secrets.put_secret_value(SecretId=identifier, SecretString=kept)
    check_failure(ran, 4)
    assert "AWS secret `vibechecc/development/worker` of the sandbox has no value for `SESSION_SECRET`" in ran.err
    assert "inv sandbox.down && inv sandbox.up" in ran.err
    assert "aws secretsmanager" not in ran.err, "it would write to the account of the person's own configuration"
    changed = [request for request in stage.requests() if request["mutating"]]
    assert [request["service"] for request in changed] == ["secretsmanager"] * 2, (
        "only the test itself changed anything"
    )


def test_credentials_that_are_not_set_are_one_error(stage: Rehearsal) -> None:
    """Every name, where it is looked for, and the other way on; the sandbox is not touched instead."""
    ran = stage.inv("deploy", "--env", "dev", "--json")
    check_failure(ran, 4)
    for name in ("CLOUDFLARE_API_TOKEN", "R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY", "CONVEX_DEPLOY_KEY_DEVELOPMENT",
                 "AWS_ACCESS_KEY_ID", "the process environment", "--sandbox"):  # fmt: skip
        assert name in ran.err
    assert stage.requests() == []


def test_a_build_that_fails_shows_its_last_lines_and_its_log(stage: Rehearsal) -> None:
    """And nothing of it is uploaded."""
    build = stage.root.parent / "application" / "build.mjs"
    before = build.read_text()
    build.write_text("console.error('line one'); console.error('cannot find the vibe'); process.exit(7)\n")
    try:
        ran = stage.deploy()
    finally:
        build.write_text(before)
    check_failure(ran, 5)
    assert "cannot find the vibe" in ran.err
    assert "app-build.log" in ran.err
    assert ran.status("worker") == "skipped"
    converges(stage)


def test_a_build_that_makes_something_else_is_said(stage: Rehearsal) -> None:
    """`main` in the inventory does not fit what was built."""
    ran = stage.deploy("--set", "worker.logs.enabled=true")
    assert ran.code == 0, ran.err
    inventory = stage.root / "environments.toml"
    before = inventory.read_text()
    replace(inventory, 'main = "dist/server/index.js"', 'main = "dist/server/other.js"')
    try:
        ran = stage.deploy()
    finally:
        inventory.write_text(before)
    check_failure(ran, 5)
    assert "dist/server/other.js" in ran.err


@contextlib.contextmanager
def client(stage: Rehearsal, service: Literal["s3", "secretsmanager"]) -> Iterator[Any]:
    """boto3 against the sandbox."""
    environment = stage.connection["environment"]
    prefix = "R2" if service == "s3" else "AWS"
    made = boto3.client(
        service,
        region_name="eu-central-1",
        endpoint_url=stage.connection["services"][service],
        aws_access_key_id=environment[f"{prefix}_ACCESS_KEY_ID"],
        aws_secret_access_key=environment[f"{prefix}_SECRET_ACCESS_KEY"],
        config=Config(s3={"addressing_style": "path"}),
    )
    with contextlib.closing(made):
        yield made


def hold_lock(stage: Rehearsal, *, who: str, since: str) -> None:
    """Somebody's lock, as Terraform writes it."""
    holder = {"ID": "0b8f", "Operation": "OperationTypeApply", "Who": who, "Created": since, "Path": "site", "Info": ""}
    with client(stage, "s3") as s3:
        s3.put_object(Bucket=STATE_BUCKET, Key=LOCK, Body=json.dumps(holder).encode())


def give_back_lock(stage: Rehearsal) -> None:
    """As Terraform does at its end."""
    with client(stage, "s3") as s3:
        s3.delete_object(Bucket=STATE_BUCKET, Key=LOCK)


def test_a_held_lock_names_who_and_since_when(stage: Rehearsal) -> None:
    """It is never broken for somebody else; when it is given back, the deploy goes on."""
    assert stage.deploy().code == 0
    hold_lock(stage, who="ana@laptop", since="2026-11-22T15:00:00Z")
    assert stage.deploy().recap["changed"] == 0, "who changes nothing needs no lock"
    ran = stage.deploy("--set", "worker.logs.enabled=false")
    check_failure(ran, 7)
    assert "ana@laptop since 2026-11-22 15:00:00" in " ".join(ran.err.split())
    give_back_lock(stage)
    assert stage.deploy("--set", "worker.logs.enabled=false").code == 0


def test_the_lock_of_our_own_user_is_not_broken_without_proof(stage: Rehearsal) -> None:
    """The same name may be another checkout on this machine that is at work."""
    from deployer.adapters.environ import identity

    assert stage.deploy().code == 0
    hold_lock(stage, who=identity(), since="2026-11-22T15:00:00Z")
    check_failure(stage.deploy("--set", "worker.logs.enabled=false"), 7)
    give_back_lock(stage)


def test_what_exists_already_and_is_not_ours_is_not_taken(stage: Rehearsal) -> None:
    """A bucket of the same name that nobody here made: refused before the first change."""
    with client(stage, "s3") as s3:
        s3.create_bucket(
            Bucket="vibechecc-development-uploads", CreateBucketConfiguration={"LocationConstraint": "weur"}
        )
    ran = stage.deploy()
    check_failure(ran, 11)
    assert "cloudflare_r2_bucket" in ran.err
    assert "terraform import" in ran.err


def test_ctrl_c_ends_the_children_and_says_what_was_done(stage: Rehearsal) -> None:
    """Exit code 130; the next deploy goes on."""
    stage.fault(service="cloudflare", path="*/workers/workers", method="POST", delay_ms=4000, count=1)
    run = stage.start("deploy", "--env", "dev", "--sandbox")
    wait_for_log(stage, "terraform-site-apply.log", run)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=90)
    assert run.returncode == 130, err
    assert "Traceback" not in err
    assert "interrupted" in err
    assert "RECAP" in err
    assert not notes(stage), "no program is left running"
    converges(stage)


def wait_for_log(stage: Rehearsal, name: str, run: subprocess.Popen[str]) -> Path:
    """Until a tool has begun to write its log."""
    log = stage.root / ".work" / "sandbox" / "development" / "logs" / name
    wait_for(lambda: log.is_file() and log.stat().st_size, run=run, seconds=120)
    return log


def notes(stage: Rehearsal) -> list[Path]:
    """Notes about running programs."""
    folder = stage.root / ".work" / "sandbox" / "development" / "processes"
    return list(folder.glob("*.json")) if folder.is_dir() else []


@pytest.mark.parametrize("also_terraform", [False, True], ids=["deployer alone", "with its Terraform"])
def test_killed_in_the_middle_of_an_apply(stage: Rehearsal, also_terraform: bool) -> None:
    """Terraform alone goes on to its end; killed as well, its lock is released and what it made is adopted."""
    stage.fault(service="cloudflare", path="*/workers/workers", method="POST", delay_ms=3000, count=1)
    run = stage.start("deploy", "--env", "dev", "--sandbox")
    # The namespace and the bucket exist by now, the Worker is being made.
    wait_for(lambda: not stage.armed() and stage.carried_out("POST", "*/r2/buckets"), run=run, seconds=120)
    kill(run)
    if also_terraform:
        for pid in pids_of(stage, "terraform apply (site)"):
            subprocess.run(["kill", "-9", str(pid)], check=False)
        # The stand-in is still making the Worker whose answer nobody will read.
        wait_for(lambda: stage.carried_out("POST", "*/workers/workers"))
    again = stage.deploy()
    assert again.code == 0, again.err
    if also_terraform:
        adopted = [summary for _, address, summary in again.changes if "cloudflare_r2_bucket" in address]
        assert adopted == ["r2 bucket (made by a deploy that was cut off, taken into the state)"]
    assert stage.deploy().recap["changed"] == 0
    assert not notes(stage)


def kill(run: subprocess.Popen[str]) -> None:
    """As the kernel or a CI service does it, and read what it had printed."""
    run.kill()
    run.communicate()


def pids_of(stage: Rehearsal, title: str) -> list[int]:
    """Processes that a note names."""
    found = []
    for note in notes(stage):
        data = json.loads(note.read_text())
        if data["title"] == title and data["pid"]:
            found.append(int(data["pid"]))
    return found


def test_killed_at_any_moment_the_next_deploy_converges(stage: Rehearsal) -> None:
    """Ten times kill -9, each on what the one before has left; then one deploy, and nothing left to do."""
    chance = random.Random(4711)
    began = time.monotonic()
    assert stage.deploy().code == 0
    whole = time.monotonic() - began
    for number in range(10):
        if number % 3 == 0:
            stage.reset()
        run = stage.start("deploy", "--env", "dev", "--sandbox", "--set", f"worker.variables.ROUND=round-{number}")
        time.sleep(chance.uniform(0.2, whole))
        kill(run)
    converges(stage)


def test_a_killed_sandbox_is_started_again(stage: Rehearsal) -> None:
    """With its state: there is nothing to do."""
    assert stage.deploy().code == 0
    subprocess.run(["kill", "-9", str(stage.connection["pid"])], check=True)
    ran = stage.deploy()
    assert ran.code == 0, ran.err
    assert ran.recap["changed"] == 0


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare, to mount a small file system of its own")
@pytest.mark.parametrize("size", ["64k", "76k", "80k", "96k", "1m"])
def test_a_full_disk_is_named(stage: Rehearsal, size: str) -> None:
    """The work folder on a file system that holds next to nothing; how little decides which program meets its end.

    With room again, the next deploy makes do with what is there half-written.
    """
    work = stage.root / ".work"
    work.mkdir(exist_ok=True)
    mount = f"mount -t tmpfs -o size={size} tmpfs {work}"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount, even in a namespace of their own")
    assert stage.inv("sandbox.status").code == 0
    inv = " ".join(stage.command("deploy", "--env", "dev", "--sandbox", "--json"))
    full = stage.root.parent / "full.err"
    # In one namespace, since what the first one leaves there half-written is gone with it.
    script = (
        f"{mount} && {{ {inv} 2>{full}; echo $? >>{full}; }} && mount -o remount,size=900m {work} && exec {inv} >&2"
    )
    again = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script], cwd=stage.root, env=stage.environment,
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300, check=False,
    )  # fmt: skip
    # Steps that are at work at the same time may all meet it.
    said = full.read_text()
    assert said.endswith("\n1\n"), said
    assert "Traceback" not in said
    assert "hint: free some space" in said
    assert "No space left" in said or "disk is full" in said
    assert again.returncode == 0, again.stderr
    converges(stage)
