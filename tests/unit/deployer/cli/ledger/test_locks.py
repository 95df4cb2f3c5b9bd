"""inv state.unlock from flags to exit code, on a bucket in memory."""

from __future__ import annotations

import json
import os

import pytest

from deployer.adapters.machine import ProcessId
from deployer.adapters.state import Object
from deployer.steps.ledger_check import verify
from deployer.steps.ledger_runs import last_runs
from tests.support.buckets import MemoryBucket
from tests.support.cli import Checkout
from tests.support.ledgers import ELSEWHERE, ended_process, ledger, open_run, past_run

LOCK = "terraform/development/site.tfstate.tflock"


def lock_state(bucket: MemoryBucket, *, who: str = "mira@build-7") -> None:
    """As Terraform does it."""
    bucket.put_json(LOCK, {"ID": "0b8f", "Operation": "OperationTypeApply", "Who": who, "Created": "x", "Path": "p"})


def test_nothing_locked_is_said(checkout: Checkout, bucket: MemoryBucket) -> None:
    """And nothing is written."""
    past_run(ledger(bucket), "one")
    written = len(bucket.writes)
    ran = checkout.inv("state.unlock", "--env", "dev")
    assert (ran.code, ran.out) == (0, "nothing is locked\n")
    assert len(bucket.writes) == written


def test_a_dead_owner_gives_back_everything_it_held(checkout: Checkout, bucket: MemoryBucket) -> None:
    """The environment and the state that its Terraform had locked, each with its proof; the ledger keeps it."""
    process = ended_process()
    open_run(ledger(bucket), "dead", process)
    lock_state(bucket)
    ran = checkout.inv("state.unlock", "--env", "dev")
    assert ran.code == 0, ran.err
    assert f"its process {process.pid} on this machine is gone" in ran.out
    assert "mira@build-7 holds the state of `site` since 2026-11-01" in ran.out
    assert LOCK not in bucket.objects
    killed, unlocked = last_runs(ledger(bucket), 0)
    assert (killed.outcome, killed.document()["closed_by"]["command"]) == ("killed", "inv state.unlock --env dev")
    assert unlocked.document()["command"] == "inv state.unlock --env dev"
    assert [each["lock_id"] for each in unlocked.document()["unlocked"]] == ["0b8f"]
    assert verify(ledger(bucket)) == []
    assert checkout.inv("deploy", "--env", "dev").code == 0


def test_a_living_owner_is_refused_also_by_force(checkout: Checkout, bucket: MemoryBucket) -> None:
    """With the process to end; its state stays locked as well."""
    open_run(ledger(bucket), "alive", ProcessId.own())
    lock_state(bucket)
    before = dict(bucket.objects)
    for more in ((), ("--stack", "site"), ("--force", "--lock-id", "alive"), ("--force", "--lock-id", "0b8f")):
        ran = checkout.inv("state.unlock", "--env", "dev", *more)
        assert ran.code == 7, more
        assert f"wait for it to end, or end it: `kill {os.getpid()}`" in " ".join(ran.err.split())
    assert bucket.objects == before


def test_without_proof_force_names_what_is_at_risk_and_needs_the_id(checkout: Checkout, bucket: MemoryBucket) -> None:
    """The id of this very lock; nothing else is removed by it."""
    open_run(ledger(bucket), "77aa", ELSEWHERE)
    refused = checkout.inv("state.unlock", "--env", "dev")
    unsure = checkout.inv("state.unlock", "--env", "dev", "--force")
    for ran in (refused, unsure):
        assert ran.code == 7
        assert "nothing proves that its owner is gone" in ran.err
        assert "at risk: a run that is still at work would change `development`" in ran.err
        assert "`inv state.unlock --env development --force --lock-id 77aa`" in " ".join(ran.err.split())
    assert checkout.inv("state.unlock", "--env", "dev", "--force", "--lock-id", "77ab").code == 2
    assert checkout.inv("state.unlock", "--env", "dev", "--lock-id", "77aa").code == 2
    assert ledger(bucket).head().open is not None
    forced = checkout.inv("state.unlock", "--env", "dev", "--force", "--lock-id", "77aa", "--json")
    assert forced.code == 0, forced.err
    (lock,) = json.loads(forced.out)["locks"]
    assert (lock["owner"], lock["removed"], lock["stack"]) == ("unknown", True, None)
    (run,) = last_runs(ledger(bucket), 0)
    assert run.document()["closed_by"]["forced"] is True
    assert verify(ledger(bucket)) == []


