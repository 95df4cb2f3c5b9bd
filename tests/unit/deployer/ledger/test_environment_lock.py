"""An environment is held by whoever opened its ledger last; a dead owner is known by proof, a living one is named."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.adapters.machine import ProcessId
from deployer.adapters.process import RUN_VARIABLE
from deployer.errors import EnvironmentLocked, Interrupted
from deployer.steps import environment_lock
from deployer.steps.holder import CheckoutNote
from deployer.steps.ledger_check import verify
from deployer.steps.ledger_runs import last_runs
from tests.support.ledgers import ELSEWHERE, World, closed, ended_process, open_run, past_run


@pytest.fixture(name="world")
def _world(tmp_path: Path) -> World:
    return World(tmp_path)


def outcome(world: World) -> list[str]:
    """How the runs ended, and that the ledger is whole."""
    assert verify(world.ledger) == []
    return [run.outcome for run in last_runs(world.ledger, 0)]


def test_nobody_at_work_means_free(world: World) -> None:
    """At the start, and after runs that ended."""
    assert world.lock().free().sequence == 0
    past_run(world.ledger, "one")
    assert world.lock().free().sequence == 2
    assert world.said == []


def test_a_living_holder_is_named_with_the_way_on(world: World) -> None:
    """Who, what, since when, from which run, and both next commands; nothing is written."""
    ci = {"url": "https://ci.example/run/7"}
    open_run(world.ledger, "77aa", ELSEWHERE, ci=ci)
    before = dict(world.bucket.objects)
    with pytest.raises(EnvironmentLocked) as caught:
        world.lock().free()
    error = caught.value
    assert error.exit_code == 7
    assert (
        error.message == "`inv deploy --env dev` of mira@build-7 works on `development` since 2026-11-01 00:00:01 UTC"
    )
    assert error.details[0].startswith("run 77aa, its last sign of life is ")
    assert error.details[1:] == ("process 4711 on build-7", "at https://ci.example/run/7")
    assert "`--lock-timeout 10m`" in (error.hint or "")
    assert "`inv state.unlock --env development`" in (error.hint or "")
    with pytest.raises(EnvironmentLocked) as caught:
        replace(world.lock(), waits=False).free()
    assert (caught.value.hint or "").startswith("wait for it to end; "), "not every command has that flag"
    assert world.bucket.objects == before


def test_a_dead_process_of_this_machine_is_proof(world: World) -> None:
    """Its entry is closed as killed, with the proof, who closed it, and what was found; then it is free."""
    process = ended_process()
    open_run(world.ledger, "dead", process)
    assert world.lock().free().sequence == 2
    (run,) = last_runs(world.ledger, 0)
    document = run.document()
    assert document["outcome"] == "killed"
    assert document["found"] == {"worker": {"version": "v7"}}
    assert document["closed_by"] == {
        "run": "next",
        "command": "inv deploy --env dev",
        "who": "ana@laptop",
        "proof": f"its process {process.pid} on this machine is gone",
        "forced": False,
    }
    assert world.recovered == ["next"], "what it left running was dealt with before anything was looked at"
    assert len(world.said) == 1
    assert outcome(world) == ["killed"]


def test_a_living_process_of_this_machine_is_never_robbed(world: World) -> None:
    """However old its last sign of life is: it may have lost the store, and is alive."""
    open_run(world.ledger, "alive", ProcessId.own())
    world.bucket.wait(hours=30)
    with pytest.raises(EnvironmentLocked) as caught:
        world.lock().free()
    assert f"its process {os.getpid()} is alive on this machine" in caught.value.details[0]


def test_a_dead_process_whose_programs_are_at_work_is_not_gone(world: World) -> None:
    """Terraform goes on when the deployer was killed."""
    command = [sys.executable, "-c", "input()"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, env={RUN_VARIABLE: "dead"})
    try:
        open_run(world.ledger, "dead", ended_process())
        with pytest.raises(EnvironmentLocked, match="works on") as caught:
            world.lock().free()
        assert f"programs that it has started are at work: process {child.pid}" in caught.value.details[0]
    finally:
        child.communicate(b"\n")
    assert world.lock().free().sequence == 2


def test_the_last_run_of_this_checkout_is_gone_when_nobody_works_in_it(world: World) -> None:
    """Whoever has the checkout's lock knows it, also where a process proves nothing."""
    open_run(world.ledger, "before", ELSEWHERE)
    CheckoutNote(world.folder).write("before")
    assert world.lock().free().sequence == 2
    assert outcome(world) == ["killed"]


def test_another_run_of_this_checkout_proves_nothing(world: World) -> None:
    """The note names one run."""
    open_run(world.ledger, "elsewhere", ELSEWHERE)
    CheckoutNote(world.folder).write("another")
    with pytest.raises(EnvironmentLocked):
        world.lock().free()


def test_the_note_of_a_copied_checkout_proves_nothing(world: World, tmp_path: Path) -> None:
    """The original has a lock of its own, and its run may be at work."""
    (world.folder / "lock").touch()
    open_run(world.ledger, "original", ELSEWHERE)
    CheckoutNote(world.folder).write("original")
    copied = World(tmp_path / "copy", world.bucket)
    shutil.copytree(world.folder, copied.folder, ignore=shutil.ignore_patterns("copy"))
    with pytest.raises(EnvironmentLocked):
        copied.lock().free()
    assert world.lock().free().sequence == 2


