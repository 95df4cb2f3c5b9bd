"""States are never lost: what is gone or damaged comes back whole, wherever a restore is cut off."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.home import Home
from tests.support.account import Account
from tests.support.rehearsal import Ran, Rehearsal, replace
from tests.support.sandbox import Running

BUCKET = "vibechecc-terraform-state"
SITE = "terraform/development/site.tfstate"
LOCK = f"{SITE}.tflock"
COPIES = "copies/terraform/development/site/"
OTHER = ("--set", "worker.logs.enabled=false")


@pytest.fixture(name="store")
def _store(stage: Rehearsal) -> Iterator[Store]:
    """A world in which nothing was deployed, and its state bucket as somebody else sees it."""
    stage.reset()
    environment = stage.connection["environment"]
    made = boto3.client(
        "s3",
        region_name="auto",
        endpoint_url=stage.connection["services"]["s3"],
        aws_access_key_id=environment["R2_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["R2_SECRET_ACCESS_KEY"],
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )
    with contextlib.closing(made):
        yield Store(made)


class Store:
    """The state bucket, asked by nothing of the deployer's."""

    def __init__(self, s3: Any) -> None:
        self.s3 = s3

    def keys(self, prefix: str = "") -> list[str]:
        """What lies there."""
        return [each["Key"] for each in self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())]

    def read(self, key: str) -> bytes | None:
        """An object's bytes, None if there is none."""
        try:
            with self.s3.get_object(Bucket=BUCKET, Key=key)["Body"] as body:
                return bytes(body.read())
        except ClientError:
            return None

    def write(self, key: str, body: bytes) -> None:
        """Whatever was there."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    def remove(self, key: str) -> None:
        """Gone."""
        self.s3.delete_object(Bucket=BUCKET, Key=key)

    def state(self) -> dict[str, Any]:
        """The state of the site."""
        return dict(json.loads(self.read(SITE) or b"{}"))


def state(stage: Rehearsal, task: str, *flags: str, stack: str = "site") -> Ran:
    """`inv state.TASK` on one stack of dev."""
    named = () if not stack else ("--stack", stack)
    return stage.inv(f"state.{task}", "--env", "dev", "--sandbox", *named, *flags)


def restore(stage: Rehearsal, *flags: str) -> Ran:
    """`inv state.restore --yes --json`."""
    return state(stage, "restore", "--yes", "--json", *flags)


def is_clean(stage: Rehearsal, *settings: str) -> None:
    """Terraform finds nothing to do, nothing is wrong with the states, and nobody holds one."""
    ran = stage.deploy("--check", *settings)
    assert ran.code == 0, ran.err
    assert ran.recap["changed"] == 0, ran.changes
    ran = state(stage, "check", stack="")
    assert ran.code == 0, ran.out + ran.err


def refused(ran: Ran, code: int, said: str) -> None:
    """One error, with the next command."""
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err
    assert said in " ".join(ran.err.split()), ran.err
    assert sum(line.startswith("error: ") for line in ran.err.splitlines()) == 1, ran.err
    assert any(line.startswith("hint: ") for line in ran.err.splitlines()), ran.err


def wrong(stage: Rehearsal, said: str) -> None:
    """`inv state.check` finds this."""
    ran = state(stage, "check", stack="")
    refused(ran, 13, "with the states")
    assert said in ran.out


def test_a_lost_state_comes_back_and_the_plan_is_empty(stage: Rehearsal, store: Store) -> None:
    """The newest one, not the one from before the last apply; the ledger knows of it, a second restore changes nothing.

    Before that neither a deploy nor a destroy goes on as if nothing had ever been made.
    """
    assert stage.deploy().code == 0
    assert stage.deploy(*OTHER).code == 0
    before = store.state()
    store.remove(SITE)
    ran = state(stage, "check", stack="")
    refused(ran, 13, "inv state.restore --env development --stack site")
    refused(stage.deploy(*OTHER), 13, "inv state.restore --env development --stack site")
    refused(stage.destroy(), 13, "inv state.restore --env development --stack site")
    ran = restore(stage, "--check")
    assert ran.recap["changed"] == 1
    assert store.read(SITE) is None
    ran = restore(stage)
    assert ran.code == 0, ran.err
    assert ran.recap["changed"] == 1
    after = store.state()
    assert after["resources"] == before["resources"]
    assert (after["lineage"], after["serial"]) == (before["lineage"], before["serial"] + 1)
    is_clean(stage, *OTHER)
    assert restore(stage).recap["changed"] == 0
    runs = stage.inv("history", "--env", "dev", "--sandbox", "--json").document["runs"]
    assert any("state.restore" in run["command"] and run["outcome"] == "ok" for run in runs)


@pytest.mark.parametrize("damaged", [b"", b"{", b'{"version": 3}', b"<html>"], ids=["empty", "cut", "old", "other"])
def test_a_damaged_state_stops_a_deploy_and_comes_back(stage: Rehearsal, store: Store, damaged: bytes) -> None:
    """The deploy names what mends it; what was damaged is kept."""
    assert stage.deploy().code == 0
    store.write(SITE, damaged)
    refused(stage.deploy(*OTHER), 13, "inv state.restore --env development --stack site")
    assert restore(stage).code == 0
    assert any(store.read(key) == damaged for key in store.keys(f"{COPIES}replaced-"))
    is_clean(stage)


def test_a_state_of_another_lineage(stage: Rehearsal, store: Store) -> None:
    """Refused, because Terraform would take everything for new; done when it is said aloud."""
    assert stage.deploy().code == 0
    whole = store.read(SITE) or b""
    lineage = store.state()["lineage"].encode()
    store.write(SITE, whole.replace(lineage, b"00000000-1111-2222-3333-444444444444"))
    wrong(stage, "is of another lineage")
    refused(restore(stage), 11, "--other-lineage")
    assert restore(stage, "--other-lineage").code == 0
    is_clean(stage)


def test_an_old_state_in_place_of_the_new_one(stage: Rehearsal, store: Store) -> None:
    """The copy is newer, and that is said; afterwards the serial is beyond both."""
    assert stage.deploy().code == 0
    old = store.read(SITE) or b""
    assert stage.deploy(*OTHER).code == 0
    newest = store.state()["serial"]
    store.write(SITE, old)
    wrong(stage, "is older than its newest copy")
    ran = restore(stage)
    assert ran.code == 0, ran.err
    assert "the copy is newer than the state" in ran.err
    assert store.state()["serial"] == newest + 1
    is_clean(stage, *OTHER)


def test_going_back_by_name_and_forth(stage: Rehearsal, store: Store) -> None:
    """A copy by the beginning of its name; nothing but the state changes, and the next deploy brings both together."""
    assert stage.deploy().code == 0
    assert stage.deploy(*OTHER).code == 0
    copies = state(stage, "copies", "--json").document["copies"]
    assert [copy["current"] for copy in copies] == [True, False]
    requests = len(stage.requests())
    assert restore(stage, "--copy", copies[1]["name"].removesuffix(".tfstate")).code == 0
    changed = [each for each in stage.requests()[requests:] if each["mutating"] and each["service"] != "s3"]
    assert changed == []
    assert stage.deploy().code == 0
    is_clean(stage)


def test_nobody_is_asked_without_a_terminal(stage: Rehearsal, store: Store) -> None:
    """The difference is shown all the same; a protected environment needs more."""
    assert stage.deploy().code == 0
    store.remove(SITE)
    ran = state(stage, "restore")
    refused(ran, 11, "nobody is there to confirm")
    assert "+ module.worker.cloudflare_worker.this" in ran.err
    assert store.read(SITE) is None
    ran = stage.inv("state.restore", "--env", "prod", "--sandbox", "--stack", "site", "--yes")
    refused(ran, 11, "--allow-protected")


def test_the_store_does_not_answer(stage: Rehearsal, store: Store) -> None:
    """Nothing is half-done; a copy that cannot be written stops an apply before it."""
    assert stage.deploy().code == 0
    stage.fault(service="s3", path="*", status=503, count=200)
    refused(restore(stage), 9, "run the same command again")
    stage.inv("sandbox.fault", "--clear")
    before = store.read(SITE)
    stage.fault(service="s3", path=f"*/{COPIES}*", method="PUT", status=500, count=200)
    ran = stage.deploy(*OTHER)
    stage.inv("sandbox.fault", "--clear")
    refused(ran, 9, COPIES)
    assert store.read(SITE) == before
    assert stage.deploy(*OTHER).code == 0
    is_clean(stage, *OTHER)


WRITES: list[tuple[str, str, str, int, Callable[[Store], bool]]] = [
    # What is delayed: method, path, how many of them; and what has happened when its turn has come.
    (
        "lock",
        "PUT",
        f"*/{LOCK}*",
        1,
        lambda store: any(b"state.restore" in each for each in ledger(store)),
    ),
    ("what is replaced", "PUT", f"*/{COPIES}replaced-*", 1, lambda store: store.read(LOCK) is not None),
    ("state", "PUT", f"*/{SITE}*", 2, lambda store: bool(store.keys(f"{COPIES}replaced-"))),
    ("copy of the state", "PUT", f"*/{COPIES}*", 2, lambda store: b'"resources"' in (store.read(SITE) or b"")),
    ("lock given back", "POST", "*?delete*", 1, lambda store: len(copies_of(store)) == 2),
]


def ledger(store: Store) -> list[bytes]:
    """Entries of the ledger."""
    return [store.read(key) or b"" for key in store.keys("ledger/development/")]


def copies_of(store: Store) -> list[str]:
    """Copies that no restore has replaced."""
    return [key for key in store.keys(COPIES) if "replaced-" not in key]


@pytest.mark.parametrize("number", range(len(WRITES)), ids=[case[0] for case in WRITES])
def test_killed_at_every_write_the_next_restore_converges(stage: Rehearsal, store: Store, number: int) -> None:
    """The write arrives after its writer has died; whoever comes next finishes what is left."""
    _, method, path, count, turn = WRITES[number]
    assert stage.deploy().code == 0
    whole = store.state()
    store.write(SITE, b"damaged")
    stage.fault(service="s3", path=path, method=method, delay_ms=2500, count=count)
    run = stage.start("state.restore", "--env", "dev", "--sandbox", "--stack", "site", "--yes")
    limit = time.monotonic() + 60
    while not turn(store):
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < limit
        time.sleep(0.05)
    time.sleep(0.7)
    assert run.poll() is None, run.communicate()
    run.kill()
    run.communicate()
    # The write is on its way, and arrives all the same.
    time.sleep(3.5)
    stage.inv("sandbox.fault", "--clear")
    assert store.read(SITE) == b"damaged" or store.state()["resources"] == whole["resources"]
    ran = restore(stage)
    assert ran.code == 0, ran.err
    assert store.state()["resources"] == whole["resources"]
    assert store.read(LOCK) is None
    assert any(store.read(key) == b"damaged" for key in store.keys(f"{COPIES}replaced-"))
    is_clean(stage)
    assert restore(stage).recap["changed"] == 0


def test_terraform_and_restore_keep_each_other_out(stage: Rehearsal, store: Store) -> None:
    """By the same lock, whoever holds it."""
    assert stage.deploy().code == 0
    store.write(SITE, b"damaged")
    holder = {"ID": "0b8f", "Operation": "OperationTypeApply", "Who": "ana@laptop", "Created": "2026-11-22T15:00:00Z"}
    store.write(LOCK, json.dumps(holder).encode())
    refused(restore(stage), 7, "ana@laptop since 2026-11-22T15:00:00Z")
    assert store.read(SITE) == b"damaged"
    store.remove(LOCK)
    assert restore(stage).code == 0
    is_clean(stage)


@pytest.fixture(name="encrypted")
def _encrypted(stage: Rehearsal) -> Iterator[None]:
    """An inventory that names a key for copies."""
    inventory = stage.root / "environments.toml"
    before = inventory.read_text()
    replace(
        inventory, "plans_days = 30\n", 'plans_days = 30\ncopy_key = { aws = "vibechecc/deployer", key = "copy_key" }\n'
    )
    yield
    inventory.write_text(before)


@pytest.mark.usefixtures("encrypted")
def test_copies_are_encrypted_with_the_key_of_the_inventory(stage: Rehearsal, store: Store) -> None:
    """Nothing of a state can be read in them; the right key brings it back, a wrong one and a changed byte do not."""
    assert stage.deploy().code == 0
    (key,) = copies_of(store)
    assert key.endswith(".tfstate.enc")
    sealed = store.read(key) or b""
    assert b"cloudflare" not in sealed
    assert store.read(SITE) is not None
    assert b"cloudflare" in (store.read(SITE) or b"")
    store.remove(SITE)
    store.write(key, sealed[:-1] + bytes([sealed[-1] ^ 1]))
    refused(restore(stage), 13, "the copy cannot be decrypted")
    store.write(key, sealed)
    inventory = stage.root / "environments.toml"
    replace(inventory, 'key = "copy_key"', 'key = "fingerprint_key"')
    refused(restore(stage), 13, "was encrypted with key")
    replace(inventory, 'copy_key = { aws = "vibechecc/deployer", key = "fingerprint_key" }\n', "")
    refused(restore(stage), 13, "`project.state.copy_key` is not set")
    replace(
        inventory, "plans_days = 30\n", 'plans_days = 30\ncopy_key = { aws = "vibechecc/deployer", key = "copy_key" }\n'
    )
    assert restore(stage).code == 0
    is_clean(stage)


def test_a_thing_is_forgotten_and_taken_back(stage: Rehearsal, store: Store) -> None:
    """rm, then restore; mv there and back: the plan is empty, nothing but the state was touched, no file is left."""
    assert stage.deploy().code == 0
    address = 'module.storage.cloudflare_workers_kv_namespace.this["CACHE"]'
    requests = len(stage.requests())
    ran = state(stage, "rm", "--yes", "--json", "--address", address)
    assert [change[:2] for change in ran.changes] == [("delete", f"site:{address}")]
    assert address not in state(stage, "list", "--json").document["states"][0]["addresses"]
    assert state(stage, "rm", "--yes", "--json", "--address", address).recap["changed"] == 0
    first = state(stage, "copies", "--json").document["copies"][-1]["name"]
    assert restore(stage, "--copy", first).code == 0
    for source, destination in (("module.worker", "module.other"), ("module.other", "module.worker")):
        flags = ("--yes", "--json", "--from", source, "--to", destination)
        assert state(stage, "mv", *flags).recap["changed"] == 1
        assert state(stage, "mv", *flags).recap["changed"] == 0
    changed = [each for each in stage.requests()[requests:] if each["mutating"] and each["service"] != "s3"]
    assert changed == []
    assert [path for path in (stage.root / "terraform").rglob("*") if ".tfstate" in path.name] == []
    is_clean(stage)


def test_a_raw_state_goes_to_a_private_file_only(stage: Rehearsal, store: Store, tmp_path: Path) -> None:
    """Never to a terminal or a log."""
    assert stage.deploy().code == 0
    refused(state(stage, "pull"), 2, "it is never printed")
    refused(state(stage, "pull", "--out", "/dev/stdout"), 2, "it is never printed")
    out = tmp_path / "site.tfstate"
    ran = state(stage, "pull", "--out", str(out))
    assert ran.code == 0, ran.err
    assert out.read_bytes() == store.read(SITE)
    assert out.stat().st_mode & 0o777 == 0o600
    assert "lineage" not in ran.out + ran.err


def test_what_the_code_does_not_have_is_found(stage: Rehearsal, store: Store) -> None:
    """Before a deploy would delete it."""
    assert stage.deploy().code == 0
    root = stage.root / "terraform" / "roots" / "site"
    texts = {path: path.read_text() for path in (root / "main.tf", root / "outputs.tf")}
    (root / "main.tf").write_text(texts[root / "main.tf"].split('module "storage"')[0])
    (root / "outputs.tf").write_text(texts[root / "outputs.tf"].split('output "kv_ids"')[0])
    try:
        ran = state(stage, "check", stack="")
    finally:
        for path, text in texts.items():
            path.write_text(text)
    refused(ran, 13, "2 problems with the states")
    assert "cloudflare_r2_bucket" in ran.out
    assert "inv state.mv --env development" in ran.out


def account(stage: Rehearsal) -> Account:
    """The Cloudflare account of the sandbox."""
    return Account(Running(Home.at(stage.home)), "023e105f4ecef8ad9ca31a8372d0c353")


def test_bootstrap_makes_the_bucket_and_a_second_one_changes_nothing(stage: Rehearsal, store: Store) -> None:
    """A check writes nothing; rules of others stay; what protected environments keep cannot be removed."""
    ran = stage.inv("state.bootstrap", "--sandbox", "--check", "--json")
    assert ran.recap["changed"] == 3
    assert [each for each in stage.requests() if each["mutating"]] == []
    ran = stage.inv("state.bootstrap", "--sandbox", "--json")
    assert ran.code == 0, ran.err
    assert ran.recap["changed"] == 3
    assert store.keys() == [], "the probe is gone"
    theirs = {"id": "theirs", "enabled": True, "prefix": "theirs/", "condition": {"type": "Indefinite"}}
    path = f"/accounts/{{account}}/r2/buckets/{BUCKET}/lock"
    rules = account(stage).get(path)["rules"]
    account(stage).call("PUT", path, {"rules": [theirs, *rules[1:]]})
    ran = stage.inv("state.bootstrap", "--sandbox", "--json")
    assert [change[:2] for change in ran.changes] == [("create", f"r2:{BUCKET}/lock/{rules[0]['id']}")]
    assert account(stage).get(path)["rules"][0] == theirs
    assert stage.inv("state.bootstrap", "--sandbox", "--json").recap["changed"] == 0
    assert stage.deploy(env="prod").code == 0
    assert stage.deploy(*OTHER, env="prod").code == 0, "copies that are locked stand in nobody's way"
    locked = store.keys("copies/terraform/production/") + store.keys("ledger/production/")
    assert locked
    for key in locked:
        with pytest.raises(ClientError, match="locked"):
            store.remove(key)


def test_a_bucket_elsewhere_is_said(stage: Rehearsal, store: Store) -> None:
    """And used: a bucket stays where it was made."""
    account(stage).call("POST", "/accounts/{account}/r2/buckets", {"name": BUCKET, "locationHint": "enam"})
    ran = stage.inv("state.bootstrap", "--sandbox", "--json")
    assert ran.code == 0, ran.err
    assert len(ran.document["notes"]) == 1
    assert "lies in enam, the inventory says weur" in ran.document["notes"][0]


def test_a_copy_that_a_killed_run_owed_is_made_by_the_next(stage: Rehearsal, store: Store) -> None:
    """Whoever closes its entry in the ledger copies the states that it has left."""
    assert stage.deploy().code == 0
    stage.fault(service="s3", path=f"*/{COPIES}*-00000002-*", method="PUT", delay_ms=20000, count=1)
    run = stage.start("deploy", "--env", "dev", "--sandbox", *OTHER)
    limit = time.monotonic() + 60
    while store.state()["serial"] < 2:
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < limit
        time.sleep(0.05)
    time.sleep(0.5)
    run.kill()
    run.communicate()
    stage.inv("sandbox.fault", "--clear")
    assert len(copies_of(store)) == 1
    assert stage.deploy(*OTHER).code == 0
    is_clean(stage, *OTHER)


def test_a_terraform_that_holds_the_state_is_not_robbed_by_restore(stage: Rehearsal, store: Store) -> None:
    """A lock of our own user proves nothing: another checkout may be at work."""
    from deployer.adapters.environ import identity

    assert stage.deploy().code == 0
    store.write(SITE, b"damaged")
    store.write(LOCK, json.dumps({"ID": "1", "Who": identity(), "Created": "2026-11-22T15:00:00Z"}).encode())
    refused(restore(stage), 7, "inv state.unlock --env development")
    assert store.read(LOCK) is not None
