"""inv history and inv state.unlock from flags to exit code, on a bucket in memory."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from deployer.adapters.machine import ProcessId
from deployer.adapters.state import Object
from deployer.adapters.target import AWS_KEYS, CLOUDFLARE_TOKEN, R2_KEYS
from deployer.steps.ledger import Ledger, RunNote
from deployer.steps.ledger_check import verify
from deployer.steps.ledger_runs import last_runs
from deployer.words import Named
from tests.support.buckets import MemoryBucket
from tests.support.cli import Checkout, FileStep, make_checkout, use_steps
from tests.support.ledgers import ELSEWHERE, ended_process, open_run, past_run

LOCK = "terraform/development/site.tfstate.tflock"


@pytest.fixture(name="checkout")
def _checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Checkout:
    for name in (CLOUDFLARE_TOKEN, *R2_KEYS, *AWS_KEYS):
        monkeypatch.setenv(name, "made-up-credential")
    return make_checkout(tmp_path, capsys)


@pytest.fixture(name="bucket")
def _bucket(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> MemoryBucket:
    return use_steps(monkeypatch, [FileStep(name="first", path=checkout.root / "one")])


def ledger(bucket: MemoryBucket) -> Ledger:
    """Of the environment that all tests here work on."""
    return Ledger(bucket, Named("development", "cloudflare"))


def lock_state(bucket: MemoryBucket, *, who: str = "mira@build-7") -> None:
    """As Terraform does it."""
    bucket.put_json(LOCK, {"ID": "0b8f", "Operation": "OperationTypeApply", "Who": who, "Created": "x", "Path": "p"})


# --- deploy ---------------------------------------------------------------------------------------------------------


def test_a_deploy_is_in_the_ledger_and_one_without_changes_is_not(checkout: Checkout, bucket: MemoryBucket) -> None:
    """With its command: of values that were set only the names."""
    checkout.inv(
        "deploy", "--env", "dev", "--set", "worker.variables.SITE_URL=https://secret.example", "--tags", "always"
    )
    assert bucket.writes == [], "the step has no such tag"
    checkout.inv("deploy", "--env", "dev", "--set", "worker.variables.SITE_URL=https://secret.example")
    checkout.inv("deploy", "--env", "dev")
    (run,) = last_runs(ledger(bucket), 0)
    assert run.opened.body["command"] == "inv deploy --env dev --set worker.variables.SITE_URL"
    assert "secret.example" not in str([found.body for found in bucket.objects.values()])
    assert run.outcome == "ok"


def test_check_writes_nothing_and_waits_for_nobody(checkout: Checkout, bucket: MemoryBucket) -> None:
    """Looking is free, also while somebody works."""
    open_run(ledger(bucket), "other", ELSEWHERE)
    before = dict(bucket.objects)
    assert checkout.inv("deploy", "--env", "dev", "--check").code == 0
    assert bucket.objects == before


def test_a_held_environment_is_named_and_nothing_is_touched(checkout: Checkout, bucket: MemoryBucket) -> None:
    """Exit code 7, also as JSON; one that is waited for is named while waiting."""
    open_run(ledger(bucket), "other", ELSEWHERE)
    ran = checkout.inv("deploy", "--env", "dev", "--json", "--lock-timeout", "1")
    assert ran.code == 7
    assert json.loads(ran.out)["error"]["reason"] == "environment-locked"
    assert "waiting at most 1 s: `inv deploy --env dev` of mira@build-7" in ran.err
    assert not (checkout.root / "one").exists()


def test_a_run_that_lost_the_race_begins_again(
    checkout: Checkout, bucket: MemoryBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one came and went between looking and opening; the first attempt has changed nothing, the second does."""
    put = MemoryBucket.try_put
    raced: list[str] = []

    def race(self: MemoryBucket, key: str, body: bytes, *, replaces: str | None) -> bool:
        if not raced and key.startswith("ledger/"):
            raced.append(key)
            past_run(ledger(bucket), "quicker")
        return put(self, key, body, replaces=replaces)

    monkeypatch.setattr(MemoryBucket, "try_put", race)
    ran = checkout.inv("deploy", "--env", "dev")
    assert ran.code == 0, ran.err
    assert "note: another run has begun to work on `development` meanwhile" in ran.err
    assert ran.err.count("RECAP") == 1
    assert [run.opened.run == "quicker" for run in last_runs(ledger(bucket), 0)] == [True, False]
    assert verify(ledger(bucket)) == []


