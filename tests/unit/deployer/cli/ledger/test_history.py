"""inv history, and the ledger that a deploy keeps, from flags to exit code, on a bucket in memory."""

from __future__ import annotations

import json

import pytest

from deployer.adapters.state import Object
from deployer.steps.ledger import RunNote
from deployer.steps.ledger_check import verify
from deployer.steps.ledger_runs import last_runs
from tests.support.buckets import MemoryBucket
from tests.support.cli import Checkout, FileStep, use_steps
from tests.support.ledgers import ELSEWHERE, ledger, open_run, past_run


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
