"""One environment, several checkouts: its holder is named, a dead one proven to be dead, and the ledger is true."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from deployer.adapters.environ import identity
from tests.support.kills import killed_at, moments
from tests.support.rehearsal import Ran, Rehearsal
from tests.support.waiting import wait_for

STATE_BUCKET = "vibechecc-terraform-state"
LOCK = "terraform/development/site.tfstate.tflock"
WORKERS = "*/workers/workers"
UNLOCK = ("state.unlock", "--env", "dev", "--sandbox")


@pytest.fixture(name="other", scope="module")
def _other(stage: Rehearsal) -> Iterator[Rehearsal]:
    made = stage.beside("colleague")
    yield made
    made.forget_work()
    shutil.rmtree(made.root)


@pytest.fixture(autouse=True)
def _fresh(stage: Rehearsal, other: Rehearsal) -> None:
    stage.reset()
    other.forget_work()


@contextlib.contextmanager
def s3(stage: Rehearsal) -> Iterator[Any]:
    """boto3 against the sandbox."""
    made = stage.connection["environment"]
    client = boto3.client(
        "s3", region_name="auto", endpoint_url=stage.connection["services"]["s3"],
        aws_access_key_id=made["R2_ACCESS_KEY_ID"], aws_secret_access_key=made["R2_SECRET_ACCESS_KEY"],
        config=Config(s3={"addressing_style": "path"}),
    )  # fmt: skip
    with contextlib.closing(client):
        yield client


def keys(stage: Rehearsal, prefix: str = "") -> list[str]:
    """What lies in the state bucket; nothing if it is not there yet."""
    with s3(stage) as client:
        try:
            listed = client.list_objects_v2(Bucket=STATE_BUCKET, Prefix=prefix)
        except client.exceptions.NoSuchBucket:
            return []
    return [item["Key"] for item in listed.get("Contents", ())]


def entry(number: int) -> str:
    """Where an entry lies."""
    return f"ledger/development/{number:08d}.json"


def history(stage: Rehearsal, code: int = 0) -> list[dict[str, Any]]:
    """The runs in the ledger, which must be whole unless `code` says otherwise."""
    ran = stage.inv("history", "--env", "dev", "--sandbox", "--json", "--verify", "--limit", "0")
    assert ran.code == code, ran.err
    return list(ran.document["runs"])


def outcomes(stage: Rehearsal) -> list[str]:
    """How the runs ended."""
    return [run["outcome"] for run in history(stage)]


def slow_worker(stage: Rehearsal, milliseconds: int) -> None:
    """Terraform takes its time in the middle of the stack `site`."""
    stage.fault(service="cloudflare", path=WORKERS, method="POST", delay_ms=milliseconds, count=1)


def programs(stage: Rehearsal, title: str) -> list[int]:
    """Processes that a note of this checkout names."""
    notes = (json.loads(path.read_text()) for path in stage.root.glob(".work/sandbox/development/processes/*.json"))
    return [int(note["pid"]) for note in notes if note["title"] == title and note["pid"]]


def kill_with_terraform(stage: Rehearsal, run: subprocess.Popen[str]) -> None:
    """Kill -9 for both, while Terraform holds the lock of its state and the Worker is being made."""
    wait_for(lambda: not stage.armed() and LOCK in keys(stage) and programs(stage, "terraform apply (site)"), run=run)
    terraform = programs(stage, "terraform apply (site)")
    run.kill()
    for pid in terraform:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    run.communicate()
    # The stand-in is still making the Worker whose answer nobody will read.
    wait_for(lambda: stage.carried_out("POST", WORKERS))
    assert LOCK in keys(stage)


def ended(run: subprocess.Popen[str]) -> Ran:
    """Its end."""
    out, err = run.communicate(timeout=300)
    return Ran(run.returncode, out, err)


def test_a_living_holder_is_named_refused_and_waited_for(stage: Rehearsal, other: Rehearsal) -> None:
    """The second run leaves with the holder's name, or waits; nobody takes the environment from the first one."""
    slow_worker(stage, 15_000)
    first = stage.start("deploy", "--env", "dev", "--sandbox", "--json")
    wait_for(lambda: entry(1) in keys(stage), run=first)

    second = other.deploy()
    assert second.code == 7, second.err
    said = " ".join(second.err.split())
    assert f"`inv deploy --env dev --sandbox` of {identity()} works on `development` since 20" in said
    assert f"its process {first.pid} is alive on this machine" in said
    assert "`--lock-timeout 10m`" in said
    assert second.document["error"]["reason"] == "environment-locked"
    refused = other.inv(*UNLOCK)
    assert refused.code == 7, refused.out
    assert f"or end it: `kill {first.pid}`" in " ".join(refused.err.split())
    (at_work,) = history(other)
    assert (at_work["outcome"], at_work["who"], at_work["process"]["pid"]) == ("open", identity(), first.pid)

    waiting = other.deploy("--lock-timeout", "3m")
    assert waiting.code == 0, waiting.err
    assert re.search(r"waiting at most 1\d\d s: `inv deploy --env dev --sandbox` of", waiting.err), waiting.err
    assert waiting.recap["changed"] == 0
    assert ended(first).code == 0
    assert outcomes(stage) == ["ok"], "who changed nothing is not in the ledger"