def test_a_lock_that_nobody_in_the_ledger_took_needs_force(checkout: Checkout, bucket: MemoryBucket) -> None:
    """By hand, or from before there was a ledger; by somebody else than the run that was at work then."""
    past_run(ledger(bucket), "one")
    lock_state(bucket)
    ran = checkout.inv("state.unlock", "--env", "dev", "--stack", "site")
    assert ran.code == 7
    assert "no run in the ledger has taken it" in ran.err
    assert "at risk: two applies on the state of `site` lose what one of them did" in ran.err
    assert LOCK in bucket.objects
    forced = checkout.inv("state.unlock", "--env", "dev", "--stack", "site", "--force", "--lock-id", "0b8f")
    assert forced.code == 0, forced.err
    assert LOCK not in bucket.objects
    assert last_runs(ledger(bucket), 1)[0].document()["unlocked"][0]["proof"] == "by force"


def test_the_lock_of_a_run_that_has_ended_is_given_back(checkout: Checkout, bucket: MemoryBucket) -> None:
    """Taken while that run had the environment, by the same user on the same machine."""
    entry = open_run(ledger(bucket), "ended", ended_process())
    lock_state(bucket)
    assert checkout.inv("deploy", "--env", "dev").code == 0, "it closes the dead run, and needs no state"
    assert LOCK in bucket.objects
    ran = checkout.inv("state.unlock", "--env", "dev", "--stack", "site")
    assert ran.code == 0, ran.err
    assert "run ended, which took it, has ended (killed)" in ran.out
    assert LOCK not in bucket.objects
    assert entry.sequence == 1


def test_the_lock_of_somebody_else_on_another_machine_is_not_linked_to_a_run(
    checkout: Checkout, bucket: MemoryBucket
) -> None:
    """Although one was at work at that time."""
    open_run(ledger(bucket), "dead", ended_process())
    lock_state(bucket, who="bo@elsewhere")
    ran = checkout.inv("state.unlock", "--env", "dev")
    assert ran.code == 7
    assert LOCK in bucket.objects
    assert ledger(bucket).head().open is None, "the environment itself was given back"


def test_an_unreadable_lock_is_said_and_only_force_removes_it(checkout: Checkout, bucket: MemoryBucket) -> None:
    """It has no id, so the store's tag is asked for."""
    bucket.objects[LOCK] = Object(b"\x00 not JSON", "71")
    ran = checkout.inv("state.unlock", "--env", "dev")
    assert ran.code == 7
    assert "it cannot be read, so nobody knows whose it is" in ran.err
    assert "--lock-id 71" in " ".join(ran.err.split())
    forced = checkout.inv("state.unlock", "--env", "dev", "--stack", "site", "--force", "--lock-id", "71")
    assert forced.code == 0, forced.err
    assert LOCK not in bucket.objects


def test_a_lock_that_has_changed_hands_is_left_alone(
    checkout: Checkout, bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and removing somebody gave it back and another one took it: theirs is never deleted blindly."""
    open_run(ledger(bucket), "dead", ended_process())
    lock_state(bucket)
    put = MemoryBucket.try_put

    def change_hands(self: MemoryBucket, key: str, body: bytes, *, replaces: str | None) -> bool:
        if key == LOCK:
            self.objects[LOCK] = Object(b'{"ID": "new", "Who": "bo@elsewhere"}', "99")
        return put(self, key, body, replaces=replaces)

    monkeypatch.setattr(MemoryBucket, "try_put", change_hands)
    ran = checkout.inv("state.unlock", "--env", "dev")
    assert ran.code == 7
    assert b'"new"' in bucket.objects[LOCK].body


def test_a_lock_that_was_given_back_meanwhile_is_free(
    checkout: Checkout, bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Terraform that outlived its run has come to its own end between looking and removing."""
    open_run(ledger(bucket), "dead", ended_process())
    lock_state(bucket)
    put = MemoryBucket.try_put

    def give_back(self: MemoryBucket, key: str, body: bytes, *, replaces: str | None) -> bool:
        if key == LOCK:
            del self.objects[LOCK]
        return put(self, key, body, replaces=replaces)

    monkeypatch.setattr(MemoryBucket, "try_put", give_back)
    ran = checkout.inv("state.unlock", "--env", "dev")
    assert ran.code == 0, ran.err
    assert "the lock on the state of `site` is free now" in ran.err
    assert LOCK not in bucket.objects


def test_an_unknown_stack_is_a_mistake_of_the_command_line(checkout: Checkout, bucket: MemoryBucket) -> None:
    """The stacks that there are are named."""
    ran = checkout.inv("state.unlock", "--env", "dev", "--stack", "sites")
    assert ran.code == 2
    assert "`development` has no stack `sites`" in ran.err
