"""What is kept beside states, and changes of them by hand: encryption, the bucket, mv and rm, files, checks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from sandbox.home import Home
from tests.support.account import Account
from tests.support.rehearsal import Rehearsal, replace
from tests.support.sandbox import Running
from tests.support.states import BUCKET, OTHER, SITE, Store, copies_of, is_clean, refused, restore, state


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
    assert any("/probes/" in each["path"] and each["mutating"] for each in stage.requests()), "the store was tried"
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
