"""States are never lost: what is gone or damaged comes back whole, wherever a restore is cut off."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.support.rehearsal import Rehearsal
from tests.support.states import COPIES, LOCK, OTHER, SITE, Store, copies_of, is_clean, refused, restore, state, wrong
from tests.support.waiting import wait_for


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


@pytest.mark.parametrize("number", range(len(WRITES)), ids=[case[0] for case in WRITES])
def test_killed_at_every_write_the_next_restore_converges(stage: Rehearsal, store: Store, number: int) -> None:
    """The write arrives after its writer has died; whoever comes next finishes what is left."""
    _, method, path, count, turn = WRITES[number]
    assert stage.deploy().code == 0
    whole = store.state()
    store.write(SITE, b"damaged")
    before = stage.carried_out(method, path)
    stage.fault(service="s3", path=path, method=method, delay_ms=2500, count=count)
    run = stage.start("state.restore", "--env", "dev", "--sandbox", "--stack", "site", "--yes")
    wait_for(lambda: not stage.armed() and turn(store), run=run)
    run.kill()
    run.communicate()
    # The write is on its way, and arrives all the same.
    wait_for(lambda: stage.carried_out(method, path) == before + count)
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


def test_a_copy_that_a_killed_run_owed_is_made_by_the_next(stage: Rehearsal, store: Store) -> None:
    """Whoever closes its entry in the ledger copies the states that it has left."""
    assert stage.deploy().code == 0
    stage.fault(service="s3", path=f"*/{COPIES}*-00000002-*", method="PUT", delay_ms=20000, drop="before", count=1)
    run = stage.start("deploy", "--env", "dev", "--sandbox", *OTHER)
    wait_for(lambda: not stage.armed() and store.state()["serial"] == 2, run=run)
    run.kill()
    run.communicate()
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