def test_two_deploys_at_once_both_come_to_their_end(stage: Rehearsal, other: Rehearsal) -> None:
    """From nothing, and from two checkouts: one works, the other one waits for it and finds nothing left to do."""
    started = [each.start("deploy", "--env", "dev", "--sandbox", "--json", "--lock-timeout", "3m")
               for each in (stage, other)]  # fmt: skip
    runs = [ended(run) for run in started]
    assert [run.code for run in runs] == [0, 0], [run.err for run in runs]
    assert stage.deploy().recap["changed"] == 0
    assert set(outcomes(stage)) == {"ok"}


def test_a_killed_holder_is_proven_and_its_locks_are_given_back(stage: Rehearsal, other: Rehearsal) -> None:
    """From another checkout: the process is gone, so the environment and the state that it held are free again."""
    slow_worker(stage, 3000)
    run = stage.start("deploy", "--env", "dev", "--sandbox")
    kill_with_terraform(stage, run)

    ran = other.inv(*UNLOCK)
    assert ran.code == 0, ran.err
    assert f"its process {run.pid} on this machine is gone" in ran.out
    assert LOCK not in keys(stage)
    went_on = other.deploy()
    assert went_on.code == 0, went_on.err
    assert other.deploy().recap["changed"] == 0
    killed, unlocked, deployed = history(other)
    assert (killed["outcome"], killed["closed_by"]["command"]) == ("killed", "inv state.unlock --env dev --sandbox")
    assert killed["found"]["worker"] is None
    assert killed["found"]["terraform"]["hosts"] is None
    assert [lock["stack"] for lock in unlocked["unlocked"]] == ["site"]
    assert deployed["outcome"] == "ok"
    assert deployed["worker"]["version"]
    assert deployed["terraform"]["site"]["serial"] > 0


def test_the_next_run_takes_over_from_a_killed_one(stage: Rehearsal, other: Rehearsal) -> None:
    """It closes what is open, says so, and converges; a lock that Terraform left needs its own command."""
    slow_worker(stage, 3000)
    run = stage.start("deploy", "--env", "dev", "--sandbox")
    kill_with_terraform(stage, run)

    ran = other.deploy()
    assert ran.code == 7, ran.err
    said = " ".join(ran.err.split())
    assert f"its process {run.pid} on this machine is gone, so it is closed as killed" in said
    assert "`inv state.unlock --env development --stack site --sandbox`" in said
    assert other.inv(*UNLOCK, "--stack", "site").code == 0
    assert other.deploy().code == 0
    assert outcomes(stage) == ["killed", "failed", "ok", "ok"]


def test_while_the_programs_of_a_killed_run_are_at_work_it_is_waited_for(stage: Rehearsal, other: Rehearsal) -> None:
    """Terraform goes on to its own end when the deployer is killed: nobody else changes anything before."""
    slow_worker(stage, 12_000)
    run = stage.start("deploy", "--env", "dev", "--sandbox")
    wait_for(lambda: LOCK in keys(stage) and programs(stage, "terraform apply (site)"), run=run)
    run.kill()
    run.communicate()
    early = other.deploy()
    assert early.code == 7, early.err
    assert "programs that it has started are at work" in early.err
    later = other.deploy("--lock-timeout", "3m")
    assert later.code == 0, later.err
    assert LOCK not in keys(stage)
    assert outcomes(stage) == ["killed", "ok"]


def test_unlocking_right_after_a_kill_waits_for_its_terraform_and_frees_all(stage: Rehearsal) -> None:
    """In the same checkout: it is said what is waited for, and Terraform gives back the state's lock itself."""
    slow_worker(stage, 12_000)
    run = stage.start("deploy", "--env", "dev", "--sandbox")
    wait_for(lambda: LOCK in keys(stage) and programs(stage, "terraform apply (site)"), run=run)
    run.kill()
    run.communicate()
    ran = stage.inv(*UNLOCK)
    assert ran.code == 0, ran.err
    assert "waiting for `terraform apply (site)` (process" in ran.err
    assert LOCK not in keys(stage)
    assert stage.deploy().code == 0


def test_killed_at_any_write_of_the_ledger_the_next_run_tells_the_truth(stage: Rehearsal, other: Rehearsal) -> None:
    """Before and after each: the entry, the head, the closing entry, the head. The next run is another checkout's."""
    assert stage.deploy().code == 0
    for moment in moments():
        value = ("--set", f"worker.variables.ROUND=write-{moment}")
        command = ("deploy", "--env", "dev", "--sandbox", *value)
        if not killed_at(stage, moment, *command, variable="KILLED_AT_WRITE"):
            break
        again = other.deploy(*value)
        assert again.code == 0, f"killed at moment {moment}: {again.err}"
        assert "open" not in outcomes(other), f"killed at moment {moment}"
    assert moment == 9, "an entry and its head are written twice"