def test_what_changes_by_reviewed_plans_is_not_deployed(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the real target. Looking is allowed."""
    bucket = use_steps(monkeypatch, [FileStep(name="first", path=checkout.root / "one")])
    ran = checkout.inv("deploy", "--env", "production")
    assert ran.code == 11
    assert "`production` changes by reviewed plans only" in ran.err
    assert "inv plan --env production --out plan/" in ran.err
    assert bucket.writes == []
    assert checkout.inv("deploy", "--env", "production", "--check").code == 0


# --- history --------------------------------------------------------------------------------------------------------


def test_history_shows_every_run_with_how_it_ended(checkout: Checkout, bucket: MemoryBucket) -> None:
    """At 80 columns, the newest last; one that is at work is shown as such."""
    note = RunNote(plan_id="development-1", plan_digest="d" * 64, approvals=("ana", "bo"))
    past_run(ledger(bucket), "one", commit="1a2b3c4d5e6f7a8b", dirty=True, **note.fields())
    past_run(ledger(bucket), "two", outcome="failed")
    open_run(ledger(bucket), "three", ELSEWHERE)
    ran = checkout.inv("history", "--env", "dev")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines() == [
        "  run  time (UTC)           outcome              took  who",
        "    1  2026-11-25 12:00:00  ok                  2.5 s  mira@build-7",
        "       inv deploy --env dev",
        "       commit 1a2b3c4d5e6f+  plan development-1  approved by ana, bo",
        "    3  2026-11-25 12:00:00  failed              2.5 s  mira@build-7",
        "       inv deploy --env dev",
        "       nothing is known of what it made",
        "    5  2026-11-25 12:00:00  open                    -  mira@build-7",
        "       inv deploy --env dev",
        "       nothing is known of what it made",
    ]
    limited = checkout.inv("history", "--env", "dev", "--limit", "1", "--json")
    assert [run["run"] for run in json.loads(limited.out)["runs"]] == ["three"]


def test_history_fits_a_terminal(checkout: Checkout, bucket: MemoryBucket) -> None:
    """Whatever was typed and however many approved; cut between words."""
    note = RunNote(plan_id="production-20261125T161500Z-0d1f2a3bbeef", plan_digest="d" * 64, approvals=["somebody"] * 9)
    past_run(ledger(bucket), "one", command="inv deploy --env dev " + "--set worker.variables.A " * 5, **note.fields())
    lines = checkout.inv("history", "--env", "dev").out.splitlines()
    assert len(lines) > 4
    assert all(len(line) <= 80 for line in lines)
    assert "plan production-20261125T161500Z-0d1f2a3bbeef" in " ".join(" ".join(lines).split())


def test_an_empty_history_says_so(checkout: Checkout, bucket: MemoryBucket) -> None:
    """And is no failure."""
    ran = checkout.inv("history", "--env", "dev", "--verify")
    assert (ran.code, ran.out) == (0, "")
    assert "nothing was ever changed in `development` from here" in ran.err
    for limit in ("many", "-1", "²", "٣", ""):
        assert checkout.inv("history", "--env", "dev", f"--limit={limit}").code == 2, limit


def test_verify_names_every_entry_that_is_not_what_was_written(checkout: Checkout, bucket: MemoryBucket) -> None:
    """Exit code 13; the runs are shown all the same, as far as they can be read."""
    for name in ("one", "two", "three"):
        past_run(ledger(bucket), name)
    whole = checkout.inv("history", "--env", "dev", "--verify")
    assert (whole.code, "is whole: 6 entries" in whole.err) == (0, True)
    del bucket.objects["ledger/development/00000003.json"]
    bucket.objects["ledger/development/00000006.json"] = Object(b"{", "1")
    ran = checkout.inv("history", "--env", "dev", "--verify", "--json")
    assert ran.code == 13
    assert "  ledger/development/00000003.json is missing" in ran.err
    assert "  ledger/development/00000006.json cannot be read as an entry" in ran.err
    document = json.loads(ran.out)
    assert {problem["key"][-8:-5] for problem in document["problems"]} == {"003", "004", "006"}
    assert [run["outcome"] for run in document["runs"]] == ["ok", "open", "unreadable"]


HEAD = "ledger-heads/development.json"


def cut(bucket: MemoryBucket, *, head: bytes | None) -> None:
    """The last run's entries are removed, and the head, or something else is put there."""
    for name in ("one", "two", "three"):
        past_run(ledger(bucket), name)
    for number in (5, 6):
        del bucket.objects[f"ledger/development/{number:08d}.json"]
    del bucket.objects[HEAD]
    if head is not None:
        bucket.objects[HEAD] = Object(head, "1")


@pytest.mark.parametrize("head", [None, b"not JSON"])
def test_a_ledger_that_was_cut_does_not_become_whole_by_a_run(
    checkout: Checkout, bucket: MemoryBucket, head: bytes | None
) -> None:
    """A run changes nothing on top of it; whoever has looked says so, and the ledger keeps what was wrong."""
    cut(bucket, head=head)
    before = dict(bucket.objects)
    ran = checkout.inv("deploy", "--env", "dev")
    assert ran.code == 13
    assert "`inv history --env development --verify`" in ran.err
    assert "docs/runbooks/ledger-damaged.md" in ran.err
    assert bucket.objects == before
    assert not (checkout.root / "one").exists()
    assert checkout.inv("history", "--env", "dev", "--verify").code == 13
    accepted = checkout.inv("history", "--env", "dev", "--accept", "--json")
    assert accepted.code == 0, accepted.err
    (said,) = json.loads(accepted.out)["accepted"]
    assert said.startswith(HEAD)
    run = last_runs(ledger(bucket), 1)[0].document()
    assert (run["number"], run["command"], run["accepted"]) == (5, "inv history --env dev --accept", [said])
    assert f"accepted {said}" in " ".join(checkout.inv("history", "--env", "dev").out.split())
    assert checkout.inv("deploy", "--env", "dev").code == 0
    assert verify(ledger(bucket)) == []


def test_where_the_head_names_an_open_entry_that_is_gone_its_number_stays_missed(
    checkout: Checkout, bucket: MemoryBucket
) -> None:
    """Runs go on behind it."""
    past_run(ledger(bucket), "one")
    open_run(ledger(bucket), "two", ELSEWHERE)
    del bucket.objects["ledger/development/00000003.json"]
    assert checkout.inv("deploy", "--env", "dev").code == 13
    assert checkout.inv("history", "--env", "dev", "--accept").code == 0
    assert checkout.inv("deploy", "--env", "dev").code == 0
    assert [problem.key[-8:-5] for problem in verify(ledger(bucket))] == ["003"]


def test_accept_takes_no_environment_from_a_run_at_work(checkout: Checkout, bucket: MemoryBucket) -> None:
    """And writes nothing where the end is certain."""
    past_run(ledger(bucket), "one")
    open_run(ledger(bucket), "two", ELSEWHERE)
    written = len(bucket.writes)
    sound = checkout.inv("history", "--env", "dev", "--accept")
    assert (sound.code, "nothing to accept" in sound.err) == (0, True)
    del bucket.objects[HEAD]
    assert checkout.inv("history", "--env", "dev", "--accept").code == 7
    assert len(bucket.writes) == written
    assert checkout.inv("history", "--env", "dev", "--accept", "--verify").code == 2


def test_a_head_of_no_entries_is_accepted_as_a_beginning(checkout: Checkout, bucket: MemoryBucket) -> None:
    """There is nothing that it could name; the run that says so is the first."""
    bucket.objects[HEAD] = Object(b"{", "1")
    assert checkout.inv("deploy", "--env", "dev").code == 13
    assert checkout.inv("history", "--env", "dev", "--accept").code == 0
    assert [run.opened.sequence for run in last_runs(ledger(bucket), 0)] == [1]
    assert verify(ledger(bucket)) == []


# --- state.unlock ---------------------------------------------------------------------------------------------------


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