def test_a_process_that_is_seen_alive_counts_more_than_the_note(world: World) -> None:
    """Where locks of files mean nothing, as on some network file systems."""
    open_run(world.ledger, "alive", ProcessId.own())
    CheckoutNote(world.folder).write("alive")
    with pytest.raises(EnvironmentLocked):
        world.lock().free()


def test_a_heartbeat_that_stopped_is_proof_and_one_that_was_renewed_is_not(world: World) -> None:
    """By the store's clock alone."""
    open_run(world.ledger, "far", ELSEWHERE)
    world.bucket.wait(minutes=4)
    assert world.heartbeat.renew("far")
    world.bucket.wait(minutes=4)
    with pytest.raises(EnvironmentLocked):
        world.lock().free()
    world.bucket.wait(minutes=2)
    assert world.lock().free().sequence == 2
    assert outcome(world) == ["killed"]
    assert world.bucket.get("heartbeats/development.json") is None


def test_a_local_clock_that_is_wrong_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hours ahead or behind: who is alive stays alive, and times in the ledger are the store's."""
    open_run(world.ledger, "far", ELSEWHERE, time="2031-01-01T00:00:00+00:00")
    monkeypatch.setattr("time.time", lambda: 4e9)
    with pytest.raises(EnvironmentLocked):
        world.lock().free()
    world.bucket.wait(minutes=6)
    world.lock().free()
    (run,) = last_runs(world.ledger, 0)
    assert run.closed is not None
    assert run.closed.body["time"].startswith("2026-11-01T00:06")


def test_whoever_renews_while_it_is_being_claimed_stays_alive(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The claim was begun on a heartbeat that was too old, and the owner was only slow."""
    entry = open_run(world.ledger, "slow", ELSEWHERE)
    assert world.heartbeat.renew("slow")
    world.bucket.wait(minutes=6)
    head = world.ledger.head()
    assert head.open is not None
    put = type(world.bucket).try_put

    def renewed_first(self: object, key: str, body: bytes, *, replaces: str | None) -> bool:
        monkeypatch.undo()
        assert world.heartbeat.renew("slow")
        return put(world.bucket, key, body, replaces=replaces)

    monkeypatch.setattr(type(world.bucket), "try_put", renewed_first)
    assert not world.heartbeat.claim(head.open, by="other")
    assert world.ledger.head().open is not None
    assert entry.sequence == 1


def test_whose_heartbeat_was_claimed_does_not_renew_it(world: World) -> None:
    """It has been taken for dead and has to know."""
    open_run(world.ledger, "slow", ELSEWHERE)
    world.bucket.wait(minutes=6)
    head = world.ledger.head()
    assert head.open is not None
    assert world.heartbeat.claim(head.open, by="other")
    assert not world.heartbeat.renew("slow")


def test_renewals_are_never_the_same_bytes(world: World) -> None:
    """A store's tag may be a digest: a claim on the heartbeat of a minute ago must fail."""
    world.heartbeat.renew("one")
    first = world.bucket.objects[world.heartbeat.key].body
    world.heartbeat.renew("one")
    assert world.bucket.objects[world.heartbeat.key].body != first


def test_an_entry_that_cannot_be_read_is_closed_only_when_it_is_old(world: World) -> None:
    """Nobody knows who wrote it; its age still says whether anybody can be behind it."""
    from deployer.adapters.state import Object

    entry = open_run(world.ledger, "unreadable", ELSEWHERE)
    kept = world.bucket.objects[entry.key]
    world.bucket.objects[entry.key] = Object(b"{", kept.etag, kept.modified)
    with pytest.raises(EnvironmentLocked, match="cannot be read"):
        world.lock().free()
    world.bucket.wait(minutes=6)
    assert world.lock().free().sequence == 2


def test_two_that_find_a_dead_owner_close_it_once(world: World) -> None:
    """Whoever comes second goes on from the entry of the first."""
    open_run(world.ledger, "dead", ended_process())
    barrier = threading.Barrier(2)
    ends = []

    def work(name: str) -> None:
        lock = world.lock(name)
        judge = lock.owners.judge
        object.__setattr__(lock.owners, "judge", lambda opened: (barrier.wait(5), judge(opened))[1])
        ends.append(lock.free().sequence)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert ends == [2, 2]
    assert outcome(world) == ["killed"]


def test_who_waits_says_for_whom_and_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, and then it has the environment."""
    monkeypatch.setattr(environment_lock, "_LOOK_EVERY", 0.01)
    entry = open_run(world.ledger, "other", ELSEWHERE)

    def end() -> None:
        world.ledger.append(closed("other", entry.sequence), after=world.ledger.head())

    timer = threading.Timer(0.2, end)
    timer.start()
    head = world.lock().wait(20, threading.Event())
    timer.join()
    assert head.sequence == 2
    assert len(world.said) == 1
    assert "mira@build-7 works on `development`" in world.said[0]


def test_who_has_waited_long_enough_leaves_with_the_name(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same error as without waiting."""
    monkeypatch.setattr(environment_lock, "_LOOK_EVERY", 0.01)
    open_run(world.ledger, "other", ELSEWHERE)
    with pytest.raises(EnvironmentLocked, match="mira@build-7"):
        world.lock().wait(0.05, threading.Event())


def test_waiting_can_be_interrupted(world: World) -> None:
    """Nothing was touched."""
    open_run(world.ledger, "other", ELSEWHERE)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        world.lock().wait(60, stop)