def test_killed_between_any_two_steps_the_next_run_converges(stage: Rehearsal, other: Rehearsal) -> None:
    """From another checkout, which has nothing but the ledger to know it by."""
    for moment in moments():
        value = ("--set", f"worker.variables.ROUND=step-{moment}", "--set", f"worker.logs.sampling_rate=0.{moment:02d}")
        if not killed_at(stage, moment, "deploy", "--env", "dev", "--sandbox", *value):
            break
        again = other.deploy(*value, "--lock-timeout", "1m")
        assert again.code == 0, f"killed at moment {moment}: {again.err}"
    assert moment > 10
    assert other.deploy(*value).recap["changed"] == 0
    assert "open" not in outcomes(other)


def test_destroy_is_in_the_ledger_and_leaves_it(stage: Rehearsal) -> None:
    """Of an environment that is gone, its history is what stays."""
    assert stage.deploy().code == 0
    assert stage.destroy().code == 0
    assert stage.destroy().recap["changed"] == 0
    left = keys(stage)
    assert left == ["ledger-heads/development.json", *(entry(number) for number in (1, 2, 3, 4))]
    assert [run["command"].split()[1] for run in history(stage)] == ["deploy", "destroy"]
    assert stage.deploy().code == 0
    assert outcomes(stage) == ["ok", "ok", "ok"]


def test_what_failed_is_in_the_ledger(stage: Rehearsal) -> None:
    """With the reason, and what was live then."""
    stage.fault(service="cloudflare", path="*/assets-upload-session", status=403, code=10000, count=20)
    assert stage.deploy().code == 4
    (run,) = history(stage)
    assert (run["outcome"], run["reason"]) == ("failed", "credentials-refused")
    assert run["steps"]["worker"] == "failed"
    assert run["worker"] is None
    assert run["terraform"]["site"]["serial"] > 0


def test_a_changed_and_a_missing_entry_are_found(stage: Rehearsal) -> None:
    """Each by its key, with exit code 13."""
    for number in range(3):
        assert stage.deploy("--set", f"worker.variables.ROUND=verify-{number}").code == 0
    assert outcomes(stage) == ["ok", "ok", "ok"]
    with s3(stage) as client:
        body = client.get_object(Bucket=STATE_BUCKET, Key=entry(1))["Body"].read()
        client.put_object(Bucket=STATE_BUCKET, Key=entry(1), Body=body.replace(b"inv deploy", b"inv nothing"))
        client.delete_object(Bucket=STATE_BUCKET, Key=entry(4))
        client.delete_object(Bucket=STATE_BUCKET, Key=entry(6))
    ran = stage.inv("history", "--env", "dev", "--sandbox", "--verify")
    assert ran.code == 13
    for line in (
        f"{entry(1)} was changed: entry 2 knows another digest of it",
        f"{entry(4)} is missing",
        f"{entry(6)} is missing: the ledger had 6 entries",
    ):
        assert line in ran.err
    assert "Traceback" not in ran.err
    again = stage.deploy("--set", "worker.variables.ROUND=on-top")
    assert again.code == 0, again.err
    history(stage, code=13)


def test_a_lock_that_is_no_json_is_said_and_only_force_removes_it(stage: Rehearsal) -> None:
    """Whatever wrote it: nobody can say whose it is."""
    assert stage.deploy().code == 0
    with s3(stage) as client:
        client.put_object(Bucket=STATE_BUCKET, Key=LOCK, Body=b"\x00\x01 not JSON")
    ran = stage.deploy("--set", "worker.logs.sampling_rate=0.5")
    assert ran.code == 7, ran.err
    assert "`inv state.unlock --env development --stack site --sandbox`" in " ".join(ran.err.split())
    refused = stage.inv(*UNLOCK, "--json")
    assert refused.code == 7
    assert "it cannot be read, so nobody knows whose it is" in refused.err
    (lock,) = refused.document["locks"]
    forced = stage.inv(*UNLOCK, "--stack", "site", "--force", "--lock-id", lock["lock_id"])
    assert forced.code == 0, forced.err
    assert stage.deploy("--set", "worker.logs.sampling_rate=0.5").code == 0
    assert outcomes(stage) == ["ok", "failed", "ok", "ok"]


def test_who_waits_for_a_lock_by_hand_goes_on_when_it_is_given_back(stage: Rehearsal) -> None:
    """Terraform by hand is in no ledger; its lock is waited for all the same."""
    assert stage.deploy().code == 0
    holder = {"ID": "0b8f", "Operation": "OperationTypeApply", "Who": "ana@laptop", "Created": "2026-11-22T15:00:00Z"}
    with s3(stage) as client:
        client.put_object(Bucket=STATE_BUCKET, Key=LOCK, Body=json.dumps(holder).encode())
        run = stage.start(
            "deploy", "--env", "dev", "--sandbox", "--set", "worker.logs.sampling_rate=0.5", "--lock-timeout", "1m"
        )
        assert run.stderr is not None
        said = next(line for line in run.stderr if "waiting: " in line)
        assert "locked by ana@laptop since 2026-11-22" in said
        client.delete_object(Bucket=STATE_BUCKET, Key=LOCK)
    assert ended(run).code == 0
